"""What is shown inside a workstation as /opt/soundstage: its programs and settings.

Nothing here is imported by the service; these files are run and read in the sandbox.
"""
