"""How an image moves from state to state."""

from soundstage.kit.machine import create_update_delete
from soundstage.resources.images.model import StreamingImageState

MACHINE = create_update_delete("streaming image", StreamingImageState)
