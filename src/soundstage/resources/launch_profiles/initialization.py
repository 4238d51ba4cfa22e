"""What a workstation runs when it joins by a launch profile, put together from its components.

`service.initialize` calls `initialization_of`. Nothing here reads or writes; every value that
people typed is quoted before it stands in a script. The answer of the public API has no place for
mount points or parameters, so both are inside the scripts' text.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from soundstage.resources.components.model import (
    ActiveDirectoryConfiguration,
    LaunchProfilePlatform,
    ScriptParameterKeyValue,
    SharedFileSystemConfiguration,
    StudioComponent,
    StudioComponentInitializationScriptRunContext,
    StudioComponentSubtype,
)

_Platform = LaunchProfilePlatform
_Context = StudioComponentInitializationScriptRunContext
# PowerShell takes these four for an apostrophe as well.
_APOSTROPHES = re.compile("['\u2018\u2019\u201a\u201b]")


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A script, and the component that it comes from."""

    component: StudioComponent
    run_context: StudioComponentInitializationScriptRunContext
    text: str


class Initialization(msgspec.Struct, frozen=True, kw_only=True):
    """All that a workstation needs to join."""

    directory: StudioComponent | None
    ec2_security_group_ids: list[str]
    scripts: list[Script]
    """In the order to run them."""

    def of_context(
        self, run_context: StudioComponentInitializationScriptRunContext
    ) -> list[Script]:
        """Take the scripts that run as the system, or those that run as the user."""
        return [script for script in self.scripts if script.run_context is run_context]


def initialization_of(
    components: Sequence[StudioComponent], platform: LaunchProfilePlatform, version: str
) -> Initialization:
    """Put it together: components in the profile's order, scripts in the component's.

    A script that does not say for which platform it is, or as whom it runs, runs nowhere.
    """
    groups = [group for each in components for group in each.ec2_security_group_ids]
    directories = [each for each in components if _directory_of(each) is not None]
    scripts: list[Script] = []
    for component in components:
        scripts += _generated(component, platform, has_directory=bool(directories))
        scripts += _own(component, platform, version)
    return Initialization(
        directory=directories[0] if directories else None,
        ec2_security_group_ids=list(dict.fromkeys(groups)),
        scripts=scripts,
    )


def with_parameters(
    text: str, parameters: Sequence[ScriptParameterKeyValue], platform: LaunchProfilePlatform
) -> str:
    """Put parameters before their component's script, as variables; a first `#!` line stays so."""
    lines = [
        _variable(parameter.key, parameter.value or "", platform)
        for parameter in parameters
        if parameter.key is not None
    ]
    if not lines:
        return text
    first, rest = "", text
    if text.startswith("#!"):
        first, _, rest = text.partition("\n")
        first += "\n"
    return first + "".join(lines) + rest


def shell_quoted(value: str) -> str:
    """Quote for a POSIX shell."""
    return "'" + value.replace("'", "'\"'\"'") + "'"


def powershell_quoted(value: str) -> str:
    """Quote for PowerShell."""
    return "'" + _APOSTROPHES.sub(lambda found: found[0] * 2, value) + "'"


def _variable(key: str, value: str, platform: LaunchProfilePlatform) -> str:
    if platform is _Platform.LINUX:
        return f"export {key}={shell_quoted(value)}\n"
    quoted = powershell_quoted(value)
    # A name that PowerShell keeps for itself can still be read from the environment.
    return (
        f"$env:{key} = {quoted}\n"
        f"Set-Variable -Name '{key}' -Value {quoted} -ErrorAction SilentlyContinue\n"
    )


def _own(
    component: StudioComponent, platform: LaunchProfilePlatform, version: str
) -> Iterator[Script]:
    for script in component.initialization_scripts:
        is_of_version = script.launch_profile_protocol_version in {None, version}
        if script.platform is not platform or not is_of_version:
            continue
        if script.script is None or script.run_context is None:
            continue
        text = with_parameters(script.script, component.script_parameters, platform)
        yield Script(component=component, run_context=script.run_context, text=text)


def _generated(
    component: StudioComponent, platform: LaunchProfilePlatform, *, has_directory: bool
) -> Iterator[Script]:
    configuration = component.configuration
    storage = configuration and configuration.shared_file_system_configuration
    if not storage or not storage.endpoint:
        # Only an address can be mounted; what a file system's id means is not known here.
        return
    if platform is _Platform.LINUX and storage.linux_mount_point:
        text = _linux_mount(component, storage, has_directory=has_directory)
        yield Script(component=component, run_context=_Context.SYSTEM_INITIALIZATION, text=text)
    elif platform is _Platform.WINDOWS and storage.windows_mount_drive and storage.share_name:
        # A drive letter belongs to a log-in, so the user's own connects it.
        text = _windows_mount(storage)
        yield Script(component=component, run_context=_Context.USER_INITIALIZATION, text=text)


def _linux_mount(
    component: StudioComponent, storage: SharedFileSystemConfiguration, *, has_directory: bool
) -> str:
    """Mount once: Lustre by subtype, NFS for a share that is a path, otherwise SMB."""
    endpoint, share = storage.endpoint or "", storage.share_name or ""
    if component.subtype is StudioComponentSubtype.AMAZON_FSX_FOR_LUSTRE:
        kind, source = "lustre", f"{endpoint}@tcp:/{share.lstrip('/')}"
        options = "relatime,flock"
    elif share.startswith("/"):
        kind, source, options = "nfs", f"{endpoint}:{share}", "hard"
    else:
        kind, source = "cifs", f"//{endpoint}/{share}"
        options = "sec=krb5,multiuser" if has_directory else "guest"
    target = _linux_path(storage.linux_mount_point or "")
    return (
        f"target={target}\n"
        'mkdir -p -- "$target"\n'
        'mountpoint -q -- "$target" ||\n'
        f'    mount -t {kind} -o {options} -- {shell_quoted(source)} "$target"\n'
    )


def _linux_path(path: str) -> str:
    """Quote a path whose first step may be `$HOME`, which the shell fills in."""
    if path.startswith("$HOME"):
        return '"$HOME"' + shell_quoted(path.removeprefix("$HOME"))
    return shell_quoted(path)


def _windows_mount(storage: SharedFileSystemConfiguration) -> str:
    drive = powershell_quoted(f"{storage.windows_mount_drive}:")
    share = (storage.share_name or "").strip("\\/")
    source = powershell_quoted(f"\\\\{storage.endpoint}\\{share}")
    return (
        f"if (-not (Get-SmbMapping -LocalPath {drive} -ErrorAction SilentlyContinue)) {{\n"
        f"    New-SmbMapping -LocalPath {drive} -RemotePath {source} -Persistent $true\n"
        "}\n"
    )


def _directory_of(component: StudioComponent) -> ActiveDirectoryConfiguration | None:
    configuration = component.configuration
    return configuration.active_directory_configuration if configuration else None
