"""Writes the plan a supervisor gets: the drawing of the walls, the limits, and the desktop.

Called by `engine.py` at each start.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec

from soundstage.engines import desktop
from soundstage.engines.identities import Identities
from soundstage.engines.images.catalogue import HOST
from soundstage.engines.images.store import Build, ImageError, ImageStore
from soundstage.engines.interface import PermanentError, Reason, Spec, Transfers
from soundstage.engines.sandbox.host.cgroups import DESKTOP as DESKTOP_GROUP
from soundstage.engines.sandbox.host.cgroups import Groups
from soundstage.engines.sandbox.host.gpus import Assignment
from soundstage.engines.sandbox.keeping.process import FILES_SOCKET, STREAM_SOCKET
from soundstage.engines.sandbox.keeping.records import Record
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.engines.sandbox.walls import bubblewrap, mounts, seccomp

DESKTOP = Path(desktop.__file__).parent


_PANEL_PARTS_LEFT_OUT = (
    "video-settings",
    "files",
    "apps",
    "sharing",
    "gamepads",
    "gaming-mode",
    "webcam",
)


def stream_flags(
    *, socket: str, clipboard: bool, frames_per_second: int, encode_on: str | None = None
) -> list[str]:
    """Selkies' settings; those that a client might change are locked.

    `encode_on` is the render node of a graphics card; without one the processor encodes.
    """
    return [
        *([] if encode_on is None else [f"--encode-dri={encode_on}"]),
        f"--unix-socket={socket}",
        "--mode=websockets",
        "--enable-dual-mode=false",
        "--enable-basic-auth=false",
        "--second-screen=false",
        "--command-enabled=false",
        "--file-transfers=none",
        "--printing-enabled=false|locked",
        "--microphone-enabled=false|locked",
        "--webcam-enabled=false|locked",
        "--gamepad-enabled=false|locked",
        "--enable-sharing=false",
        f"--enable-clipboard={'true' if clipboard else 'false'}",
        "--audio-enabled=true",
        "--enable-resize=true",
        # Turbo mode sends every frame again and again; without it a still screen costs little.
        "--video-streaming-mode=false",
        # Finer is not seen, and without a floor a still picture is refined for half a minute.
        "--video-min-qp=10",
        f"--framerate={frames_per_second},8-{max(8, frames_per_second)}",
        "--ui-title=Soundstage",
        # The page's own panel shows only what does something here.
        "--ui-show-logo=false",
        *(f"--ui-sidebar-show-{part}=false" for part in _PANEL_PARTS_LEFT_OUT),
        # No outside address is ever asked.
        "--stun-host=localhost",
        "--turn-host=localhost",
    ]


def desktop_plan(
    settings: SandboxSettings,
    spec: Spec,
    *,
    desktop: str,
    stream: str,
    environment: str,
    x_display: list[str],
    encode_on: str | None = None,
) -> dict[str, Any]:
    """What the desktop's starter is told: where things are, as it sees them."""
    socket = f"{stream}/{STREAM_SOCKET}"
    flags = stream_flags(
        socket=socket,
        clipboard=spec.clipboard,
        frames_per_second=settings.frames_per_second,
        encode_on=encode_on,
    )
    return {
        "desktop": desktop,
        "stream_socket": socket,
        "stream": [f"{environment}/bin/python3", "-I", f"{desktop}/stream.py", *flags],
        "x_display": x_display,
        "files": files_command(spec.transfers, desktop=desktop, stream=stream),
    }


def files_command(transfers: Transfers, *, desktop: str, stream: str) -> list[str] | None:
    """What takes and gives files; it reads and writes after everybody else."""
    if not transfers.are_any:
        return None
    return [
        *("ionice", "-c", "2", "-n", "7"),
        *("/usr/bin/python3", "-I", "-S", f"{desktop}/transfers.py", f"{stream}/{FILES_SOCKET}"),
        msgspec.json.encode(transfers).decode(),
    ]


def supervisor_plan(
    settings: SandboxSettings,
    record: Record,
    spec: Spec,
    *,
    directory: Path,
    volume: Path,
    cgroups: Groups,
    as_root: bool,
    ids: Identities | None,
    gpus: Assignment,
) -> dict[str, Any]:
    """Everything `supervisor.py` reads from its standard input.

    `spec` is the one of the call, with scripts and environment; the record has neither. `ids` are
    the workstation's own users, where it has any.
    """
    shared = {
        "attempt": spec.attempt,
        "directory": str(directory),
        "stream_directory": str(directory / "stream"),
        "cgroups": [str(path) for path in cgroups.desktop],
        "cgroups_left": [str(path) for path in cgroups.all],
        "parts": _parts(cgroups),
        "devices": gpus.sources,
        "scripts": _scripts(spec),
        "script_seconds": spec.script_seconds,
        "ids": None,
        "uid": None,
        "binds": [],
    }
    if settings.isolation == "none":
        return {**shared, **_unwalled(settings, spec, directory, volume, gpus)}
    has_root = ids is not None
    walled = _walled(settings, record, spec, directory, volume, gpus=gpus, has_root=has_root)
    if ids is None:
        return {**shared, **walled, "uid": record.uid if as_root else None}
    artist = {"uid": ids.users[1][1], "gid": ids.groups[1][1]}
    rows = {"users": ids.users, "groups": ids.groups}
    return {**shared, **walled, "ids": rows, "artist": artist}


def _parts(groups: Groups) -> dict[str, Any]:
    """What the starter parts the artist's programs from the desktop's with."""
    programs = [str(path) for path in groups.programs]
    beside = str(groups.programs[0].with_name(DESKTOP_GROUP)) if programs else ""
    return {"desktop": beside, "programs": programs}


def _scripts(spec: Spec) -> dict[str, Any]:
    """Each user's scripts as that user's runner reads them, and what is known of all."""
    told: dict[str, Any] = {"list": []}
    for user, as_root in (("root", True), ("artist", False)):
        own = [script for script in spec.scripts if script.as_root is as_root]
        document = {
            "seconds": spec.script_seconds,
            "scripts": [
                {"text": each.text, "environment": each.environment, "secrets": each.secrets}
                for each in own
            ],
        }
        told[user] = json.dumps(document) if own else ""
        told["list"] += [
            {"component": each.component, "as_root": as_root, "failure": each.failure}
            for each in own
        ]
    return told


def _walled(
    settings: SandboxSettings,
    record: Record,
    spec: Spec,
    directory: Path,
    volume: Path,
    *,
    gpus: Assignment,
    has_root: bool,
) -> dict[str, Any]:
    program = shutil.which("bwrap")
    if program is None:
        raise PermanentError("bubblewrap is not installed: apt-get install bubblewrap")
    inner = desktop_plan(
        settings,
        spec,
        desktop=bubblewrap.DESKTOP,
        stream=bubblewrap.STREAM,
        environment=bubblewrap.STREAM_ENVIRONMENT,
        x_display=[":0"],
        encode_on=gpus.render_node,
    )
    image = image_of(settings, spec.image)
    is_overlaid = image.build is not None
    has_system = has_root and any(script.as_root for script in spec.scripts)
    shares = mounts.shares(settings, spec, scratch=volume / "scratch")
    targets = [bubblewrap.Share(target=share.inside, read_only=share.read_only) for share in shares]
    drawing = bubblewrap.draw(
        bubblewrap.Walls(
            image_root=image.root,
            home=volume / "home",
            scratch=volume / "scratch",
            stream_directory=directory / "stream",
            desktop=DESKTOP,
            stream_environment=settings.stream_environment,
            name=spec.name,
            machine_id=record.machine_id,
            environment={**spec.environment, "SOUNDSTAGE_PLAN": json.dumps(inner)},
            has_root=has_root,
            has_system=has_system,
            is_overlaid=is_overlaid,
            shares=targets,
            gpus=gpus,
        )
    )
    first = "first.py" if has_root else "starter.py"
    return {
        "walls": True,
        "program": program,
        "arguments": drawing.arguments,
        "command": ["/usr/bin/python3", "-I", "-S", f"{bubblewrap.DESKTOP}/{first}"],
        "binds": drawing.binds,
        "folders": {"home": str(volume / "home"), "scratch": str(volume / "scratch")},
        "home_targets": [share.below_home for share in shares if share.below_home is not None],
        "shares": [msgspec.to_builtins(share) for share in shares],
        "system": _system(image.root) if has_system and not is_overlaid else None,
        "image": None if image.build is None else str(image.root),
        "image_in_use": None if image.build is None else str(image.build.in_use),
        "data": drawing.data,
        "seccomp": seccomp.program().hex(),
    }


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """What a workstation runs on."""

    root: Path
    build: Build | None
    """None for what this machine has installed."""


def image_of(settings: SandboxSettings, ami: str) -> Image:
    """Find what an image is here. Raises PermanentError."""
    name = settings.images.get(ami)
    if name is None:
        known = ", ".join(sorted(settings.images))
        raise PermanentError(
            f"image {ami} is not known here; known are {known}", reason=Reason.IMAGE
        )
    if name == HOST:
        return Image(root=Path("/"), build=None)
    try:
        build = ImageStore(settings.home).find(name)
    except ImageError as error:
        raise PermanentError(f"image {ami}: {error}", reason=Reason.IMAGE) from None
    return Image(root=build.root, build=build)


def _system(image: Path) -> dict[str, Any]:
    return {
        "image": str(image),
        "folders": list(bubblewrap.SYSTEM),
        "etc": [*bubblewrap.ETC, *bubblewrap.ETC_OF_ROOT],
        "image_local": bubblewrap.IMAGE_LOCAL,
    }


def _unwalled(
    settings: SandboxSettings, spec: Spec, directory: Path, volume: Path, gpus: Assignment
) -> dict[str, Any]:
    """The same desktop as a plain process of the service's user, with folders for its own files."""
    desktop, runtime = directory / "desktop", directory / "runtime"
    for folder in (desktop, runtime):
        shutil.rmtree(folder, ignore_errors=True)
    runtime.mkdir(mode=0o700)
    shutil.copytree(DESKTOP, desktop, ignore=shutil.ignore_patterns("__pycache__"))
    for path in desktop.rglob("*"):
        if path.is_file():
            text = path.read_text()
            for inside, here in (
                (bubblewrap.DESKTOP, desktop),
                (bubblewrap.STREAM, directory / "stream"),
            ):
                text = text.replace(f"{inside}/", f"{here}/")
            path.write_text(text)
    inner = desktop_plan(
        settings,
        spec,
        desktop=str(desktop),
        stream=str(directory / "stream"),
        environment=str(settings.stream_environment),
        # The host may have displays already: the X server looks for a free number.
        x_display=[],
        encode_on=gpus.render_node,
    )
    environment = {
        **bubblewrap.base_environment(),
        "HOME": str(volume / "home"),
        "XDG_RUNTIME_DIR": str(runtime),
        **gpus.environment,
        **spec.environment,
        "SOUNDSTAGE_PLAN": json.dumps(inner),
    }
    return {
        "walls": False,
        "command": ["/usr/bin/python3", "-I", "-S", str(desktop / "starter.py")],
        "environment": environment,
    }
