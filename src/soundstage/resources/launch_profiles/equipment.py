"""What a launch profile's components give to a workstation: mounts, variables and scripts.

`service.equip` calls `equipment_of` for each start of a session. Nothing here reads or writes. The
public API's answer for hosts that join by themselves is put together in `initialization.py`.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import msgspec

from soundstage.engines.interface import Account, Mount, MountKind, Reason, Script
from soundstage.resources.components.model import (
    LaunchProfilePlatform,
    StudioComponent,
    StudioComponentInitializationScriptRunContext,
)
from soundstage.resources.components.reach import source_of
from soundstage.resources.components.software import deadline_script, environment_of
from soundstage.resources.launch_profiles.initialization import shell_quoted

_SYSTEM = StudioComponentInitializationScriptRunContext.SYSTEM_INITIALIZATION
_ACCOUNT = ("SMB_USER", "SMB_PASSWORD", "SMB_DOMAIN")
"""Script parameters of a shared file system that say who asks its server."""


class Equipment(msgspec.Struct, frozen=True, kw_only=True):
    """What is put into a workstation at each start."""

    mounts: list[Mount] = []
    scripts: list[Script] = []
    """Those of root first, each kind in the profile's order."""
    environment: dict[str, str] = {}

    def may_take(self, script_seconds: int) -> timedelta:
        """Say how much longer a start may take because of it."""
        mounts = timedelta(seconds=_MOUNT_SECONDS) * len(self.mounts)
        return mounts + timedelta(seconds=script_seconds) * len(self.scripts)


_MOUNT_SECONDS = 60
"""Ample for a file server that an engine gives up on after half of it."""


def equipment_of(components: Sequence[StudioComponent]) -> Equipment:
    """Put it together: components in the profile's order, scripts in the component's."""
    scripts = [script for component in components for script in _scripts(component)]
    mounts = [mount for component in components for mount in _mounts(component)]
    return Equipment(
        mounts=mounts,
        scripts=sorted(scripts, key=lambda script: not script.as_root),
        environment=environment_of(list(components)),
    )


def _scripts(component: StudioComponent) -> Iterator[Script]:
    join = _domain_script(component)
    if join is not None:
        yield _script(component, join, as_root=True, failure=Reason.DIRECTORY)
    farm = deadline_script(component)
    if farm is not None:
        yield _script(component, farm, as_root=True)
    for script in component.initialization_scripts:
        is_complete = script.script is not None and script.run_context is not None
        if script.platform is LaunchProfilePlatform.LINUX and is_complete:
            as_root = script.run_context is _SYSTEM
            yield _script(component, script.script or "", as_root=as_root)


def _script(
    component: StudioComponent, text: str, *, as_root: bool, failure: Reason = Reason.SCRIPT
) -> Script:
    parameters = _parameters(component)
    return Script(
        component=component.name,
        as_root=as_root,
        text=text,
        environment=parameters,
        secrets=list(parameters.values()),
        failure=failure,
    )


def _parameters(component: StudioComponent) -> dict[str, str]:
    return {
        parameter.key: parameter.value or ""
        for parameter in component.script_parameters
        if parameter.key is not None
    }


def _mounts(component: StudioComponent) -> Iterator[Mount]:
    configuration = component.configuration
    storage = configuration and configuration.shared_file_system_configuration
    if not storage or not storage.linux_mount_point:
        return
    found = source_of(component.subtype, storage)
    if found is None:
        return
    kind, source = found
    parameters = _parameters(component)
    account = None
    if kind is MountKind.SMB and parameters.get("SMB_USER"):
        user, password, domain = (parameters.get(name, "") for name in _ACCOUNT)
        account = Account(user=user, password=password, domain=domain)
    yield Mount(
        component=component.name,
        kind=kind,
        source=source,
        target=storage.linux_mount_point,
        account=account,
    )


def _domain_script(component: StudioComponent) -> str | None:
    """Join the directory's domain; who may do that is in AD_USER and AD_PASSWORD."""
    configuration = component.configuration
    directory = configuration and configuration.active_directory_configuration
    if not directory or not directory.directory_id:
        return None
    realm = shell_quoted(directory.directory_id)
    unit = directory.organizational_unit_distinguished_name
    where = f" --computer-ou={shell_quoted(unit)}" if unit else ""
    return (
        "#!/bin/sh\n"
        f"realm={realm}\n"
        'realm list --name-only 2>/dev/null | grep -qixF -- "$realm" && exit 0\n'
        "printf '%s' \"${AD_PASSWORD:-}\" |\n"
        f'    realm join --unattended{where} --user="${{AD_USER:-Administrator}}" -- "$realm"\n'
    )
