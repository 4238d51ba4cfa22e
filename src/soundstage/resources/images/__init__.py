"""Streaming images: what a workstation boots."""
