"""Packs what an instance is given when it starts: the desktop's programs, its plan, its relay.

`starting.py` sends it. The programs are the service's own, so an image is never older than them.
The plan and the key of the relay go to memory inside (/run), and the key's certificate is what the
gateway is told to expect.
"""

import io
import json
import tarfile
from pathlib import Path

from soundstage.engines import desktop, telling
from soundstage.engines.incus.records import FILES_PORT, STREAM_PORT
from soundstage.engines.interface import Spec
from soundstage.kit import pinned

ROOM = "/run/soundstage"
BUNDLE = f"{ROOM}/bundle.tar"
CERTIFICATE = f"{ROOM}/relay.crt"
STATUS = f"{ROOM}/status.json"
KEEPER = f"{telling.DESKTOP}/keeper.py"
_PROGRAMS = Path(desktop.__file__).parent
_PYTHON = "/usr/bin/python3 -I -S"
_UNIT = "soundstage"

# Nothing of systemd's answers before it has made /run anew.
PREPARE = (
    "timeout 20 sh -c 'until [ -S /run/systemd/private ]; do sleep 0.02; done'"
    f" && mkdir -p -m 0700 {ROOM}"
)
# Says the relay's certificate. Asked again it leaves alone what was begun, and clears away what
# failed where even that was busy.
BEGIN = (
    f"case $(systemctl is-active {_UNIT}) in active|activating) exec cat {CERTIFICATE} ;;"
    f" failed) systemctl reset-failed {_UNIT} ;; esac;"
    f" tar -xf {BUNDLE} -C / --no-same-owner && rm {BUNDLE}"
    f" && systemd-run --quiet --collect --unit={_UNIT} --property=Type=exec"
    " --property=KillMode=mixed --property=TimeoutStopSec=10 --property=OOMPolicy=continue"
    f" {_PYTHON} {KEEPER} keep && cat {CERTIFICATE}"
)


def ask(word: str, *more: str) -> list[str]:
    """A command that asks the keeper something."""
    return [*_PYTHON.split(), KEEPER, word, *more]


def pack(
    spec: Spec, *, frames_per_second: int, gateway: bytes, encode_on: str | None = None
) -> bytes:
    """Everything as one archive; `gateway` is the certificate that the relay lets in, `encode_on`
    the node of the graphics card that encodes pictures.
    """
    certificate, key = pinned.make(spec.name)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for path in sorted(_PROGRAMS.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = f"{telling.DESKTOP}/{path.relative_to(_PROGRAMS)}"
                _add(archive, name, path.read_bytes(), 0o755 if path.suffix == ".sh" else 0o644)
        plan = json.dumps(_plan(spec, frames_per_second, encode_on)).encode()
        _add(archive, f"{ROOM}/plan.json", plan, 0o600)
        _add(archive, f"{ROOM}/relay.key", key, 0o600)
        _add(archive, CERTIFICATE, certificate, 0o600)
        _add(archive, f"{ROOM}/gateway.crt", gateway, 0o600)
        _add(archive, f"{ROOM}/relay.conf", _relay(has_files=spec.transfers.are_any), 0o600)
    return made.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    about = tarfile.TarInfo(name.removeprefix("/"))
    about.size, about.mode = len(content), mode
    archive.addfile(about, io.BytesIO(content))


def _plan(spec: Spec, frames_per_second: int, encode_on: str | None) -> dict[str, object]:
    """What `desktop/keeper.py` reads."""
    inner = telling.desktop_plan(
        spec,
        frames_per_second=frames_per_second,
        desktop=telling.DESKTOP,
        stream=telling.STREAM,
        environment=telling.STREAM_ENVIRONMENT,
        x_display=[":0"],
        encode_on=encode_on,
    )
    return {
        "attempt": spec.attempt,
        "name": spec.name,
        "first": f"{telling.DESKTOP}/first.py",
        "scripts": telling.scripts_of(spec),
        "script_seconds": spec.script_seconds,
        "environment": {
            **telling.base_environment(),
            **spec.environment,
            "SOUNDSTAGE_PLAN": json.dumps(inner),
        },
    }


def _relay(*, has_files: bool) -> bytes:
    """Stunnel reads its key as root and goes on as the artist, whose sockets it opens."""
    lines = [
        "foreground = yes",
        "pid =",
        "syslog = no",
        "debug = err",
        f"setuid = {telling.USER_ID}",
        f"setgid = {telling.USER_ID}",
        f"cert = {CERTIFICATE}",
        f"key = {ROOM}/relay.key",
        f"CAfile = {ROOM}/gateway.crt",
        "verifyPeer = yes",
        "sessionResume = no",
        "sslVersionMin = TLSv1.3",
        "TIMEOUTclose = 0",
        "TIMEOUTidle = 86400",
    ]
    services = [("stream", STREAM_PORT, telling.STREAM_SOCKET)]
    if has_files:
        services.append(("files", FILES_PORT, telling.FILES_SOCKET))
    for name, port, socket in services:
        lines += [f"[{name}]", f"accept = 0.0.0.0:{port}", f"connect = {telling.STREAM}/{socket}"]
    return "\n".join([*lines, ""]).encode()
