"""The rows of hosts that are taken out."""

from tests.resources.hosts.conftest import Hosts

from soundstage.resources.hosts import store


def test_rows_are_those_that_are_taken_out(hosts: Hosts) -> None:
    hosts.evacuate("n3", reason="new disks")
    hosts.evacuate("n1")
    with hosts.world.service.database.transaction(write=False) as transaction:
        assert store.names(transaction) == ["n1", "n3"]
        assert {each.id: each.reason for each in store.find(transaction)} == {
            "n1": "",
            "n3": "new disks",
        }
