"""Hosts: which there are, and taking one out for maintenance."""
