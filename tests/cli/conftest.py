"""What tests of the command line need: settings of a home of their own, and the command itself."""

import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import pytest
import structlog
from click.testing import CliRunner, Result

from soundstage.cli import waiting
from soundstage.cli.launch import client_of, ensure_profile, ensure_studio
from soundstage.cli.main import soundstage as program
from soundstage.cli.serve import served
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.kit.config import Settings

PROGRAM = [sys.executable, "-m", "soundstage.cli.main"]
Command = Callable[..., subprocess.CompletedProcess[str]]
Typed = Callable[..., Result]


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


def settings_in(folder: Path) -> Settings:
    return Settings(
        home=folder / "home",
        port=free_port(),
        engine="simulated",
        stream_environment=folder / "no-stream-environment",
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Give the settings of a service that runs in this process."""
    settings = settings_in(tmp_path_factory.mktemp("running"))
    with pytest.MonkeyPatch.context() as patch, served(settings):
        for step in ("start", "stop", "backup"):
            patch.setattr(SimulatedEngine, f"{step}_seconds", 0.1)
        yield settings


def variables(settings: Settings) -> dict[str, str]:
    """Say by variables what the settings say; nothing else of this machine's gets in."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "SOUNDSTAGE_HOME": str(settings.home),
        "SOUNDSTAGE_PORT": str(settings.port),
        "SOUNDSTAGE_ENGINE": settings.engine,
    }


@pytest.fixture
def started(settings: Settings) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Give a function that starts the command and leaves it running until the test ends."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*PROGRAM, *arguments],
            env=variables(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def soundstage(settings: Settings) -> Command:
    """Give a function that runs the command as a person does."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *arguments],
            env={**variables(settings), **more},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


WENT_WRONG: list[str] = []
"""What a service in this process said of its own faults: shown where a command met one."""


def silenced(_logger: object, name: str, event: object) -> NoReturn:
    if name in {"error", "critical", "exception"}:
        WENT_WRONG.append(f"{event}\n{traceback.format_exc()}")
    raise structlog.DropEvent


@pytest.fixture(scope="module")
def typed(running: Settings) -> Iterator[Typed]:
    """Give a function that runs the command in this process, beside a service that runs."""
    with pytest.MonkeyPatch.context() as patch:
        # What the service has to say must not stand between the lines of a command.
        structlog.configure(processors=[silenced])
        patch.setattr(waiting, "POLL_SECONDS", 0.02)
        for name in [name for name in os.environ if name.startswith(("SOUNDSTAGE_", "AWS_"))]:
            patch.delenv(name)
        for name, value in variables(running).items():
            patch.setenv(name, value)
        patch.setenv("SOUNDSTAGE_PROFILES", str(running.home.parent / "profiles.toml"))

        def run(*arguments: str, code: int = 0, typed: str | None = None, **more: str) -> Result:
            done = CliRunner().invoke(program, arguments, env=more, input=typed)
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
            assert done.exit_code == code, "\n".join([done.output, *WENT_WRONG])
            return done

        yield run
        structlog.reset_defaults()


@pytest.fixture(scope="module")
def studio_id(running: Settings) -> str:
    """Give a studio with a launch profile, as `soundstage run` makes it."""
    with closing(client_of(running)) as client:
        made = str(ensure_studio(client, lambda _: None)["studioId"])
        ensure_profile(client, made, lambda _: None)
    return made
