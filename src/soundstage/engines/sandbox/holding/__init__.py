"""Programs that hold one workstation, apart from the service: standard library only."""
