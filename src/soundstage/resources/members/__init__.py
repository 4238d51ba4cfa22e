"""Studio members: the administrators of a studio, and the people that an installation knows."""
