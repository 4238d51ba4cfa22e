"""How a launch profile moves from state to state."""

from soundstage.kit.machine import create_update_delete
from soundstage.resources.launch_profiles.model import LaunchProfileState

MACHINE = create_update_delete("launch profile", LaunchProfileState)
