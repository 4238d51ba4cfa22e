"""What can run a workstation. Engines do not know each other; `wiring` chooses one by name."""
