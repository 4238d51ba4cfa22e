"""The project, the network and the images of a real Incus."""

from typing import Any

import msgspec
import pytest

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.place import Place
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import PermanentError, Reason
from soundstage.testing.incus import IncusDaemon

pytestmark = pytest.mark.incus
DEFAULT = {"project": "default"}


@pytest.fixture
def place(client: Client, incus_settings: IncusSettings) -> Place:
    return Place(client, incus_settings)


def rules(client: Client) -> Any:
    return client.get("/network-acls/soundstage", DEFAULT)


def test_it_is_made_once_and_the_hosts_are_closed(
    client: Client, place: Place, incus_settings: IncusSettings
) -> None:
    place.ensure()
    before = rules(client)
    (refused, allowed) = before["egress"]
    assert (refused["action"], allowed["action"]) == ("reject", "allow")
    closed = refused["destination"].split(",")
    assert {"10.78.0.1", "192.0.2.77"} <= set(closed)
    Place(client, incus_settings).ensure()
    assert rules(client) == before
    more = msgspec.structs.replace(incus_settings, closed=("192.0.2.78",))
    Place(client, more).ensure()
    assert "192.0.2.78" in rules(client)["egress"][0]["destination"]


def test_images_are_found_by_what_they_are_called(place: Place, client: Client) -> None:
    fingerprint = place.image("ami-host")
    assert place.image("workstation") == fingerprint
    assert client.get(f"/images/{fingerprint}")["fingerprint"] == fingerprint
    with pytest.raises(PermanentError, match="ami-none is not known here; known are") as raised:
        place.image("ami-none")
    assert raised.value.reason is Reason.IMAGE


def test_the_host_has_a_size(place: Place) -> None:
    host = place.host()
    assert host.cpus >= 1
    assert 0 < host.memory_available < host.memory_bytes
    assert host.disk_free > 0
    assert (place.driver(), place.holds_still()) == ("btrfs", True)


def test_the_pool_is_known_before_the_project_is_there(
    incus_daemon: IncusDaemon, incus_settings: IncusSettings
) -> None:
    settings = msgspec.structs.replace(incus_settings, project="not-there-yet")
    with incus_daemon.client(settings.project) as client:
        assert Place(client, settings).driver() == "btrfs"
