"""Logins: in which browsers people are signed in, and the links that begin it."""
