"""Virtual workstations on a studio's own machines, behind the API of a studio service."""

__version__ = "0.1.0"
