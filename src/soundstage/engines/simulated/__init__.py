"""Workstations in memory, for tests and for trying the service without desktops."""
