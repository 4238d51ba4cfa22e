"""Launch profile members: the people who may use a launch profile."""
