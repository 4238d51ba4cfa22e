"""All workstations, watched."""

import json
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
        "sessionId": f"of-{state}",
        "ownedBy": "anna",
        "state": state,
        "ec2InstanceType": "g4dn.xlarge",
        "createdAt": "2026-11-28T12:00:00Z",
        "statusMessage": f"It is [{state}].",
        **more,
    }


def test_it_draws_how_many_are_in_which_state_and_one_line_each() -> None:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(
            drawn(
                Seen(
                    sessions=[session("READY", startedAt="later"), session("STOPPED")],
                    profiles=[
                        {"name": "Paint", "instanceTypes": [TYPE]},
                        {"name": "Unknown", "instanceTypes": [{"ec2InstanceType": "g5.xlarge"}]},
                    ],
                    place=PLACE,
                )
            )
        )
    lines = captured.get().splitlines()
    assert lines[0].strip() == "2 workstations: 1 ready, 1 stopped"
    assert lines[1].strip() == (
        "Promised to those that run: 1 g4dn.xlarge (2 cores, 8.0 GiB of memory)"
    )
    assert lines[2].strip() == "Room for more: 3 of Paint"
    assert lines[3].strip() == (
        "This machine: 12 of 16 cores promised, 48.0 of 60.0 GiB promised, "
        "1 of 2 graphics cards promised, 40.0 of 64.0 GiB in use, 100.0 GiB of disk free"
    )
    assert lines[5].split()[:3] == ["session", "owner", "state"]
    assert lines[6].split() == (
        ["of-READY", "anna", "ready", "g4dn.xlarge", "later", "-", "It", "is", "[READY]."]
    )


def test_once_it_prints_and_ends(typed: Typed, studio_id: str) -> None:
    assert typed("top", "--once").stdout.startswith("0 workstations: none\n")
    typed("launch")
    watched = typed("top").stdout  # No terminal watches either.
    assert "1 workstation: 1 ready" in watched
    assert "This machine: 4 of 400 cores promised" in watched
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
