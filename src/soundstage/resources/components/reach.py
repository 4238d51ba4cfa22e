"""Refuses components that no workstation could use: folders that are not shared, odd addresses.

Called by the components' service when one is made or changed. It looks at the folders of this
host, and at nothing else.
"""

import re

from soundstage.engines import shares
from soundstage.engines.interface import MountKind
from soundstage.engines.shares import RefusedError, SharedFolder
from soundstage.resources.components.model import (
    SharedFileSystemConfiguration,
    StudioComponentConfiguration,
    StudioComponentSubtype,
    StudioComponentType,
)
from soundstage.resources.components.software import FORMS, parse
from soundstage.wire.codes import Code
from soundstage.wire.faults import ValidationError

_STORAGE = "configuration.sharedFileSystemConfiguration"
# What would end a line or an option where these are written one behind the other.
_ODD = re.compile(r"[\s,\\\x00-\x1f\x7f]")


def require_reachable(
    folders: list[SharedFolder],
    component_type: StudioComponentType,
    configuration: StudioComponentConfiguration | None,
) -> None:
    """Raise ValidationError, naming what is possible, for what can't be used at any time."""
    if configuration is None:
        return
    storage = configuration.shared_file_system_configuration
    if storage is not None:
        _require_mountable(folders, storage)
    licence, farm = (
        configuration.license_service_configuration,
        configuration.compute_farm_configuration,
    )
    for given, name in ((licence, "licenseService"), (farm, "computeFarm")):
        endpoint = given.endpoint if given is not None else None
        if endpoint and parse(endpoint) is None:
            forms = ", ".join(FORMS)
            raise ValidationError(
                f"configuration.{name}Configuration.endpoint must be one of {forms} for a "
                f"component of type {component_type}.",
                code=Code.NO_ENDPOINT,
                context={"forms": forms},
            )


def source_of(
    subtype: StudioComponentSubtype | None, storage: SharedFileSystemConfiguration
) -> tuple[MountKind, str] | None:
    """Say what is mounted; None for a file system whose id means nothing here.

    With an endpoint: Lustre by subtype, NFS for a share that is a path, otherwise SMB. Without
    one, the share is a folder of the host that the operator allowed.
    """
    endpoint, share = storage.endpoint or "", storage.share_name or ""
    if not endpoint:
        is_folder = bool(share) and not storage.file_system_id
        return (MountKind.FOLDER, share) if is_folder else None
    if subtype is StudioComponentSubtype.AMAZON_FSX_FOR_LUSTRE:
        return MountKind.LUSTRE, f"{endpoint}@tcp:/{share.lstrip('/')}"
    if share.startswith("/"):
        return MountKind.NFS, f"{endpoint}:{share}"
    return MountKind.SMB, f"//{endpoint}/{share}"


def _require_mountable(folders: list[SharedFolder], storage: SharedFileSystemConfiguration) -> None:
    found = source_of(None, storage)
    if not storage.linux_mount_point or found is None:
        return
    try:
        shares.check_target(storage.linux_mount_point)
    except RefusedError:
        # The mount point is sensitive: no message repeats it.
        raise ValidationError(
            f"{_STORAGE}.linuxMountPoint must be a folder below /mnt, /srv or $HOME/, or another "
            "that the system does not use itself.",
            code=Code.MOUNT_POINT,
        ) from None
    if found[0] is MountKind.FOLDER:
        _require_allowed(folders, found[1])
    elif _ODD.search(f"{storage.endpoint}{storage.share_name}"):
        raise ValidationError(
            f"{_STORAGE}: endpoint and shareName can't hold spaces, commas or backslashes.",
            code=Code.ODD_CHARACTERS,
        )


def _require_allowed(folders: list[SharedFolder], share: str) -> None:
    try:
        shares.check(folders, share)
    except RefusedError:
        allowed = ", ".join(map(str, folders)) or "none"
        raise ValidationError(
            f"{_STORAGE}.shareName: without an endpoint this is a folder of the host, and must be "
            "there, without links, in one that SOUNDSTAGE_SHARED_FOLDERS allows by name or path: "
            f"{allowed}.",
            code=Code.FOLDER_NOT_ALLOWED,
            context={"allowed": allowed},
        ) from None
