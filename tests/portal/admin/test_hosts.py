"""Hosts on the capacity page: seen by the operator alone, taken out and reopened by forms."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from soundstage.portal.admin.hosts import shown
from soundstage.words.texts import Words

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office

GIB = 1024**3


@pytest.fixture
def office(office: "Office") -> Iterator["Office"]:
    office.world.engine.host_list = ("n1", "n2")
    office.world.service.housekeeping.sweep()
    yield office
    call = office.world.operator.call
    for host in call("ListHosts")["hosts"]:
        if host["state"] != "OPEN":
            call("ReopenHost", hostName=host["hostName"])
    office.world.settle()
    office.world.engine.host_list = ("n1",)


def state_of(office: "Office", name: str) -> str:
    hosts = office.world.operator.call("ListHosts")["hosts"]
    return next(str(each["state"]) for each in hosts if each["hostName"] == name)


def test_a_host_is_taken_out_and_reopened_after_a_question(office: "Office") -> None:
    page = office.see("capacity").text
    assert 'id="evacuate-n1"' in page
    assert 'id="evacuate-n2"' in page
    # To look at the question changes nothing.
    asked = office.see("capacity/hosts/n2/evacuate").text
    assert "Take n2 out for maintenance?" in asked
    assert state_of(office, "n2") == "OPEN"
    office.send("capacity/hosts/n2/evacuate", minutes="45", reason="new disks")
    assert state_of(office, "n2") == "EVACUATING"
    page = office.see("capacity").text
    assert "Being evacuated" in page
    assert "Reason: new disks" in page
    office.world.advance(timedelta(minutes=1))
    assert "It may be switched off." in office.see("capacity").text
    assert "Reopen n2?" in office.see("capacity/hosts/n2/reopen").text
    assert state_of(office, "n2") == "EVACUATED"
    office.send("capacity/hosts/n2/reopen")
    assert state_of(office, "n2") == "OPEN"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        ("-1", "At least 0."),
        ("9" * 5000, "It is a whole number."),
        ("soon", "It is a whole number."),
        ("43201", "At most 43200."),
    ],
)
def test_what_the_api_refuses_is_said_where_it_was_typed(
    office: "Office", minutes: str, said: str
) -> None:
    answer = office.send("capacity/hosts/n1/evacuate", minutes=minutes, reason="new disks")
    assert answer.status_code == 400
    assert f"Minutes until they are stopped: {said}" in answer.text
    assert 'value="new disks"' in answer.text
    assert state_of(office, "n1") == "OPEN"


def test_there_is_no_page_of_a_host_that_there_is_not(office: "Office") -> None:
    assert office.see("capacity/hosts/n9/evacuate").status_code == 404


def test_hosts_are_the_operator_s(office: "Office") -> None:
    assert 'id="evacuate-n1"' not in office.see("capacity", office.ben).text
    assert office.see("capacity/hosts/n1/evacuate", office.ben).status_code == 404


def test_a_host_that_does_not_answer_has_no_figures() -> None:
    away = {
        "hostName": "n3",
        "isReachable": False,
        "sessions": [],
        "state": "OPEN",
        "warmWorkstations": 0,
    }
    host = shown(Words(), away)
    assert (host.cpus, host.memory, host.there) == ("", "", "None")
    assert host.said == ["Does not answer"]


def test_who_is_there_is_counted() -> None:
    amount = {"cpus": 8, "gpus": 0, "memoryInBytes": 32 * GIB}
    host = shown(
        Words(),
        {
            "hostName": "n1",
            "isReachable": True,
            "sessions": [{"stage": stage} for stage in ("RUNNING", "RESTING", "RESTING")],
            "state": "EVACUATING",
            "warmWorkstations": 2,
            "promised": amount,
            "toPromise": amount,
            "evacuation": {"at": "2030-01-01T09:30:00Z", "remaining": 1},
        },
    )
    assert host.there == "1 running, 2 stopped, 2 prepared"
    assert host.memory == "32.0 GiB of 32.0 GiB"
    assert host.said[0].startswith("1 still there.")
