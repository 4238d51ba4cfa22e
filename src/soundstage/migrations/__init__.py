"""Numbered schema steps, run by `kit.database`; each is safe beside the release before it."""
