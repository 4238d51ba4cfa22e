"""What tests of the command line need: settings of a home of their own, and the command itself."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from soundstage.cli.serve import served
from soundstage.engines.simulated import SimulatedEngine
from soundstage.kit.config import Settings

PROGRAM = [sys.executable, "-m", "soundstage.cli.main"]
Command = Callable[..., subprocess.CompletedProcess[str]]


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
