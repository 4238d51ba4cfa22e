"""Listing hosts, taking one out and back, on the wire."""

from typing import Any

import pytest
from tests.resources.conftest import Refused
from tests.resources.hosts.conftest import Hosts

from soundstage.client.calls import CallError


def test_hosts_tell_their_figures_and_who_is_there(hosts: Hosts) -> None:
    (session,) = hosts.launch_on("n2")
    found = hosts.all()
    assert list(found) == ["n1", "n2", "n3"]
    there = found["n2"]
    assert (there["state"], there["isReachable"], there["warmWorkstations"]) == ("OPEN", True, 0)
    assert [each["sessionId"] for each in there["sessions"]] == [session["sessionId"]]
    assert [each["stage"] for each in there["sessions"]] == ["RUNNING"]
    assert (there["promised"]["cpus"], found["n1"]["promised"]["cpus"]) == (4, 0)
    assert "evacuation" not in there


def test_a_host_that_does_not_answer_says_so(hosts: Hosts) -> None:
    hosts.engine.lost_hosts = frozenset({"n2"})
    away = hosts.all()["n2"]
    assert (away["isReachable"], away["statusMessage"]) == (False, "it does not answer")
    assert "size" not in away


def test_a_host_that_was_removed_is_listed_until_it_is_reopened(hosts: Hosts) -> None:
    hosts.evacuate("n3")
    hosts.engine.host_list = ("n1", "n2")
    gone = hosts.all()["n3"]
    assert gone["statusMessage"] == "it is not there any more"
    hosts.reopen("n3")
    assert "n3" not in hosts.all()


@pytest.mark.parametrize(
    ("members", "error", "said"),
    [
        ({"hostName": "n9"}, "ResourceNotFoundException", "n9"),
        ({"hostName": "n 9"}, "ValidationException", "hostName"),
        (
            {"hostName": "n2", "at": "2030-01-01T10:00:00Z", "graceInMinutes": 1},
            "ValidationException",
            "at: give a moment or graceInMinutes, not both",
        ),
        (
            {"hostName": "n2", "at": "2029-12-31T10:00:00Z"},
            "ValidationException",
            "at: 2029-12-31T10:00:00+00:00 is in the past",
        ),
        (
            {"hostName": "n2", "at": "2031-01-01T10:00:00Z"},
            "ValidationException",
            "30 days from now at the most",
        ),
        ({"hostName": "n2", "graceInMinutes": 43201}, "ValidationException", "graceInMinutes"),
        ({"hostName": "n2", "reason": "x" * 201}, "ValidationException", "reason"),
        ({"hostName": "n2", "reason": "a\nb"}, "ValidationException", "reason: it is one line"),
    ],
)
def test_what_can_not_be_ordered_is_refused(
    hosts: Hosts, refused: Refused, members: dict[str, Any], error: str, said: str
) -> None:
    name, message = refused("EvacuateHost", **members)
    assert name == error
    assert said in message
    assert all(each["state"] == "OPEN" for each in hosts.all().values())


def test_an_open_host_can_not_be_reopened(hosts: Hosts, refused: Refused) -> None:
    assert hosts.all()["n1"]["state"] == "OPEN"
    name, message = refused("ReopenHost", hostName="n1")
    assert (name, "The host n1 is OPEN" in message) == ("ConflictException", True)
    assert refused("ReopenHost", hostName="n9")[0] == "ResourceNotFoundException"


def test_it_is_the_operator_s_alone(hosts: Hosts) -> None:
    somebody = hosts.world.client("ann")
    for name, members in (
        ("ListHosts", {}),
        ("EvacuateHost", {"hostName": "n1"}),
        ("ReopenHost", {"hostName": "n1"}),
    ):
        with pytest.raises(CallError) as caught:
            somebody.call(name, **members)
        assert caught.value.name == "AccessDeniedException"
