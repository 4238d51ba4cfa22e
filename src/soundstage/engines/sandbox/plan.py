"""Writes the plan a supervisor gets: the drawing of the walls, the limits, and the desktop.

Called by `engine.py` at each start.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from soundstage.engines.interface import PermanentError
from soundstage.engines.sandbox import bubblewrap, seccomp
from soundstage.engines.sandbox.process import STREAM_SOCKET
from soundstage.engines.sandbox.records import Record
from soundstage.engines.sandbox.settings import ImageSource, SandboxSettings

DESKTOP = Path(__file__).parent / "desktop"


def stream_flags(*, socket: str, clipboard: bool, frames_per_second: int) -> list[str]:
    """Selkies' settings; those that a client might change are locked."""
    return [
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
        f"--framerate={frames_per_second},8-{max(8, frames_per_second)}",
        "--ui-title=Soundstage",
        # No outside address is ever asked.
        "--stun-host=localhost",
        "--turn-host=localhost",
    ]


def supervisor_plan(
    settings: SandboxSettings,
    record: Record,
    *,
    directory: Path,
    volume: Path,
    cgroups: list[Path],
    as_root: bool,
) -> dict[str, Any]:
    """Everything `supervisor.py` reads from its standard input."""
    spec = record.spec
    image: ImageSource = settings.images[spec.image]
    desktop = {
        "desktop": bubblewrap.DESKTOP,
        "stream_socket": f"{bubblewrap.STREAM}/{STREAM_SOCKET}",
        "stream": [
            f"{bubblewrap.STREAM_ENVIRONMENT}/bin/python3",
            "-I",
            f"{bubblewrap.DESKTOP}/stream.py",
            *stream_flags(
                socket=f"{bubblewrap.STREAM}/{STREAM_SOCKET}",
                clipboard=spec.clipboard,
                frames_per_second=settings.frames_per_second,
            ),
        ],
    }
    program = shutil.which("bwrap")
    if program is None:
        raise PermanentError("bubblewrap is not installed: apt-get install bubblewrap")
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
            environment={**spec.environment, "SOUNDSTAGE_PLAN": json.dumps(desktop)},
        )
    )
    return {
        "attempt": spec.attempt,
        "directory": str(directory),
        "stream_directory": str(directory / "stream"),
        "uid": record.uid if as_root else None,
        "program": program,
        "arguments": drawing.arguments,
        "command": ["/usr/bin/python3", "-I", "-S", f"{bubblewrap.DESKTOP}/starter.py"],
        "binds": drawing.binds,
        "data": drawing.data,
        "seccomp": seccomp.program().hex(),
        "cgroups": [str(path) for path in cgroups],
    }
