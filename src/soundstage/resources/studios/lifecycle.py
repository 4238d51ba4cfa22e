"""How a studio moves from state to state."""

from soundstage.kit.machine import create_update_delete
from soundstage.resources.studios.model import StudioState

MACHINE = create_update_delete("studio", StudioState)
