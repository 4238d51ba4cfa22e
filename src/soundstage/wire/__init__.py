"""Shapes and rules that both sides of a connection must agree on."""
