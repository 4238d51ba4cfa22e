"""A machine is lost, and its studio comes back on an empty one, as the documentation says."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.testing.clients import StockClient, ensure_boto3
from soundstage.testing.process import ServiceProcess
from soundstage.testing.s3 import Bucket, bucket, credentials
from soundstage.testing.whole import Studio, Workstation, until

REPOSITORY = Path(__file__).parents[2]
GUIDE = REPOSITORY / "docs" / "how-to" / "recover-on-an-empty-machine.md"


@pytest.fixture
def store() -> Iterator[Bucket]:
    with bucket(REPOSITORY) as served:
        yield served


@pytest.fixture
def other_home() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="soundstage-new-", dir="/tmp"))
    made.rmdir()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def home_of(service: ServiceProcess, workstation: Workstation) -> Path:
    generations = (service.home / "volumes" / workstation.id).iterdir()
    newest = max((path for path in generations if path.name.isdigit()), key=lambda p: int(p.name))
    return newest / "home"


def write(service: ServiceProcess, workstation: Workstation, text: str) -> None:
    place = home_of(service, workstation) / "scene.txt"
    place.write_text(text)
    owner = place.parent.stat().st_uid
    os.chown(place, owner, owner)


def followed(service: ServiceProcess, *words: str) -> str:
    """Run a command that stands in the guide, with the file's name as it stands there."""
    line = " ".join(("soundstage", *(Path(word).name for word in words)))
    assert line in GUIDE.read_text(encoding="utf-8"), line
    return service.command(*words)


@pytest.mark.timeout(300)
def test_nothing_but_store_and_key_are_needed(
    home: Path, other_home: Path, store: Bucket, tmp_path: Path
) -> None:
    opened = str(credentials(tmp_path))
    key = tmp_path / "recovery.key"
    settings = {"engine": "sandbox", "backup_credentials": opened}
    old = ServiceProcess(home, backup_repository=store.setting, **settings)
    with old, StockClient(REPOSITORY, ensure_boto3(REPOSITORY), old.environment()) as sdk:
        studio = Studio(sdk)
        workstation = studio.launch()
        write(old, workstation, "while it ran")
        made = old.command("backups", "create", workstation.id).strip()
        until("a backup", lambda: [b["state"] for b in studio.backups()] == ["READY"])
        assert workstation.see()["state"] == "READY"
        assert "scene.txt" in old.command("backups", "browse", made)
        old.command("backups", "fetch", made, "scene.txt", str(tmp_path / "fetched"))
        assert (tmp_path / "fetched").read_text() == "while it ran"
        assert "READY" in old.command("backups", "list")

        secret = {"key": "LICENCE", "value": "five-secret-words"}
        component = {"name": "Licences", "type": "CUSTOM", "scriptParameters": [secret]}
        studio_id = {"studioId": workstation.where["studioId"]}
        licences = sdk.call("create_studio_component", **studio_id, **component)["studioComponent"]

        followed(old, "backups", "key", "export", str(key))
        assert key.stat().st_mode & 0o777 == 0o600
        followed(old, "backups", "studio")
        # What comes after the database was kept is taken up all the same.
        write(old, workstation, "the last work")
        workstation.stop()
        assert "all is well" in followed(old, "backups", "verify", "--all-data")
        assert "made-up-secret" not in old.log.read_text()
        where = dict(workstation.where)
    assert not home.exists()

    new = ServiceProcess(other_home, **settings)
    told = followed(new, "backups", "recover", str(key))
    assert "sessions with a backup  1" in told
    assert b"five-secret-words" not in (other_home / "soundstage.sqlite").read_bytes()
    with new, StockClient(REPOSITORY, ensure_boto3(REPOSITORY), new.environment()) as sdk:
        workstation = Workstation(sdk, where)
        found = workstation.see()
        assert (found["state"], "lost with the machine" in found["statusMessage"]) == (
            "STOPPED",
            True,
        )
        workstation.start()
        assert (home_of(new, workstation) / "scene.txt").read_text() == "the last work"
        assert "all is well" in followed(new, "backups", "verify")
        assert "all is well" in followed(new, "backups", "verify", "--last")
        component_id = {"studioComponentId": licences["studioComponentId"]}
        found = sdk.call("get_studio_component", **studio_id, **component_id)["studioComponent"]
        # It was sealed in the copy, and the key of the recovery opens it.
        assert found["scriptParameters"] == [secret]


@pytest.mark.timeout(240)
def test_a_store_that_is_away_costs_no_work_and_heals(
    home: Path, store: Bucket, tmp_path: Path
) -> None:
    settings = {
        "engine": "sandbox",
        "backup_credentials": str(credentials(tmp_path)),
        "backup_repository": store.setting,
    }
    service = ServiceProcess(home, **settings)
    with service, StockClient(REPOSITORY, ensure_boto3(REPOSITORY), service.environment()) as sdk:
        studio = Studio(sdk)
        workstation = studio.launch()
        write(service, workstation, "kept")
        store.stop()
        sdk.call("stop_streaming_session", **workstation.where)

        def is_waiting() -> bool:
            found = studio.backups()
            return bool(found) and "does not answer" in service.log.read_text()

        until("the store is missed", is_waiting)
        assert workstation.see()["state"] == "STOP_IN_PROGRESS"
        assert (home_of(service, workstation) / "scene.txt").read_text() == "kept"
        store.start()
        workstation.wait("stopped")
        assert [backup["state"] for backup in studio.backups()] == ["READY"]
