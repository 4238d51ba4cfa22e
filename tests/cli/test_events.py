"""`soundstage events`: what happened as a table, and what happens as it happens."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result

Typed = Callable[..., Result]


@pytest.fixture(autouse=True)
def some(studio_id: str) -> None:
    """Let something have happened."""


def test_events_are_listed(typed: Typed) -> None:
    done = typed("events", "list", "--output", "json", "--limit", "3")
    found = json.loads(done.output)["events"]
    assert 0 < len(found) <= 3
    assert found[0]["eventId"] > found[-1]["eventId"] or len(found) == 1


def test_events_are_followed_from_one_on(typed: Typed) -> None:
    every = json.loads(typed("events", "list", "--output", "json").output)["events"]
    oldest = every[-1]["eventId"]
    done = typed("events", "follow", "--after", oldest, "--limit", "2")
    lines = [json.loads(line) for line in done.output.splitlines()]
    assert [line["id"] for line in lines] == [every[-2]["eventId"], every[-3]["eventId"]]
    assert lines[0]["specversion"] == "1.0"
