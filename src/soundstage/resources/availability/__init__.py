"""Availability: what a launch profile's workstations would get here now, and how soon."""
