"""What `soundstage capacity` prints."""

import dataclasses
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from soundstage.cli.capacity import capacity, document
from soundstage.engines.instance_types import INSTANCE_TYPES
from soundstage.engines.interface import Capacity, Room
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.hosts import store
from soundstage.resources.hosts.model import Evacuation, HostState
from soundstage.wiring.home import opened


def settings_of(folder: Path, **facts: Any) -> Settings:
    made = Settings(home=folder / "home", stream_environment=folder / "none", sandbox="bubblewrap")
    return dataclasses.replace(made, **facts)


def test_people_see_what_types_get_and_what_is_left(tmp_path: Path) -> None:
    sizes: dict[str, dict[str, int | float]] = {"g5.xlarge": {"cpus": 0.5, "memory_gib": 0.75}}
    settings = settings_of(tmp_path, instance_types=sizes)
    done = CliRunner().invoke(capacity, [], obj=settings, catch_exceptions=False)
    lines = {line.split("  ")[0]: line.split() for line in done.output.splitlines() if line}
    assert lines["g5.xlarge"][:3] == ["g5.xlarge", "0.5", "0.8"]
    assert sum(name in INSTANCE_TYPES for name in lines) == 13
    assert lines["this machine"][2] != "0"
    assert lines["is left"][2:] == lines["may be promised"][3:]
    assert "\nThere are none.\n" in done.output
    assert lines["memory-limit"][1] in {"yes", "no"}


def test_programs_get_the_same_with_a_sentence_for_each_type(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    arguments = ["--output", "json"]
    done = CliRunner().invoke(capacity, arguments, obj=settings, catch_exceptions=False)
    told = json.loads(done.output)
    assert len(told["instanceTypes"]) == 13
    assert told["instanceTypes"][0]["detail"].startswith("g3.4xlarge is 16 vCPUs, 122 GiB")
    assert "cpu-limit" in {each["name"] for each in told["limits"]}
    assert told["promised"] == {"cpus": 0, "memoryBytes": 0, "gpus": 0}


def test_a_host_that_is_taken_out_is_not_counted_and_named(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    name, now = socket.gethostname(), system_clock()
    with opened(settings) as (database, _), database.transaction() as transaction:
        order = Evacuation(
            id=name,
            state=HostState.EVACUATING,
            state_since=now,
            at=now,
            reason="",
            remaining=0,
            created_at=now,
            created_by="somebody",
        )
        store.evacuations.insert(transaction, order, due_at=now)
    done = CliRunner().invoke(capacity, [], obj=settings, catch_exceptions=False)
    assert f"Taken out for maintenance, and not counted: {name}." in done.output
    lines = {line.split("  ")[0]: line.split() for line in done.output.splitlines() if line}
    assert lines["may be promised"][3] == "0"


def test_workstations_are_named_by_their_sessions() -> None:
    one = Capacity(cpus=2, memory_bytes=1 << 30, gpus=1)
    room = Room(
        size=one,
        to_promise=one,
        promised=one,
        workstations={"s": one},
        types={},
        details={},
        free_memory_bytes=3,
        free_disk_bytes=4,
    )
    assert document(room, [])["workstations"] == [
        {"sessionId": "s", "cpus": 2, "memoryBytes": 1 << 30, "gpus": 1}
    ]


def test_a_size_that_is_none_is_named(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, instance_types={"g5.xlarge": {"cores": 2}})
    with pytest.raises(ConfigError, match=r"SOUNDSTAGE_INSTANCE_TYPES: .*cores"):
        CliRunner().invoke(capacity, [], obj=settings, catch_exceptions=False)
