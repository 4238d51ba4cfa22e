"""Writing the model for SDKs: where it lands, what is left alone, and what is refused."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from soundstage.cli import sdk
from soundstage.cli.sdk import FALLBACK_VERSION, ensure_fallback
from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.operations import OPERATIONS

Command = Callable[..., subprocess.CompletedProcess[str]]

FILES = ["paginators-1.json", "service-2.json", "waiters-2.json"]
PUBLIC = Path("nimble") / "2020-08-01"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_export_writes_three_documents_and_says_how_to_use_them(
    soundstage: Command, tmp_path: Path
) -> None:
    done = soundstage("sdk", "export", str(tmp_path / "made" / "here"))
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "made" / "here" / PUBLIC
    assert names_in(folder) == FILES
    assert done.stdout.splitlines() == [
        f"Wrote the {len(OPERATIONS)} operations of nimble to {folder}.",
        f"An SDK finds them with AWS_DATA_PATH={tmp_path / 'made' / 'here'}",
    ]
    service = json.loads((folder / "service-2.json").read_bytes())
    assert service["operations"].keys() == {row.name for row in OPERATIONS}
    assert service["metadata"]["apiVersion"] == "2020-08-01"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_a_folder_that_can_t_be_written_is_named(soundstage: Command) -> None:
    done = soundstage("sdk", "export", "/proc/none")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"/proc/none/{PUBLIC} can't be written" in done.stderr


def test_install_writes_for_the_user_once(soundstage: Command, tmp_path: Path) -> None:
    home = str(tmp_path)
    first, second = (soundstage("sdk", "install", HOME=home) for _ in range(2))
    folder = tmp_path / ".aws" / "models" / PUBLIC
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.startswith(f"Wrote the {len(OPERATIONS)} operations of nimble to {folder}.")
    assert second.stdout.startswith(f"{folder} has the {len(OPERATIONS)} operations")
    assert names_in(folder) == FILES
    (folder / "service-2.json").write_bytes(b"{}")
    refused, forced = (soundstage("sdk", "install", *more, HOME=home) for more in ([], ["--force"]))
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert forced.returncode == 0


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a user's models that install writes to."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / ".aws" / "models" / PUBLIC


@pytest.mark.parametrize("foreign", [b'{"version": "2.0"}', b"no JSON", b"[]", b""])
def test_a_model_from_elsewhere_is_only_replaced_by_force(models: Path, foreign: bytes) -> None:
    models.mkdir(parents=True)
    (models / "service-2.json").write_bytes(foreign)
    with pytest.raises(ConfigError, match=r"has service-2\.json from elsewhere\. With --force"):
        sdk.install(force=False)
    assert names_in(models) == ["service-2.json"]
    assert (models / "service-2.json").read_bytes() == foreign
    sdk.install(force=True)
    assert names_in(models) == FILES
    sdk.install(force=False)


def test_what_others_keep_beside_it_stays(models: Path) -> None:
    models.mkdir(parents=True)
    (models / "examples-1.json").write_bytes(b"{}")
    sdk.install(force=False)
    assert (models / "examples-1.json").read_bytes() == b"{}"


def test_an_older_model_of_ours_is_brought_up_to_date(models: Path) -> None:
    sdk.install(force=False)
    wanted = (models / "service-2.json").read_bytes()
    (models / "service-2.json").write_bytes(b'{"generatedBy": "soundstage", "operations": {}}')
    sdk.install(force=False)
    assert (models / "service-2.json").read_bytes() == wanted


def test_the_fallback_is_written_once_and_when_it_differs(settings: Settings) -> None:
    folder = ensure_fallback(settings) / "nimble" / FALLBACK_VERSION
    assert folder.is_relative_to(settings.home)
    assert names_in(folder) == FILES
    written = {path.name: path.stat().st_ino for path in folder.iterdir()}
    (folder / "waiters-2.json").write_bytes(b"{}")
    ensure_fallback(settings)
    again = {path.name: path.stat().st_ino for path in folder.iterdir()}
    changed = {name for name in written if written[name] != again[name]}
    assert changed <= {"waiters-2.json"}
    assert json.loads((folder / "waiters-2.json").read_bytes())["version"] == 2


def test_a_write_that_fails_leaves_what_was_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ensure_fallback(settings) / "nimble" / FALLBACK_VERSION
    (folder / "service-2.json").write_bytes(b"old")

    def fail(path: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(path), None, str(target))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ConfigError, match="can't be written: No space left on device"):
        ensure_fallback(settings)
    assert (folder / "service-2.json").read_bytes() == b"old"
    assert names_in(folder) == FILES
