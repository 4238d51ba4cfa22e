"""Streaming session backups: copies of a session's disk that it can start from."""
