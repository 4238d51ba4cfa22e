"""What a desktop is told when it starts: where things are, what is streamed, which scripts run.

Every engine that runs real desktops writes it; the programs in `desktop/` read it.
"""

import json
from typing import Any

import msgspec

from soundstage.engines.interface import Spec, Transfers

USER_ID = 1000
USER = "artist"
HOME = f"/home/{USER}"
RUNTIME = f"/run/user/{USER_ID}"
STREAM = "/run/stream"
DESKTOP = "/opt/soundstage"
STREAM_ENVIRONMENT = "/opt/stream"
STREAM_SOCKET = "s.sock"
FILES_SOCKET = "files.sock"

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
        "--second-screen=true",
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
    spec: Spec,
    *,
    frames_per_second: int,
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
        frames_per_second=frames_per_second,
        encode_on=encode_on,
    )
    return {
        "desktop": desktop,
        "stream_socket": socket,
        "stream": [f"{environment}/bin/python3", "-I", f"{desktop}/stream.py", *flags],
        "x_display": x_display,
        "waits": spec.waits,
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


def scripts_of(spec: Spec) -> dict[str, Any]:
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


def base_environment() -> dict[str, str]:
    """What every program of the artist's sees; a session's own variables come above it."""
    return {
        "HOME": HOME,
        "USER": USER,
        "LOGNAME": USER,
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games",
        "XDG_RUNTIME_DIR": RUNTIME,
        "XDG_SESSION_TYPE": "x11",
    }
