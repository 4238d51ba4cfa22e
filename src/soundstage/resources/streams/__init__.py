"""Streams: connections to a session, each opened by one ticket."""
