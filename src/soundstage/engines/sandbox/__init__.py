"""Runs each workstation as a real Linux desktop in namespaces on this host."""
