"""Backups on the command line: asked for, looked into, taken out, and checked."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from soundstage.cli.backups import backups
from soundstage.cli.launch import client_of, ensure_profile, ensure_studio, ensure_workstation
from soundstage.engines.interface import BackupCheck
from soundstage.engines.simulated import backups as kept
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.engines.simulated.world import Backup
from soundstage.kit.config import Settings
from soundstage.testing.streams import wait_for


def quietly(_: str) -> None:
    """Nobody watches."""


def invoke(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own: this one holds the service, and its log."""
    return subprocess.run(
        [sys.executable, "-m", "soundstage.cli.main", "backups", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "SOUNDSTAGE_HOME": str(settings.home),
            "SOUNDSTAGE_PORT": str(settings.port),
            "SOUNDSTAGE_ENGINE": "simulated",
        },
        cwd=settings.home.parent,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def run(settings: Settings, *arguments: str) -> str:
    result = invoke(settings, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def refused(settings: Settings, *arguments: str) -> str:
    result = invoke(settings, *arguments)
    assert result.returncode != 0
    return result.stderr


@pytest.fixture
def session_id(running: Settings) -> str:
    """Give a workstation that runs."""
    with closing(client_of(running)) as client:
        studio_id = ensure_studio(client, quietly)["studioId"]
        profile_id = ensure_profile(client, studio_id, quietly)["launchProfileId"]
        session = ensure_workstation(client, studio_id, profile_id, quietly)
    return str(session["sessionId"])


@pytest.fixture
def backup_id(running: Settings, session_id: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give a backup that the command line asked for."""
    files = {"show/shot.blend": b"b" * 600_000, "note": b"words"}

    def filled(ref: str, _: dict[str, bytes], **rest: Any) -> Backup:
        return Backup(ref, files, **rest)

    monkeypatch.setattr(kept, "Backup", filled)
    made = run(running, "create", session_id).strip()

    def is_ready() -> bool:
        listed = json.loads(run(running, "list", "--output", "json"))["streamingSessionBackups"]
        return bool({row["backupId"]: row["state"] for row in listed}[made] == "READY")

    wait_for(is_ready)
    return made


def test_a_backup_is_listed_looked_into_and_a_file_taken_out(
    running: Settings, backup_id: str, tmp_path: Path
) -> None:
    rows = json.loads(run(running, "browse", backup_id, "--output", "json"))["files"]
    assert [(row["path"], row["type"]) for row in rows] == [("note", "FILE"), ("show", "FOLDER")]
    assert "show/shot.blend" in run(running, "browse", backup_id, "show")
    run(running, "fetch", backup_id, "show/shot.blend", str(tmp_path))
    assert (tmp_path / "shot.blend").read_bytes() == b"b" * 600_000
    run(running, "fetch", backup_id, "note", str(tmp_path / "mine"))
    run(running, "fetch", backup_id, "note")
    assert (running.home.parent / "note").read_text() == "words"
    assert (tmp_path / "mine").read_text() == "words"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "shot.blend"]


def test_a_file_that_breaks_off_replaces_nothing(
    running: Settings, backup_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shot.blend").write_text("mine")

    def broken(self: Any, size: int) -> bytes:
        if self._rest.tell():
            raise OSError
        return bytes(self._rest.read(size))

    monkeypatch.setattr(kept._InMemory, "read", broken)
    assert "broke off" in refused(running, "fetch", backup_id, "show/shot.blend", str(tmp_path))
    assert (tmp_path / "shot.blend").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_where_it_can_not_be_written_is_said(running: Settings, backup_id: str) -> None:
    assert "can't be written" in refused(running, "fetch", backup_id, "note", "/nonexistent/note")


def test_what_nobody_has_is_said(running: Settings) -> None:
    assert "There is no streaming session backup" in refused(running, "browse", "x" * 22)


def test_what_is_missing_fails_the_check_and_is_remembered(
    running: Settings, backup_id: str
) -> None:
    # The command's own simulated engine has nothing of what the service's has.
    result = invoke(running, "verify", "--output", "json")
    assert result.returncode == 1
    verdict = json.loads(result.stdout)
    assert any(backup_id in line for line in verdict["missing"])
    again = invoke(running, "verify", "--last", "--output", "json")
    assert (again.returncode, json.loads(again.stdout)) == (1, verdict)


def test_all_is_well_where_nothing_is(settings: Settings) -> None:
    assert "never" in refused(settings, "verify", "--last")
    assert "all is well" in run(settings, "verify", "--all-data")


def test_the_studio_is_kept_now(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []
    monkeypatch.setattr(SimulatedEngine, "keep_studio", lambda _, content: kept.append(content))
    done = CliRunner().invoke(backups, ["studio"], obj=settings)
    assert (done.exit_code, len(kept)) == (0, 1)


@pytest.fixture
def logs_as_at_a_start() -> Iterator[None]:
    """Have nobody said yet where log lines go, as where a command begins."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("logs_as_at_a_start")
def test_what_an_engine_warns_of_is_no_part_of_the_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask() -> None:
        password = "hunter2-" + "in-a-variable"
        raise RuntimeError(f"it has {len(password)} letters")

    def check_backups(_: SimulatedEngine, *, data: str | None) -> BackupCheck:
        log = structlog.get_logger("soundstage.engines.here")
        log.info("the store answers", data=data)
        try:
            ask()
        except RuntimeError:
            log.exception("a look at the store failed")
        return BackupCheck(backup_ids=set(), refs={}, sizes={}, made_at={}, problems=[])

    monkeypatch.setattr(SimulatedEngine, "check_backups", check_backups)
    done = CliRunner().invoke(backups, ["verify", "--output", "json"], obj=settings)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["verdict"] == "all is well"
    assert "a look at the store failed" in done.stderr
    assert "RuntimeError: it has 21 letters" in done.stderr
    assert "hunter2-in-a-variable" not in done.output
    # A command speaks for itself: of an engine only what is wrong is told.
    assert "the store answers" not in done.output
