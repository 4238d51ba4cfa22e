"""What can be done with launch profiles; called by their operations and by sessions."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection

from soundstage.kit import ids
from soundstage.resources import listing, quotas, settling
from soundstage.resources.components import service as components
from soundstage.resources.components.model import LaunchProfilePlatform, StudioComponent
from soundstage.resources.images import service as images
from soundstage.resources.images.model import StreamingImage, StreamingImageState
from soundstage.resources.launch_profiles import store
from soundstage.resources.launch_profiles.equipment import Equipment, equipment_of
from soundstage.resources.launch_profiles.initialization import (
    Initialization,
    initialization_of,
)
from soundstage.resources.launch_profiles.lifecycle import MACHINE
from soundstage.resources.launch_profiles.model import (
    DEFAULT_VOLUME,
    LaunchProfile,
    LaunchProfileChange,
    LaunchProfileState,
    LaunchProfileStatusCode,
    LaunchProfileValidationState,
    LaunchProfileValidationStatusCode,
    LaunchProfileValidationType,
    SessionBackupMode,
    SessionPersistenceMode,
    StreamConfiguration,
    ValidationResult,
    VolumeConfiguration,
    completed,
)
from soundstage.resources.members import service as people
from soundstage.resources.quotas import Quota
from soundstage.resources.request import Installation, Request
from soundstage.resources.settling import Blocker
from soundstage.resources.studios import service as studios
from soundstage.resources.tags import model as tag_rules
from soundstage.resources.tags.service import Tagged
from soundstage.wire.arn import ArnKind
from soundstage.wire.codes import Code
from soundstage.wire.faults import ConflictError, NotFoundError, ValidationError

_PURPOSE = re.compile("[A-Z0-9_]{1,64}")

TAGGED = Tagged(store.launch_profiles)
"""For the operations on tags."""


def create(
    request: Request,
    *,
    studio_id: str,
    name: str,
    description: str | None,
    ec2_subnet_ids: list[str],
    protocol_versions: list[str],
    stream_configuration: StreamConfiguration,
    studio_component_ids: list[str],
    tags: dict[str, str],
) -> LaunchProfile:
    """Begin to make a launch profile. Whether its images can be used shows in its state."""
    transaction = request.transaction
    configuration = completed(stream_configuration)
    _refuse_what_no_engine_does(request.installation, configuration)
    _require_components(transaction, studio_id, studio_component_ids)
    tags = tag_rules.check(tags)
    studio = studios.find_usable(transaction, studio_id)
    quotas.require(
        studios.quotas_of(studio, request.installation.quotas),
        Quota.LAUNCH_PROFILES,
        used=count(transaction, studio_id),
        studio_id=studio_id,
    )
    profile = LaunchProfile(
        id=ids.new_id(),
        studio_id=studio_id,
        name=name,
        description=description,
        ec2_subnet_ids=ec2_subnet_ids,
        launch_profile_protocol_versions=protocol_versions,
        stream_configuration=configuration,
        studio_component_ids=studio_component_ids,
        validation_results=[],
        tags=tags,
        state=LaunchProfileState.CREATE_IN_PROGRESS,
        status_code=LaunchProfileStatusCode.LAUNCH_PROFILE_CREATE_IN_PROGRESS,
        status_message="The launch profile is being created.",
        created_at=request.now,
        created_by=request.caller.principal_id,
        updated_at=request.now,
        updated_by=request.caller.principal_id,
    )
    store.launch_profiles.insert(transaction, profile, due_at=request.now)
    settling.note_made(request, store.launch_profiles, profile, ArnKind.LAUNCH_PROFILE)
    return profile


def get(request: Request, studio_id: str, profile_id: str) -> LaunchProfile:
    """Read one launch profile of a studio. Raises NotFoundError."""
    studios.find(request.transaction, studio_id)
    return find(request.transaction, studio_id, profile_id)


def find(transaction: Connection, studio_id: str, profile_id: str) -> LaunchProfile:
    """Read one launch profile, for nouns above. Raises NotFoundError."""
    profile = store.launch_profiles.get(transaction, profile_id)
    if profile is None or profile.studio_id != studio_id:
        raise NotFoundError("launch profile", profile_id)
    return profile


def details(
    request: Request, studio_id: str, profile_id: str
) -> tuple[LaunchProfile, list[StreamingImage], list[StudioComponent]]:
    """Read a launch profile with its images and components, in its order; deleted ones are left
    out. Raises NotFoundError.
    """
    profile = get(request, studio_id, profile_id)
    there = images_of(request.transaction, studio_id, [profile])[profile.id]
    return profile, there, _components_of(request.transaction, profile)


def images_of(
    transaction: Connection, studio_id: str, profiles: Sequence[LaunchProfile]
) -> dict[str, list[StreamingImage]]:
    """Read the images of launch profiles, by the profile's id; deleted ones are left out."""
    wanted = {each.id: each.stream_configuration.streaming_image_ids for each in profiles}
    known = {
        image_id: images.look_up(transaction, studio_id, image_id)
        for image_id in {one for image_ids in wanted.values() for one in image_ids}
    }
    there = {
        image_id: image
        for image_id, image in known.items()
        if image is not None and image.state is not StreamingImageState.DELETED
    }
    return {
        profile_id: [there[one] for one in image_ids if one in there]
        for profile_id, image_ids in wanted.items()
    }


def initialize(
    request: Request,
    studio_id: str,
    profile_id: str,
    *,
    platform: str,
    purpose: str,
    protocol_versions: list[str],
) -> tuple[LaunchProfile, str, Initialization]:
    """Say what a workstation needs to join: with the newest protocol version that both speak.

    Raises ConflictError for a launch profile that can't be used.
    """
    profile = get(request, studio_id, profile_id)
    if platform not in list(LaunchProfilePlatform):
        possible = ", ".join(LaunchProfilePlatform)
        raise ValidationError(f"platform must be one of {possible}; got '{platform[:64]}'.")
    if _PURPOSE.fullmatch(purpose) is None:
        raise ValidationError("launchPurpose must be 1 to 64 of A-Z, 0-9 and _.")
    both = set(protocol_versions) & set(profile.launch_profile_protocol_versions)
    if not both:
        spoken = ", ".join(profile.launch_profile_protocol_versions) or "none"
        raise ValidationError(
            f"launchProfileProtocolVersions: the launch profile {profile.id} has {spoken}."
        )
    if profile.state in {LaunchProfileState.DELETED, LaunchProfileState.CREATE_FAILED}:
        raise ConflictError(
            f"The launch profile {profile.id} is {profile.state}; it can't be used any more.",
            context={"resourceId": profile.id},
        )
    found = _components_of(request.transaction, profile)
    version = max(both)
    return profile, version, initialization_of(found, LaunchProfilePlatform(platform), version)


def equip(transaction: Connection, studio_id: str, component_ids: list[str]) -> Equipment:
    """Put together what a session's components give to its workstation, as they are now."""
    return equipment_of(_living(transaction, studio_id, component_ids))


def _components_of(transaction: Connection, profile: LaunchProfile) -> list[StudioComponent]:
    return _living(transaction, profile.studio_id, profile.studio_component_ids)


def _living(
    transaction: Connection, studio_id: str, component_ids: list[str]
) -> list[StudioComponent]:
    found = [
        components.look_up(transaction, studio_id, component_id) for component_id in component_ids
    ]
    return [component for component in found if component is not None and not component.is_over]


def count(transaction: Connection, studio_id: str) -> int:
    """Count what the studio's quota counts."""
    return settling.count_living(transaction, store.launch_profiles, studio_id)


def list_page(
    request: Request,
    studio_id: str,
    *,
    states: list[LaunchProfileState],
    principal_id: str | None,
    next_token: str | None,
    size: int,
) -> tuple[list[LaunchProfile], str | None]:
    """List a studio's launch profiles: those in some states, those that a person is member of."""
    studios.find(request.transaction, studio_id)
    columns = store.table.c
    where: list[ColumnElement[bool]] = []
    if states:
        where.append(columns.state.in_(states))
    if principal_id is not None and not _may_use_all(request.transaction, studio_id, principal_id):
        where.append(store.is_of_member(principal_id))
    return listing.page(
        request,
        store.launch_profiles,
        *where,
        equal={"studio_id": studio_id},
        operation="ListLaunchProfiles",
        filters={
            "studioId": studio_id,
            "states": sorted(states),
            "principalId": principal_id,
        },
        next_token=next_token,
        size=size,
    )


def may_use(transaction: Connection, studio_id: str, profile_id: str, principal_id: str) -> bool:
    """Reports whether a person may work by a launch profile now: as a member, or as one who
    administers the studio or the account; a disabled one may not. Ids that this installation's
    directory does not know come from the operator, who answers for them.
    """
    person = people.look_up(transaction, principal_id)
    if person is None:
        return True
    return person.is_active and (
        _may_use_all(transaction, studio_id, principal_id)
        or is_member(transaction, profile_id, principal_id)
    )


def _may_use_all(transaction: Connection, studio_id: str, principal_id: str) -> bool:
    person = people.look_up(transaction, principal_id)
    is_operator = person is not None and person.is_operator
    return is_operator or people.is_administrator(transaction, studio_id, principal_id)


def is_member(transaction: Connection, profile_id: str, principal_id: str) -> bool:
    """Reports whether a person is a member of a launch profile."""
    return store.members.has(transaction, profile_id, principal_id)


def studios_of_member(transaction: Connection, principal_id: str) -> set[str]:
    """Name the studios in which somebody is a member of a launch profile."""
    return store.studios_of_member(transaction, principal_id)


def has_any(transaction: Connection, studio_id: str) -> bool:
    """Reports whether a studio has any that are not over; they keep it from being deleted."""
    return settling.count_living(transaction, store.launch_profiles, studio_id) > 0


def update(
    request: Request, studio_id: str, profile_id: str, change: LaunchProfileChange
) -> LaunchProfile:
    """Begin to change a launch profile; living sessions keep the rules that they began with.

    Whether its images can be used shows in its state. Raises ConflictError while something else is
    in progress.
    """
    profile = get(request, studio_id, profile_id)
    if change.stream_configuration is not None:
        configuration = completed(change.stream_configuration)
        _refuse_what_no_engine_does(request.installation, configuration)
        change = msgspec.structs.replace(change, stream_configuration=configuration)
    _require_components(request.transaction, studio_id, change.studio_component_ids or [])
    settling.begin(
        request,
        store.launch_profiles,
        MACHINE,
        profile,
        "update",
        status_code=LaunchProfileStatusCode.LAUNCH_PROFILE_UPDATE_IN_PROGRESS,
        status_message="The launch profile is being updated.",
        kind=ArnKind.LAUNCH_PROFILE,
        changes={"wished": change},
    )
    return find(request.transaction, studio_id, profile_id)


def delete(request: Request, studio_id: str, profile_id: str) -> LaunchProfile:
    """Begin to delete a launch profile. Whether sessions keep it shows in its state."""
    settling.begin(
        request,
        store.launch_profiles,
        MACHINE,
        get(request, studio_id, profile_id),
        "delete",
        status_code=LaunchProfileStatusCode.LAUNCH_PROFILE_DELETE_IN_PROGRESS,
        status_message="The launch profile is being deleted.",
        kind=ArnKind.LAUNCH_PROFILE,
    )
    return find(request.transaction, studio_id, profile_id)


Shortfalls = Callable[[Sequence[str], VolumeConfiguration], list[str]]
"""Says, a sentence each, what of these instance types and volume is given less of here."""
Settled = Callable[[Connection, LaunchProfile, datetime], None]
"""Does what follows for nouns above when a launch profile has settled, in the same transaction."""


def settle(
    transaction: Connection,
    profile: LaunchProfile,
    now: datetime,
    *,
    blockers: Sequence[Blocker],
    shortfalls: Shortfalls,
    settled: Settled,
) -> None:
    """Finish a launch profile in progress: its images must be there and READY, and one with
    sessions is not deleted. An update that fails leaves everything as it was.
    """
    codes = LaunchProfileStatusCode
    changes: dict[str, Any] = {"wished": None}
    code: StrEnum
    if profile.state is LaunchProfileState.DELETE_IN_PROGRESS:
        event, code = "gone", codes.LAUNCH_PROFILE_DELETED
        message = "The launch profile has been deleted."
        blocker = settling.first_blocker(transaction, profile.id, blockers)
        if blocker is not None:
            event, code = "failed", blocker.status_code
            message = f"The launch profile still has {blocker.what}; delete them first."
    else:
        is_new = profile.state is LaunchProfileState.CREATE_IN_PROGRESS
        wished = settling.given_members(profile.wished or LaunchProfileChange())
        trouble = _judge_images(transaction, msgspec.structs.replace(profile, **wished))
        if trouble is not None:
            event, (code, message) = "failed", trouble
        elif is_new:
            event, code = "created", codes.LAUNCH_PROFILE_CREATED
            message = "The launch profile has been created."
        else:
            event, code = "updated", codes.LAUNCH_PROFILE_UPDATED
            message = "The launch profile has been updated."
            changes |= wished
        judged = msgspec.structs.replace(profile, **(wished if event != "failed" else {}))
        changes["validation_results"] = _validation_results(judged, shortfalls)
    settling.settle(
        transaction,
        store.launch_profiles,
        profile,
        state=MACHINE.target(profile.state, event),
        status_code=code,
        status_message=message,
        now=now,
        kind=ArnKind.LAUNCH_PROFILE,
        changes=changes,
    )
    settled(transaction, find(transaction, profile.studio_id, profile.id), now)


def _require_components(
    transaction: Connection, studio_id: str, component_ids: Sequence[str]
) -> None:
    for component_id in component_ids:
        component = components.look_up(transaction, studio_id, component_id)
        if component is None or component.is_over:
            raise ValidationError(
                f"studioComponentIds: there is no studio component {component_id} in this studio.",
                code=Code.NOT_FOUND,
                context={"resourceId": component_id, "kind": "studio component"},
            )


def _judge_images(
    transaction: Connection, profile: LaunchProfile
) -> tuple[LaunchProfileStatusCode, str] | None:
    """Say what is wrong with a launch profile's images, if anything is."""
    for image_id in profile.stream_configuration.streaming_image_ids:
        image = images.look_up(transaction, profile.studio_id, image_id)
        if image is None or image.state is StreamingImageState.DELETED:
            return (
                LaunchProfileStatusCode.STREAMING_IMAGE_NOT_FOUND,
                f"There is no streaming image {image_id} in this studio.",
            )
        if image.state is not StreamingImageState.READY:
            return (
                LaunchProfileStatusCode.STREAMING_IMAGE_NOT_READY,
                f"The streaming image {image_id} is {image.state}; it must be READY.",
            )
    return None


def _validation_results(profile: LaunchProfile, shortfalls: Shortfalls) -> list[ValidationResult]:
    """The profile works; what its workstations get less of than it says is told with that."""
    configuration = profile.stream_configuration
    volume = configuration.volume_configuration or DEFAULT_VOLUME
    less = shortfalls([str(each) for each in configuration.ec2_instance_types], volume)
    message = "There is nothing to check: this installation has no VPC."
    with_less = f"{message} What this machine gives less of: {' '.join(less)}"
    return [
        ValidationResult(
            type=checked,
            state=LaunchProfileValidationState.VALIDATION_SUCCESS,
            status_code=LaunchProfileValidationStatusCode.VALIDATION_SUCCESS,
            # Once is enough: there is a result for each kind of check.
            status_message=with_less if less and number == 0 else message,
        )
        for number, checked in enumerate(LaunchProfileValidationType)
    ]


def _refuse_what_no_engine_does(home: Installation, configuration: StreamConfiguration) -> None:
    backup = configuration.session_backup
    if (
        configuration.session_persistence_mode is SessionPersistenceMode.ACTIVATED
        and not home.supports_persistence
    ):
        raise ValidationError(
            "streamConfiguration.sessionPersistenceMode: the engine of this installation keeps "
            "no volumes; it must be DEACTIVATED.",
            code=Code.NO_PERSISTENCE_HERE,
        )
    if (
        backup is not None
        and backup.mode is SessionBackupMode.AUTOMATIC
        and not home.supports_backups
    ):
        raise ValidationError(
            "streamConfiguration.sessionBackup.mode: the engine of this installation makes no "
            "backups; it must be DEACTIVATED.",
            code=Code.NO_BACKUPS_HERE,
        )
