"""How a component moves from state to state."""

from soundstage.kit.machine import create_update_delete
from soundstage.resources.components.model import StudioComponentState

MACHINE = create_update_delete("studio component", StudioComponentState)
