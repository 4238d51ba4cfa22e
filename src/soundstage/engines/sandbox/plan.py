"""Writes the plan a supervisor gets: the drawing of the walls, the limits, and the desktop.

Called by `engine.py` at each start.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec

from soundstage.engines.interface import PermanentError, Transfers
from soundstage.engines.sandbox import bubblewrap, seccomp
from soundstage.engines.sandbox.cgroups import DESKTOP as DESKTOP_GROUP
from soundstage.engines.sandbox.cgroups import Groups
from soundstage.engines.sandbox.gpus import Assignment
from soundstage.engines.sandbox.process import FILES_SOCKET, STREAM_SOCKET
from soundstage.engines.sandbox.records import Record
from soundstage.engines.sandbox.settings import SandboxSettings

DESKTOP = Path(__file__).parent / "desktop"


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
    record: Record,
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
        clipboard=record.spec.clipboard,
        frames_per_second=settings.frames_per_second,
        encode_on=encode_on,
    )
    return {
        "desktop": desktop,
        "stream_socket": socket,
        "stream": [f"{environment}/bin/python3", "-I", f"{desktop}/stream.py", *flags],
        "x_display": x_display,
        "files": files_command(record.spec.transfers, desktop=desktop, stream=stream),
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
    *,
    directory: Path,
    volume: Path,
    cgroups: Groups,
    as_root: bool,
    gpus: Assignment,
) -> dict[str, Any]:
    """Everything `supervisor.py` reads from its standard input."""
    shared = {
        "attempt": record.spec.attempt,
        "directory": str(directory),
        "stream_directory": str(directory / "stream"),
        "cgroups": [str(path) for path in cgroups.desktop],
        "cgroups_left": [str(path) for path in cgroups.all],
        "parts": _parts(cgroups),
        "devices": gpus.sources,
    }
    if settings.isolation == "none":
        return {**shared, **_unwalled(settings, record, directory, volume, gpus)}
    walled = _walled(settings, record, directory, volume, gpus, as_root=as_root)
    return {**shared, **walled}


def _parts(groups: Groups) -> dict[str, Any]:
    """What the starter parts the artist's programs from the desktop's with."""
    programs = [str(path) for path in groups.programs]
    beside = str(groups.programs[0].with_name(DESKTOP_GROUP)) if programs else ""
    return {"desktop": beside, "programs": programs}


def _walled(
    settings: SandboxSettings,
    record: Record,
    directory: Path,
    volume: Path,
    gpus: Assignment,
    *,
    as_root: bool,
) -> dict[str, Any]:
    spec = record.spec
    program = shutil.which("bwrap")
    if program is None:
        raise PermanentError("bubblewrap is not installed: apt-get install bubblewrap")
    inner = desktop_plan(
        settings,
        record,
        desktop=bubblewrap.DESKTOP,
        stream=bubblewrap.STREAM,
        environment=bubblewrap.STREAM_ENVIRONMENT,
        x_display=[":0"],
        encode_on=gpus.render_node,
    )
    drawing = bubblewrap.draw(
        bubblewrap.Walls(
            image_root=settings.images[spec.image].root,
            home=volume / "home",
            scratch=volume / "scratch",
            stream_directory=directory / "stream",
            desktop=DESKTOP,
            stream_environment=settings.stream_environment,
            name=spec.name,
            machine_id=record.machine_id,
            environment={**spec.environment, "SOUNDSTAGE_PLAN": json.dumps(inner)},
            gpus=gpus,
        )
    )
    return {
        "walls": True,
        "uid": record.uid if as_root else None,
        "program": program,
        "arguments": drawing.arguments,
        "command": ["/usr/bin/python3", "-I", "-S", f"{bubblewrap.DESKTOP}/starter.py"],
        "binds": drawing.binds,
        "data": drawing.data,
        "seccomp": seccomp.program().hex(),
    }


def _unwalled(
    settings: SandboxSettings, record: Record, directory: Path, volume: Path, gpus: Assignment
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
        record,
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
        **record.spec.environment,
        "SOUNDSTAGE_PLAN": json.dumps(inner),
    }
    return {
        "walls": False,
        "uid": None,
        "command": ["/usr/bin/python3", "-I", "-S", str(desktop / "starter.py")],
        "environment": environment,
        "binds": [],
    }
