"""Workstations as instances of Incus, on one host or a cluster of them."""
