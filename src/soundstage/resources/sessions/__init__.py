"""Streaming sessions: the workstations."""
