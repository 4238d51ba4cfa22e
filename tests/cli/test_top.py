"""All workstations, watched."""

import json
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from soundstage.cli.top import Seen, drawn
from soundstage.kit.config import Settings

Typed = Any


TYPE = {
    "ec2InstanceType": "g4dn.xlarge",
    "cpus": 2.0,
    "memoryInBytes": 8 * 1024**3,
    "freePlaces": 3,
}

PLACE = {
    "promised": {"cpus": 12.0, "gpus": 1, "memoryInBytes": 48 * 1024**3},
    "toPromise": {"cpus": 16.0, "gpus": 2, "memoryInBytes": 60 * 1024**3},
    "size": {"cpus": 8.0, "gpus": 2, "memoryInBytes": 64 * 1024**3},
    "freeMemoryInBytes": 24 * 1024**3,
    "freeDiskInBytes": 100 * 1024**3,
    "workstations": 3,
}


def session(state: str, **more: Any) -> dict[str, Any]:
    return {
        "sessionId": f"of-{state}-abcdefghijkl",
        "launchProfileId": "p-1",
        "ownedBy": "AROA:anna",
        "state": state,
        "ec2InstanceType": "g4dn.xlarge",
        "createdAt": "2030-01-01T12:00:00Z",
        "statusMessage": f"It is [{state}].",
        **more,
    }


def lines(*sessions: dict[str, Any], width: int = 80) -> list[str]:
    console = Console(width=width)
    seen = Seen(
        sessions=list(sessions),
        profiles=[
            {"name": "Paint", "launchProfileId": "p-1", "instanceTypes": [TYPE]},
            {
                "name": "Unknown",
                "launchProfileId": "p-2",
                "instanceTypes": [{"ec2InstanceType": "g5.xlarge"}],
            },
        ],
        people={"AROA:anna": "Anna B."},
        now=datetime(2030, 1, 1, 14, 30, tzinfo=UTC),
        place=PLACE,
    )
    with console.capture() as captured:
        console.print(drawn(seen))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_it_draws_how_many_are_in_which_state_and_one_line_each() -> None:
    stop = {"action": "STOP", "at": "2030-01-01T17:52:00Z"}
    ready = session("READY", startedAt="2030-01-01T14:00:00Z", nextAction=stop)
    found = lines(ready, session("STOPPED"))
    assert found[0] == "2 workstations: 1 ready, 1 stopped"
    assert found[1] == "Promised to those that run: 1 g4dn.xlarge (2 cores, 8.0 GiB of memory)"
    assert found[2] == "Room for more: 3 of Paint"
    assert found[3] == ("Promised of this machine: 12 of 16 cores, 48.0 of 60.0 GiB, 1 of 2 GPUs")
    assert found[4] == "In use: 40.0 of 64.0 GiB of memory; 100.0 GiB of disk are free"
    assert found[6].split() == ["session", "owner", "profile", "state", "next", "since", "type"]
    assert found[7].split(maxsplit=3)[:3] == ["of-READY", "Anna", "B."]
    assert found[7].split()[3:] == [
        "Paint",
        "ready",
        "stop",
        "in",
        "3",
        "h",
        "30",
        "min",
        "g4dn.xlarge",
    ]
    assert found[8].split()[5:] == ["-", "2", "h", "g4dn.xlarge"]
    assert len(found) == 9


def test_a_terminal_of_80_columns_shows_states_and_what_comes_of_what_it_cuts() -> None:
    stop = {"action": "TERMINATE", "at": "2030-01-09T17:52:00Z"}
    starting = session("CREATE_IN_PROGRESS", nextAction=stop)
    found = lines(starting)
    assert max(map(len, found)) <= 80
    assert "launching  terminate in 8 days" in found[7]
    assert found[-1] == "of-CREAT: It is [CREATE_IN_PROGRESS]."


def test_ids_are_long_enough_to_be_told_apart() -> None:
    twins = [{**session("READY"), "sessionId": f"abcdefghij{last}"} for last in "xy"]
    found = lines(*twins)
    assert [line.split()[0] for line in found[7:9]] == ["abcdefghijx", "abcdefghijy"]


def test_once_it_prints_and_ends(typed: Typed, studio_id: str) -> None:
    assert typed("top", "--once").stdout.startswith("0 workstations: none\n")
    typed("launch")
    watched = typed("top").stdout  # No terminal watches either.
    assert "1 workstation: 1 ready" in watched
    assert "Promised of this machine: 4 of 400 cores, " in watched
    assert " operator " in watched
    found = json.loads(typed("top", "--mine", "--output", "json").stdout)
    assert found["states"] == {"READY": 1}
    assert [profile["name"] for profile in found["profiles"]] == ["Artist workstation"]
    assert studio_id


def test_an_artist_sees_her_own(typed: Typed, studio_id: str, running: Settings) -> None:
    made = json.loads(typed("user", "create", "olga", "--output", "json").stdout)
    hers = {
        "AWS_ENDPOINT_URL_NIMBLE": f"http://localhost:{running.port}",
        "AWS_ACCESS_KEY_ID": made["accessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["secretAccessKey"],
        "SOUNDSTAGE_STUDIO": studio_id,
    }
    assert typed("top", "--once", "--mine", **hers).stdout.startswith("0 workstations: none\n")
