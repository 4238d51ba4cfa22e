"""Calls to our own API, for the command line and the portal; any other program could make them."""
