"""Ending everything, and removing no more than what is ours."""

import dataclasses
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from soundstage.cli.clean import clean
from soundstage.cli.env import exports
from soundstage.engines import registry
from soundstage.engines.images.store import ImageStore
from soundstage.engines.images.tree import Owner
from soundstage.engines.interface import Phase, Spec, Volume
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.testing.streams import wait_for
from soundstage.wiring.home import has_service

SPEC = Spec(image="ami-host", instance_type="g4dn.xlarge", volume=Volume())


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> SimulatedEngine:
    """Give an engine with a workstation, as the machine would have one."""
    made = SimulatedEngine(system_clock)
    made.start_seconds = made.stop_seconds = 0.05
    made.ensure_running("first", SPEC)
    wait_for(lambda: made.observe("first").phase is Phase.RUNNING)
    monkeypatch.setattr(registry, "make", lambda *_: made)
    return made


def test_nothing_is_there(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    clean(settings, data=True)
    assert capsys.readouterr().out == f"There is nothing in {settings.home}.\n"
    assert not settings.home.exists()


def test_workstations_end_and_their_data_stays(
    settings: Settings, engine: SimulatedEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    exports(settings, None)
    clean(settings, data=False)
    assert engine.observe("first").phase is Phase.STOPPED
    assert (settings.home / "soundstage.sqlite").exists()
    clean(settings, data=True)
    assert engine.refs() == set()
    assert not settings.home.exists()
    assert capsys.readouterr().out.splitlines() == [
        "Ended 1 workstation.",
        "Ended 1 workstation.",
        f"Removed {settings.home}.",
    ]


def test_a_workstation_that_does_not_end_is_named(
    settings: Settings, engine: SimulatedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports(settings, None)
    engine.misbehave(Misbehaviour.STOPS_SLOWLY)
    engine.stop_seconds = 100
    monkeypatch.setattr("soundstage.cli.clean._WORKSTATION_SECONDS", 0.1)
    with pytest.raises(ConfigError, match="The workstation first does not end"):
        clean(settings, data=True)
    assert settings.home.exists()


@pytest.mark.usefixtures("engine")
def test_a_folder_that_is_no_home_of_ours_is_not_removed(settings: Settings) -> None:
    settings.home.mkdir()
    (settings.home / "thesis.odt").touch()
    with pytest.raises(ConfigError, match="It is not removed"):
        clean(settings, data=True)
    assert (settings.home / "thesis.odt").exists()


@pytest.mark.usefixtures("engine")
def test_a_home_whose_secret_is_in_a_vault_is_removed_too(
    settings: Settings, tmp_path: Path
) -> None:
    exports(settings, None)
    vault = (settings.home / "keys" / "installation").rename(tmp_path / "vault")
    vaulted = dataclasses.replace(settings, secret_command=f"cat {vault}")
    exports(vaulted, None)
    clean(vaulted, data=True)
    assert not settings.home.exists()


@pytest.mark.usefixtures("engine")
def test_images_go_with_the_data_whoever_owns_their_files(settings: Settings) -> None:
    exports(settings, None)
    made = ImageStore(settings.home).ensure() / "film.0"
    made.mkdir()
    owner = Owner()
    owner.run("mkdir", "-m", "0700", made / "root")
    owner.run("tee", made / "root" / "file", content=b"content")
    clean(settings, data=True)
    assert not settings.home.exists()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("place", ["HOME", "cwd"])
def test_a_home_around_a_person_s_own_things_is_not_removed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    exports(settings, None)
    inside = settings.home / "me"
    inside.mkdir()
    if place == "HOME":
        monkeypatch.setenv("HOME", str(inside))
    else:
        monkeypatch.chdir(inside)
    with pytest.raises(ConfigError, match=f"SOUNDSTAGE_HOME: {settings.home} holds more"):
        clean(settings, data=True)
    assert inside.exists()


def test_the_service_is_ended_first(
    settings: Settings,
    started: Callable[..., subprocess.Popen[str]],
    soundstage: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    process = started("serve")
    wait_for(lambda: (settings.home / "service.pid").exists() and has_service(settings), 30)
    # Somebody has to take note of the end, as a shell does.
    done: list[subprocess.CompletedProcess[str]] = []
    cleaner = threading.Thread(target=lambda: done.append(soundstage("clean", "--data")))
    cleaner.start()
    assert process.wait(20) == 0
    cleaner.join()
    assert done[0].stdout.splitlines() == [
        "Ended the service.",
        "Ended 0 workstations.",
        f"Removed {settings.home}.",
    ]


def test_a_pid_that_is_nobody_s_or_somebody_else_s_ends_nobody(
    settings: Settings, tmp_path: Path
) -> None:
    exports(settings, None)
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path) as other:
        for text in ("", "none", "999999999", f"{other.pid}\n"):
            (settings.home / "service.pid").write_text(text)
            clean(settings, data=False)
        assert other.poll() is None
        other.kill()
