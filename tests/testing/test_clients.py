"""The stock SDK's environment is the one that was pinned, and its process says what went wrong."""

import subprocess
from pathlib import Path

import pytest

from soundstage.testing.clients import (
    StockClient,
    StockFailure,
    ensure_boto3,
    ensure_current,
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
