"""Today's boto3 and AWS command line, which no longer know the service, with nothing but what
`soundstage env` prints; and the last boto3 that does know it, which keeps its own model.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from soundstage.resources.operations import OPERATIONS
from soundstage.resources.waiters import WAITERS
from soundstage.testing.clients import (
    StockClient,
    StockError,
    StockFailure,
    ensure_boto3,
    ensure_current,
)
from soundstage.testing.process import ServiceProcess

ROOT = Path(__file__).parents[2]
ROLE = "arn:aws:iam::123456789012:role/studio"
KNOWN = """
import boto3, json
client = boto3.client("nimble")
print(json.dumps({
    "operations": list(client.meta.service_model.operation_names),
    "waiters": client.waiter_names,
    "version": client.meta.service_model.api_version,
}))
"""


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    folder = Path(tempfile.mkdtemp(prefix="soundstage-test-"))
    home = folder / "home"
    home.mkdir()
    try:
        with ServiceProcess(home, engine="simulated") as process:
            yield process
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def environment(service: ServiceProcess) -> dict[str, str]:
    return service.environment()


@pytest.fixture(scope="module")
def current(environment: dict[str, str]) -> Iterator[StockClient]:
    with StockClient(ROOT, ensure_current(ROOT), environment) as client:
        yield client


@pytest.fixture(scope="module")
def studio_id(current: StockClient) -> str:
    studio = current.call(
        "create_studio",
        studioName="films",
        displayName="Films",
        adminRoleArn=ROLE,
        userRoleArn=ROLE,
    )["studio"]
    current.wait("studio_ready", studioId=studio["studioId"])
    return str(studio["studioId"])


def clean(environment: dict[str, str], home: Path) -> dict[str, str]:
    """Add what a process needs, and keep this machine's own settings for SDKs out."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
        **environment,
    }


def knowledge(python: Path, environment: dict[str, str], home: Path) -> Any:
    done = subprocess.run(
        [python, "-c", KNOWN],
        env=clean(environment, home),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def aws(environment: dict[str, str], home: Path, *arguments: str) -> Any:
    command = ensure_current(ROOT).with_name("aws")
    done = subprocess.run(
        [command, "nimble", *arguments, "--output", "json"],
        env=clean(environment, home),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null")


def test_without_the_model_it_does_not_know_the_service(
    environment: dict[str, str], tmp_path: Path
) -> None:
    bare = {name: text for name, text in environment.items() if name != "AWS_DATA_PATH"}
    with pytest.raises(subprocess.CalledProcessError) as caught:
        knowledge(ensure_current(ROOT), bare, tmp_path)
    assert "UnknownServiceError: Unknown service: 'nimble'" in caught.value.stderr


def test_it_knows_every_operation_and_waiter(
    environment: dict[str, str], current: StockClient, tmp_path: Path
) -> None:
    assert current.version() > "1.44"
    known = knowledge(ensure_current(ROOT), environment, tmp_path)
    assert set(known["operations"]) == {row.name for row in OPERATIONS}
    assert len(known["waiters"]) == len(
        [waiter for waiter in WAITERS if waiter.operation in known["operations"]]
    )


def test_a_studio_a_waiter_and_pages(current: StockClient, studio_id: str) -> None:
    found = [studio for page in current.paginate("list_studios") for studio in page["studios"]]
    assert [studio["studioId"] for studio in found] == [studio_id]
    assert found[0]["state"] == "READY"
    assert found[0]["createdAt"].tzinfo is not None
    pages = current.paginate(
        "list_launch_profiles", studioId=studio_id, PaginationConfig={"PageSize": 1}
    )
    assert [page["launchProfiles"] for page in pages] == [[]]


def test_errors_are_typed(current: StockClient, studio_id: str) -> None:
    with pytest.raises(StockError) as caught:
        current.call("get_launch_profile", studioId=studio_id, launchProfileId="nothing")
    assert caught.value.class_name == "ResourceNotFoundException"
    assert caught.value.response["context"]["resourceId"] == "nothing"
    with pytest.raises(StockError) as caught:
        current.call("list_launch_profiles", studioId=studio_id, maxResults=101)
    assert caught.value.class_name == "ValidationException"


def test_it_refuses_what_the_model_refuses(current: StockClient, studio_id: str) -> None:
    for name, arguments, sentence in (
        ("get_studio", {}, "Missing required parameter"),
        ("list_launch_profiles", {"studioId": studio_id, "maxResults": 0}, "valid min value: 1"),
        (
            "create_studio_component",
            {
                "studioId": studio_id,
                "name": "n",
                "type": "CUSTOM",
                "configuration": {
                    "computeFarmConfiguration": {},
                    "licenseServiceConfiguration": {},
                },
            },
            "tagged union",
        ),
    ):
        with pytest.raises(StockFailure, match=f"(?i){sentence}"):
            current.call(name, **arguments)


def test_a_component_s_union_and_idempotency(current: StockClient, studio_id: str) -> None:
    given = {
        "studioId": studio_id,
        "name": "Farm",
        "type": "COMPUTE_FARM",
        "configuration": {"computeFarmConfiguration": {"endpoint": "farm.test"}},
        "clientToken": "once",
    }
    first, second = (
        current.call("create_studio_component", **given)["studioComponent"] for _ in range(2)
    )
    assert first["studioComponentId"] == second["studioComponentId"]
    assert first["configuration"] == given["configuration"]


def test_the_command_line_of_today(
    environment: dict[str, str], studio_id: str, tmp_path: Path
) -> None:
    listed = aws(environment, tmp_path, "list-studios")
    assert [studio["studioId"] for studio in listed["studios"]] == [studio_id]
    aws(environment, tmp_path, "wait", "studio-ready", "--studio-id", studio_id)


def test_an_installed_model_is_found_with_no_variable(
    service: ServiceProcess, environment: dict[str, str], tmp_path: Path
) -> None:
    bare = {name: text for name, text in environment.items() if name != "AWS_DATA_PATH"}
    service.command("sdk", "export", str(tmp_path / ".aws" / "models"))
    known = knowledge(ensure_current(ROOT), bare, tmp_path)
    assert set(known["operations"]) == {row.name for row in OPERATIONS}
    assert known["version"] == "2020-08-01"


def test_an_exported_model_is_preferred_to_an_older_sdk_s_own(
    service: ServiceProcess, environment: dict[str, str], studio_id: str, tmp_path: Path
) -> None:
    service.command("sdk", "export", str(tmp_path))
    led = {**environment, "AWS_DATA_PATH": str(tmp_path)}
    known = knowledge(ensure_boto3(ROOT), led, tmp_path)
    assert set(known["operations"]) == {row.name for row in OPERATIONS}
    with StockClient(ROOT, ensure_boto3(ROOT), led) as client:
        client.wait("studio_ready", studioId=studio_id)
        pages = client.paginate("list_studios")
        assert [studio["studioId"] for page in pages for studio in page["studios"]] == [studio_id]
        with pytest.raises(StockError) as caught:
            client.call("get_studio", studioId="us-west-2:nothing")
        assert caught.value.class_name == "ResourceNotFoundException"


def test_an_sdk_with_a_model_of_its_own_keeps_it(
    environment: dict[str, str], studio_id: str, tmp_path: Path
) -> None:
    assert "AWS_DATA_PATH" in environment
    known = knowledge(ensure_boto3(ROOT), environment, tmp_path)
    assert len(known["operations"]) == 49
    assert len(known["waiters"]) == 12
    assert known["version"] == "2020-08-01"
    with StockClient(ROOT, ensure_boto3(ROOT), environment) as client:
        assert client.call("get_studio", studioId=studio_id)["studio"]["state"] == "READY"


def test_events_are_listed_page_by_page(current: StockClient, studio_id: str) -> None:
    """An addition, by today's SDK and its own paginator, with moments as Python has them."""
    since = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    first = current.call("list_events", studioId=studio_id, maxResults=1, startTime=since)
    assert first["nextToken"]
    every = current.call("list_events", studioId=studio_id, order="OLDEST_FIRST")["events"]
    assert [event["type"] for event in every][:2] == [
        "studios.CREATE_IN_PROGRESS",
        "studios.READY",
    ]
    assert every[0]["operation"] == "CreateStudio"
    assert every[0]["sourceAddress"] == "127.0.0.1"
    assert every[0]["resource"] == f"studio/{studio_id}"
    with pytest.raises(StockError) as caught:
        current.call("list_events", studioId=studio_id, nextToken="x")
    assert caught.value.code == "ValidationException"
