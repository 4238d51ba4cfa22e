"""`soundstage clean`: ends everything that was started from one home folder."""

import os
import shutil
import signal
import time
from pathlib import Path

import click
import psutil

from soundstage.engines import registry
from soundstage.engines.images.store import ImageError
from soundstage.engines.images.tree import Owner
from soundstage.engines.interface import Engine, Phase
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.crypto import FINGERPRINT, KEY_FILE

_SERVICE_SECONDS = 15.0
_WORKSTATION_SECONDS = 60.0


@click.command("clean")
@click.option("--data", is_flag=True, help="Remove all data too: disks, backups, database, keys.")
@click.pass_obj
def clean_command(settings: Settings, *, data: bool) -> None:
    """End everything of this home: the service and every workstation."""
    clean(settings, data=data)


def clean(settings: Settings, *, data: bool) -> None:
    """End the service and the workstations; with `data` remove their home too."""
    if not settings.home.exists():
        click.echo(f"There is nothing in {settings.home}.")
        return
    if data:
        _refuse_what_is_more_than_ours(settings.home)
    _end_service(settings)
    engine = registry.make(settings, system_clock)
    refs = sorted(engine.refs())
    for ref in refs:
        if data:
            engine.ensure_absent(ref)
        else:
            engine.ensure_stopped(ref)
    _wait(engine, refs, {Phase.ABSENT} if data else {Phase.ABSENT, Phase.STOPPED, Phase.FAILED})
    click.echo(f"Ended {len(refs)} workstation{'' if len(refs) == 1 else 's'}.")
    if data:
        _remove_images(settings.home / "images")
        shutil.rmtree(settings.home, onerror=_ignore_gone)
        click.echo(f"Removed {settings.home}.")


def _remove_images(folder: Path) -> None:
    """Their files belong to their own users, also where the service's is an ordinary one."""
    if not folder.exists():
        return
    try:
        Owner().remove(folder)
    except ImageError as error:
        raise ConfigError(f"The images in {folder} can't be removed: {error}") from None


def _refuse_what_is_more_than_ours(home: Path) -> None:
    """Raise ConfigError for a folder that a slip of the pen made the home: it is removed whole."""
    # The key file may be a vault's by now, and the fingerprint may be a start away.
    is_home = any((home / "keys" / name).exists() for name in (KEY_FILE, FINGERPRINT))
    own = {Path.home(), Path.cwd()}
    if not is_home or any(place.is_relative_to(home.resolve()) for place in own):
        raise ConfigError(
            f"SOUNDSTAGE_HOME: {home} holds more than this service's data, or none of it. "
            "It is not removed."
        )


def _end_service(settings: Settings) -> None:
    try:
        process = psutil.Process(int((settings.home / "service.pid").read_text()))
        is_ours = any("soundstage" in part for part in process.cmdline())
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return
    if not is_ours or process.pid == os.getpid():
        return
    try:
        process.send_signal(signal.SIGTERM)
        process.wait(_SERVICE_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(_SERVICE_SECONDS)
    except psutil.AccessDenied:
        raise ConfigError(
            f"The service (process {process.pid}) is another user's. End it as that user."
        ) from None
    click.echo("Ended the service.")


def _wait(engine: Engine, refs: list[str], wanted: set[Phase]) -> None:
    deadline = time.monotonic() + _WORKSTATION_SECONDS
    for ref in refs:
        while engine.observe(ref).phase not in wanted:
            if time.monotonic() > deadline:
                raise ConfigError(f"The workstation {ref} does not end.")
            time.sleep(0.1)


def _ignore_gone(function: object, path: str, error: tuple[object, BaseException, object]) -> None:
    # The engine empties its trash at the same time.
    del function, path
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]
