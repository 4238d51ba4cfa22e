"""Backups of workstations in one restic repository, whichever engine runs them."""
