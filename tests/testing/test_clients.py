"""The stock SDK's environment is the one that was pinned, and its process says what went wrong."""

import json
import subprocess
from pathlib import Path

import pytest

from soundstage.testing.clients import (
    StockClient,
    StockFailure,
    ensure_boto3,
    ensure_current,
    ensure_javascript,
    fingerprint,
    model_of_boto3,
)

ROOT = Path(__file__).parents[2]


def test_the_sdk_is_the_last_one_that_knows_the_service() -> None:
    python = ensure_boto3(ROOT)
    assert ensure_boto3(ROOT) == python
    model = model_of_boto3(python)
    assert len(model["operations"]) == 49
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    with StockClient(ROOT, python, {**environment, "AWS_DEFAULT_REGION": "us-west-2"}) as client:
        assert client.version() == "1.35.47"
        with pytest.raises(StockFailure, match="ParamValidationError"):
            client.call("get_studio")
        with pytest.raises(StockFailure, match="AttributeError"):
            client.call("no_such_operation")


def test_today_s_sdk_knows_it_no_more_and_has_its_command_line() -> None:
    python = ensure_current(ROOT)
    with pytest.raises(subprocess.CalledProcessError):
        model_of_boto3(python)
    pinned = (ROOT / "requirements" / "clients-boto3-current.txt").read_text(encoding="utf-8")
    said = subprocess.run(
        [python.with_name("aws"), "--version"], check=True, capture_output=True, text=True
    ).stdout
    version = said.split()[0].removeprefix("aws-cli/")
    assert f"awscli=={version} " in pinned


def test_javascript_s_is_the_last_too_and_locked_by_hashes_without_addresses() -> None:
    folder = ensure_javascript(ROOT)
    installed = folder / "node_modules" / "@aws-sdk" / "client-nimble" / "package.json"
    assert json.loads(installed.read_text(encoding="utf-8"))["version"] == "3.523.0"
    lock = ROOT / "tests" / "clients" / "javascript" / "package-lock.json"
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    packages.pop("")
    assert all("integrity" in each and "resolved" not in each for each in packages.values())


def test_an_environment_is_known_by_what_it_is_made_from_and_where(tmp_path: Path) -> None:
    """Its programs name the Python that they were installed for, so it can't be moved."""
    asked = tmp_path / "asked.txt"
    asked.write_text("one", encoding="ascii")
    there, elsewhere = tmp_path / "there", tmp_path / "elsewhere"
    first = fingerprint(there, [asked])
    assert fingerprint(there, [asked]) == first
    assert fingerprint(elsewhere, [asked]) != first
    asked.write_text("two", encoding="ascii")
    assert fingerprint(there, [asked]) != first
