"""The loop that makes stored wishes true."""
