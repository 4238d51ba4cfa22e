"""Tells a launch profile's chances; called by its operation."""

from soundstage.engines.interface import RetryableError, Room
from soundstage.resources.availability import model
from soundstage.resources.availability.model import Availability
from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.request import Request
from soundstage.resources.sessions import starts


def of_profile(request: Request, studio_id: str, profile_id: str) -> Availability:
    """Say what a workstation of the profile would get, and how soon. Raises NotFoundError."""
    profile = launch_profiles.get(request, studio_id, profile_id)
    room = _room(request)
    names = profile.stream_configuration.ec2_instance_types
    measured = starts.lengths(request.transaction, profile.id)
    return Availability(
        instance_types=[model.of_type(name, room) for name in names],
        expected_start=model.expected(measured),
    )


def _room(request: Request) -> Room | None:
    """Ask the engine; one that can't say now says nothing, and the rest is told all the same."""
    try:
        return None if request.sizes is None else request.sizes.room()
    except RetryableError:
        return None
