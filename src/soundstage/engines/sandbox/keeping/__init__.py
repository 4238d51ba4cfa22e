"""What is kept of each workstation, and what that says about it."""
