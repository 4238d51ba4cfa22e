"""Tells a launch profile's chances; called by its operations."""

from soundstage.engines.instance_types import InstanceType
from soundstage.engines.interface import RetryableError, Room
from soundstage.resources.availability import model
from soundstage.resources.availability.model import Availability, Offer, Place, QuotaUse
from soundstage.resources.components import service as components
from soundstage.resources.hosts import service as hosts
from soundstage.resources.images import service as images
from soundstage.resources.launch_profiles import service as launch_profiles
from soundstage.resources.launch_profiles.model import LaunchProfile, LaunchProfileState
from soundstage.resources.quotas import MEMBERS, Quota
from soundstage.resources.request import Request
from soundstage.resources.sessions import service as sessions
from soundstage.resources.sessions import starts
from soundstage.resources.studios import service as studios
from soundstage.resources.warm_workstations import service as warm
from soundstage.resources.warm_workstations.lifecycle import promised_to
from soundstage.resources.warm_workstations.model import Pool
from soundstage.resources.webhooks import service as webhooks


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
    shown = launch_profiles.images_of(request.transaction, studio_id, profiles)
    offers = [
        Offer(profile=profile, images=shown[profile.id], availability=chances[profile.id])
        for profile in profiles
    ]
    return offers, token


def of_studio(request: Request, studio_id: str) -> tuple[Place | None, list[QuotaUse], list[Pool]]:
    """Say how large the place is, how much of its quotas a studio has, and how its pools are.
    Raises NotFoundError.
    """
    transaction = request.transaction
    studio = studios.find(transaction, studio_id)
    used = {
        Quota.SESSIONS: sessions.count(transaction, studio_id),
        Quota.LAUNCH_PROFILES: launch_profiles.count(transaction, studio_id),
        Quota.CUSTOM_IMAGES: images.count(transaction, studio_id),
        Quota.WEBHOOKS: webhooks.count(transaction, studio_id),
        **components.counts(transaction, studio_id),
    }
    quotas = studios.quotas_of(studio, request.installation.quotas)
    room = _room(request)
    place = None if room is None else model.place_of(room, warm.refs(transaction))
    uses = [
        QuotaUse(quota=quota, name=MEMBERS[quota], value=quotas[quota], used=used.get(quota))
        for quota in Quota
    ]
    return place, uses, warm.pools(transaction, studio_id)


def catalogue(request: Request) -> tuple[list[InstanceType], dict[str, str]]:
    """Say what the instance types are here, and what each `ec2ImageId` means."""
    here = request.installation
    return list(here.instance_types.values()), dict(here.images)


def _chances(request: Request, profiles: list[LaunchProfile]) -> dict[str, Availability]:
    """Work them out; the engine is asked once for all."""
    room = _room(request)
    transaction = request.transaction
    measured = starts.lengths(transaction, {profile.id for profile in profiles})
    ready = warm.ready_of_profiles(transaction, [profile.id for profile in profiles])
    spare = promised_to(room, warm.refs(transaction)) if room is not None else model.NOTHING
    return {
        profile.id: Availability(
            instance_types=[
                model.of_type(name, room, spare)
                for name in profile.stream_configuration.ec2_instance_types
            ],
            expected_start=model.expected(measured[profile.id]),
            warm=ready.get(profile.id, 0),
        )
        for profile in profiles
    }


def _room(request: Request) -> Room | None:
    """Ask the engine, but for hosts that are taken out; one that can't say now says nothing, and
    the rest is told all the same.
    """
    try:
        if request.sizes is None:
            return None
        return request.sizes.room(avoid=hosts.closed(request.transaction))
    except RetryableError:
        return None
