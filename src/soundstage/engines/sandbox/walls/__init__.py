"""Draws the walls of a workstation: what it sees of the host and may do."""
