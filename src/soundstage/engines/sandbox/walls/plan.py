"""Writes the plan a supervisor gets: the drawing of the walls, the limits, and the desktop.

Called by `engine.py` at each start.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec

from soundstage.engines import desktop, telling
from soundstage.engines.identities import Identities
from soundstage.engines.images.catalogue import HOST
from soundstage.engines.images.store import Build, ImageError, ImageStore
from soundstage.engines.interface import PermanentError, Reason, Spec
from soundstage.engines.sandbox.host.cgroups import DESKTOP as DESKTOP_GROUP
from soundstage.engines.sandbox.host.cgroups import Groups
from soundstage.engines.sandbox.host.gpus import Assignment
from soundstage.engines.sandbox.keeping.records import Record
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.engines.sandbox.walls import bubblewrap, mounts, seccomp
from soundstage.engines.telling import base_environment, desktop_plan, scripts_of

DESKTOP = Path(desktop.__file__).parent


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
        "scripts": scripts_of(spec),
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
        spec,
        frames_per_second=settings.frames_per_second,
        desktop=telling.DESKTOP,
        stream=telling.STREAM,
        environment=telling.STREAM_ENVIRONMENT,
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
        "command": ["/usr/bin/python3", "-I", "-S", f"{telling.DESKTOP}/{first}"],
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
                (telling.DESKTOP, desktop),
                (telling.STREAM, directory / "stream"),
            ):
                text = text.replace(f"{inside}/", f"{here}/")
            path.write_text(text)
    inner = desktop_plan(
        spec,
        frames_per_second=settings.frames_per_second,
        desktop=str(desktop),
        stream=str(directory / "stream"),
        environment=str(settings.stream_environment),
        # The host may have displays already: the X server looks for a free number.
        x_display=[],
        encode_on=gpus.render_node,
    )
    environment = {
        **base_environment(),
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
