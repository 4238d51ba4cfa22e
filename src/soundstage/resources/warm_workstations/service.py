"""What is done with pools; called when launch profiles settle, by sessions, and by who counts."""

import hashlib
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from soundstage.kit import hints, ids, lease
from soundstage.resources.components import service as components
from soundstage.resources.hosts import service as hosts
from soundstage.resources.images import service as images
from soundstage.resources.images.model import StreamingImage, StreamingImageState
from soundstage.resources.launch_profiles.model import (
    LaunchProfile,
    LaunchProfileState,
    download_folder,
    upload_folder,
)
from soundstage.resources.warm_workstations import store
from soundstage.resources.warm_workstations.lifecycle import MACHINE, YIELDS_FOR, Step
from soundstage.resources.warm_workstations.model import (
    Draft,
    Pool,
    Taken,
    WarmWorkstation,
    WarmWorkstationState,
)

_S = WarmWorkstationState
_KEEPS_POOL = {
    LaunchProfileState.READY,
    LaunchProfileState.UPDATE_IN_PROGRESS,
    LaunchProfileState.UPDATE_FAILED,
    LaunchProfileState.DELETE_IN_PROGRESS,
    LaunchProfileState.DELETE_FAILED,
}


def size_of(profile: LaunchProfile) -> int:
    """Say how many places a launch profile's pool is to have now."""
    wanted = profile.stream_configuration.warm_workstations or 0
    return wanted if profile.state in _KEEPS_POOL else 0


def ensure_places(transaction: Connection, profile: LaunchProfile, now: datetime) -> None:
    """Give a launch profile that has settled the places that it lacks; what it has too many goes
    by itself.
    """
    there = store.of_profile(transaction, profile.id)
    known = {place.number for place in there}
    for number in range(size_of(profile)):
        if number not in known:
            place = WarmWorkstation(
                id=ids.new_id(),
                studio_id=profile.studio_id,
                launch_profile_id=profile.id,
                number=number,
                state=MACHINE.initial,
                state_since=now,
                status_message="",
                created_at=now,
                updated_at=now,
            )
            store.places.insert(transaction, place, due_at=now)
    for place in there:
        lease.wake_row(transaction, store.table, place.id, now)
    hints.hint(transaction, "warm_workstations", profile.id)


def draft_of(
    transaction: Connection,
    profile: LaunchProfile,
    *,
    image: StreamingImage | None = None,
    instance_type: str | None = None,
) -> Draft | None:
    """Draw what a session of a launch profile would be, of its first image and instance type unless
    told otherwise; None when the image can't be used.
    """
    rules = profile.stream_configuration
    if image is None:
        image = images.look_up(transaction, profile.studio_id, rules.streaming_image_ids[0])
    if image is None or image.state is not StreamingImageState.READY:
        return None
    drawn = Draft(
        ec2_image_id=image.ec2_image_id,
        ec2_instance_type=instance_type or rules.ec2_instance_types[0],
        clipboard_mode=rules.clipboard_mode,
        volume_configuration=rules.volume_configuration,
        upload_to=upload_folder(rules),
        download_from=download_folder(rules),
        studio_component_ids=profile.studio_component_ids,
        fingerprint="",
    )
    changed: list[object] = [image.id, image.updated_at]
    for component_id in profile.studio_component_ids:
        component = components.look_up(transaction, profile.studio_id, component_id)
        is_there = component is not None and not component.is_over
        changed.append(component.updated_at if component is not None and is_there else None)
    text = msgspec.json.encode([drawn, changed])
    return msgspec.structs.replace(drawn, fingerprint=hashlib.sha256(text).hexdigest())


def take(
    transaction: Connection,
    profile: LaunchProfile,
    image: StreamingImage,
    instance_type: str,
    now: datetime,
) -> Taken | None:
    """Take a workstation that is just what a new session wants; its id becomes the session's. None
    when there is none.
    """
    if size_of(profile) == 0:
        return None
    draft = draft_of(transaction, profile, image=image, instance_type=instance_type)
    closed = hosts.closed(transaction)
    for place in store.of_profile(transaction, profile.id):
        is_alike = (
            place.draft is not None
            and draft is not None
            and (place.draft.fingerprint == draft.fingerprint)
        )
        if place.state is not _S.READY or not is_alike or place.host in closed:
            continue
        if place.workstation_id is not None and store.take(transaction, place, now):
            hints.hint(transaction, "warm_workstations", profile.id)
            return Taken(ref=place.workstation_id, host=place.host)
    return None


def look_again(transaction: Connection, now: datetime) -> None:
    """Look at all places now, because it changed which hosts take workstations."""
    for place in store.places.find(transaction):
        lease.wake_row(transaction, store.table, place.id, now)
        hints.hint(transaction, "warm_workstations", place.id)


def give_up_for(transaction: Connection, session_id: str, now: datetime) -> None:
    """Give one up because a session's start needs its room, unless one is on its way out for it;
    no empty place is filled before the session had its turn.
    """
    store.keep_empty(transaction, now + YIELDS_FOR)
    if store.is_leaving_for(transaction, session_id):
        return
    place = store.first_to_give_up(transaction)
    if place is None:
        return
    step = Step(
        event="leave",
        message="Its room was needed for a session.",
        rests_for=YIELDS_FOR,
        again_at=now,
    )
    move(transaction, place, step, now, given_up_for=session_id)
    hints.hint(transaction, "warm_workstations", place.id)


def move(
    transaction: Connection,
    place: WarmWorkstation,
    step: Step,
    now: datetime,
    *,
    draft: Draft | None = None,
    given_up_for: str | None = None,
) -> None:
    """Make a transition: the one door through which a place's state changes, but for `take`."""
    state = MACHINE.target(place.state, step.event or "")
    if state is _S.DELETED:
        store.places.delete(transaction, place.id)
        return
    changes: dict[str, object] = {
        "state": state,
        "state_since": now,
        "updated_at": now,
        **lease.touch(store.table, step.again_at),
    }
    match step.event:
        case "begin":
            # Written down before anything is made, so that whatever is made can be found again.
            changes |= {"workstation_id": ids.new_id(), "draft": draft}
        case "prepared":
            changes |= {
                "failures": 0,
                "status_message": "",
                "rests_until": None,
                "host": step.host,
            }
        case "gone" | "lost":
            changes |= {
                "status_message": step.message or place.status_message,
                "workstation_id": None,
                "draft": None,
                "given_up_for": None,
                "host": None,
            }
        case _:
            rests_until = now + step.rests_for if step.rests_for else None
            changes |= {
                "status_message": step.message,
                "rests_until": rests_until,
                "failures": place.failures + int(step.is_failure),
                "given_up_for": given_up_for,
            }
    store.places.update(transaction, place.id, changes)


def refs(transaction: Connection) -> set[str]:
    """Name all that the engine may know and that no session is: for the sweep, and for who counts
    what could be given up.
    """
    return store.refs(transaction)


def counts(transaction: Connection) -> dict[str, int]:
    """Count the places of all pools by state; for metrics."""
    return store.counts(transaction)


def ready_of_profiles(transaction: Connection, profile_ids: list[str]) -> dict[str, int]:
    """Count what can be taken at once, by launch profile."""
    return store.ready_of_profiles(transaction, profile_ids)


def pools(transaction: Connection, studio_id: str) -> list[Pool]:
    """Say how the pools of a studio are, the oldest first."""
    found: dict[str, list[WarmWorkstation]] = {}
    for place in store.places.find(transaction, store.table.c.studio_id == studio_id):
        found.setdefault(place.launch_profile_id, []).append(place)
    return [
        Pool(
            launch_profile_id=profile_id,
            wanted=len(there),
            ready=sum(place.state is _S.READY for place in there),
            preparing=sum(place.state is _S.PREPARING for place in there),
            status_message=next(
                (
                    place.status_message
                    for place in there
                    if place.state is not _S.READY and place.status_message
                ),
                "",
            ),
        )
        for profile_id, there in found.items()
    ]
