"""Calls to a real Incus, each made twice."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import Eventually

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.connection import ChangedError, NotFoundError
from soundstage.engines.interface import PermanentError
from soundstage.testing.incus import IncusDaemon

pytestmark = pytest.mark.incus
VOLUMES = "/storage-pools/default/volumes/custom"


@pytest.fixture
def instance(client: Client) -> Iterator[str]:
    body = {
        "name": "try",
        "source": {"type": "image", "alias": "workstation"},
        "devices": {"root": {"type": "disk", "path": "/", "pool": "default"}},
        "profiles": [],
        "start": True,
    }
    client.do("POST", "/instances", body)
    yield "try"
    client.do("PUT", "/instances/try/state", {"action": "stop", "force": True, "timeout": 0})
    client.ensure_absent("/instances/try")


def test_what_is_made_twice_is_there_once_and_goes_once(client: Client) -> None:
    body = {"name": "twice", "config": {"size": "64MiB"}}
    assert [client.ensure(VOLUMES, body) for _ in range(2)] == [True, False]
    assert client.find(f"{VOLUMES}/twice")["config"]["size"] == "64MiB"  # type: ignore[index]  # It is there.
    for _ in range(2):
        client.ensure_absent(f"{VOLUMES}/twice")
    assert client.find(f"{VOLUMES}/twice") is None
    with pytest.raises(NotFoundError):
        client.get(f"{VOLUMES}/twice")


def test_a_change_is_made_anew_when_somebody_was_quicker(client: Client) -> None:
    client.ensure(VOLUMES, {"name": "changed"})
    path = f"{VOLUMES}/changed"
    seen: list[str] = []

    def edit(found: dict[str, Any]) -> None:
        seen.append(found["config"].get("user.theirs", ""))
        if len(seen) == 1:
            client.do("PATCH", path, {"config": {"user.theirs": "quick"}})
        found["config"]["user.mine"] = "yes"

    client.change(path, edit)
    config = client.get(path)["config"]
    assert seen == ["", "quick"]
    assert (config["user.theirs"], config["user.mine"]) == ("quick", "yes")

    def always_late(found: dict[str, Any]) -> None:
        client.do("PATCH", path, {"config": {"user.theirs": f"{len(seen)}"}})
        seen.append("")
        found["config"]["user.mine"] = "no"

    with pytest.raises(ChangedError):
        client.change(path, always_late)
    client.ensure_absent(path)


def test_an_operation_that_fails_says_why(client: Client) -> None:
    body = {"name": "copy", "source": {"type": "copy", "name": "none", "pool": "default"}}
    with pytest.raises(PermanentError, match=r"(?i)not found"):
        client.do("POST", VOLUMES, body)


def test_commands_and_files_of_an_instance(
    client: Client, instance: str, eventually: Eventually
) -> None:
    done = client.run(instance, "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.code, done.output, done.errors) == (3, b"out\n", b"err\n")
    logs = f"/instances/{instance}/logs/exec-output"
    eventually(lambda: client.get(logs) == [])
    client.write_file(instance, "/root/a", b"one", mode=0o600)
    client.write_file(instance, "/root/a", b"two", mode=0o600)
    assert client.read_file(instance, "/root/a") == b"two"
    assert client.run(instance, "stat", "-c", "%a %u", "/root/a").output == b"600 0\n"
    for path in ("/none/a", "/root/none"):
        with pytest.raises(NotFoundError):
            client.read_file(instance, path)
    with pytest.raises(NotFoundError):
        client.write_file(instance, "/none/a", b"")


def test_what_goes_on_is_found_by_who_comes_later(
    client: Client, incus_daemon: IncusDaemon
) -> None:
    operation = client.begin("POST", VOLUMES, {"name": "later"})
    with incus_daemon.client() as other:
        if operation:
            other.wait(operation)
        assert other.find(f"{VOLUMES}/later") is not None
        other.ensure_absent(f"{VOLUMES}/later")
