"""Pictures: how a workstation's desktop looks now, for the one whose it is."""
