"""Hosts on the command line, in a table for people."""

from typing import Any

from soundstage.cli.hosts import hosts, row, sentence

GIB = 1024**3


def host(**facts: Any) -> dict[str, Any]:
    return {
        "hostName": "n2",
        "isReachable": True,
        "sessions": [{"stage": "RUNNING"}, {"stage": "RESTING"}],
        "state": "OPEN",
        "warmWorkstations": 1,
        "promised": {"cpus": 4.0, "gpus": 0, "memoryInBytes": 16 * GIB},
        "toPromise": {"cpus": 64.0, "gpus": 1, "memoryInBytes": 128 * GIB},
        **facts,
    }


def test_a_host_is_a_row() -> None:
    assert row(host()) == {
        "host": "n2",
        "state": "OPEN",
        "cores": "4 of 64",
        "memory GiB": "16 of 128",
        "GPUs": "0 of 1",
        "sessions": 1,
        "stopped": 1,
        "prepared": 1,
    }
    assert sentence(host()) == ""


def test_what_goes_on_with_it_is_a_sentence() -> None:
    order = {"at": "2030-01-01T09:30:00Z", "remaining": 2, "reason": "new disks"}
    assert sentence(host(state="EVACUATING", evacuation=order)) == (
        "n2 is being evacuated (new disks): 2 still there, to be stopped from "
        "2030-01-01T09:30:00Z on."
    )
    assert sentence(host(state="EVACUATED", evacuation=order)) == (
        "n2 is evacuated (new disks): nothing runs there, it may be switched off."
    )


def test_one_that_does_not_answer_has_no_figures() -> None:
    away = host(isReachable=False, statusMessage="it is offline")
    del away["toPromise"]
    assert (row(away)["state"], row(away)["cores"]) == ("OPEN, AWAY", "-")
    assert sentence(away) == "n2 does not answer: it is offline."


def test_the_verbs_come_from_the_table() -> None:
    assert list(hosts.commands) == ["list"]
    with hosts.make_context("hosts", ["list"], resilient_parsing=True) as context:
        assert hosts.list_commands(context) == ["evacuate", "list", "reopen"]
