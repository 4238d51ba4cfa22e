"""`soundstage clean`: ends everything that was started from one home folder."""

import os
import shutil
import signal
import time

import click
import psutil

from soundstage.engines import registry
from soundstage.engines.interface import Engine, Phase
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings

_SERVICE_SECONDS = 15.0
_WORKSTATION_SECONDS = 60.0


def clean(settings: Settings, *, data: bool) -> None:
    """End the service and the workstations; with `data` remove their home too."""
    if not settings.home.exists():
        click.echo(f"There is nothing in {settings.home}.")
        return
    _end_service(settings)
    engine = registry.make(settings, system_clock)
    refs = sorted(engine.refs())
    for ref in refs:
        if data:
            engine.ensure_absent(ref)
        else:
            engine.ensure_stopped(ref)
    _wait(engine, refs, {Phase.ABSENT} if data else {Phase.ABSENT, Phase.STOPPED, Phase.FAILED})
    click.echo(f"Ended {len(refs)} workstations.")
    if data:
        shutil.rmtree(settings.home)
        click.echo(f"Removed {settings.home}.")


def _end_service(settings: Settings) -> None:
    try:
        process = psutil.Process(int((settings.home / "service.pid").read_text()))
        is_ours = any("soundstage" in part for part in process.cmdline())
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return
    if not is_ours or process.pid == os.getpid():
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_SERVICE_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
    click.echo("Ended the service.")


def _wait(engine: Engine, refs: list[str], wanted: set[Phase]) -> None:
    deadline = time.monotonic() + _WORKSTATION_SECONDS
    for ref in refs:
        while engine.observe(ref).phase not in wanted:
            if time.monotonic() > deadline:
                raise ConfigError(f"The workstation {ref} does not end.")
            time.sleep(0.1)
