"""Warm workstations: prepared before anybody asks, and handed to who launches next."""
