"""Tells a launch profile's chances; called by its operations."""

from soundstage.engines.interface import RetryableError, Room
from soundstage.resources.availability import model
from soundstage.resources.availability.model import Availability, Offer
from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.launch_profiles.model import LaunchProfile, LaunchProfileState
from soundstage.resources.request import Request
from soundstage.resources.sessions import starts


def of_profile(request: Request, studio_id: str, profile_id: str) -> Availability:
    """Say what a workstation of the profile would get, and how soon. Raises NotFoundError."""
    profile = launch_profiles.get(request, studio_id, profile_id)
    return _chances(request, [profile])[profile.id]


def list_page(
    request: Request,
    studio_id: str,
    *,
    states: list[LaunchProfileState],
    principal_id: str | None,
    next_token: str | None,
    size: int,
) -> tuple[list[Offer], str | None]:
    """List what a studio's launch profiles, or those of a person, would give now."""
    profiles, token = launch_profiles.list_page(
        request,
        studio_id,
        states=states,
        principal_id=principal_id,
        next_token=next_token,
        size=size,
    )
    chances = _chances(request, profiles)
    images = launch_profiles.images_of(request.transaction, studio_id, profiles)
    offers = [
        Offer(profile=profile, images=images[profile.id], availability=chances[profile.id])
        for profile in profiles
    ]
    return offers, token


def _chances(request: Request, profiles: list[LaunchProfile]) -> dict[str, Availability]:
    """Work them out; the engine is asked once for all."""
    room = _room(request)
    measured = starts.lengths(request.transaction, {profile.id for profile in profiles})
    return {
        profile.id: Availability(
            instance_types=[
                model.of_type(name, room)
                for name in profile.stream_configuration.ec2_instance_types
            ],
            expected_start=model.expected(measured[profile.id]),
        )
        for profile in profiles
    }


def _room(request: Request) -> Room | None:
    """Ask the engine; one that can't say now says nothing, and the rest is told all the same."""
    try:
        return None if request.sizes is None else request.sizes.room()
    except RetryableError:
        return None
