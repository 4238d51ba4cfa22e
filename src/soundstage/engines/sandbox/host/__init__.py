"""What this host has and what is left of it."""
