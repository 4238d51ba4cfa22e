"""A lost host is known as such by its first workstation that is looked at, and then by all."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.connection import (
    NO_QUERY,
    AwayError,
    NotFoundError,
    Query,
    SlowError,
    Target,
)
from soundstage.engines.incus.instances import Workstations
from soundstage.engines.incus.lost import Lost
from soundstage.engines.incus.names import instance_of
from soundstage.engines.incus.reach import LIST_SECONDS, PATIENCE, Reach
from soundstage.engines.incus.records import kept
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import OutOfReachError, RetryableError, Spec, Volume
from soundstage.engines.keeping import Wish

SPEC = Spec(image="ami-host", instance_type="g4dn.xlarge", volume=Volume(size_gib=1), attempt=1)
FACTS = kept(record=Wish(spec=SPEC, wanted="running", asked_at=1.0))
HERE, THERE, ALSO_THERE = "a" * 22, "b" * 22, "c" * 22


class Cut(Client):
    """A cluster of two, of which `n2` may be cut off: what it would have to answer is never
    answered, and it is known to be lost, or not yet.
    """

    def __init__(self) -> None:
        self.hosts = {HERE: "n1", THERE: "n2", ALSO_THERE: "n2"}
        self.is_cut = False
        self.is_refused = False
        """Whoever connects to it hears at once that nobody is there."""
        self.is_without_leader = False
        self.status = "Online"
        self.reached = {"https://n1:8443", "https://n2:8443"}
        """Where connections are taken."""
        self.asked: list[str] = []
        self.now = 0.0

    def get(self, path: str, query: Query = NO_QUERY, *, within: float | None = None) -> Any:
        del query
        if self.is_cut:
            # What any member answers by itself is no other's fault.
            known = {"/cluster/members": None, "/instances": LIST_SECONDS}
            assert within == known.get(path, PATIENCE)
        self.asked.append(path)
        if self.is_without_leader:
            self.now += 8
            raise AwayError("Incus does not answer: The read operation timed out")
        if path == "/cluster/members":
            return [
                {"server_name": "n1", "status": "Online", "url": "https://n1:8443"},
                {"server_name": "n2", "status": self.status, "url": "https://n2:8443"},
            ]
        is_known = self.status != "Online"
        if path == "/instances":
            if self.is_cut and not is_known and not self.is_refused:
                raise SlowError("Incus does not answer within 6 s")
            return [self.instance(ref, is_listed=True) for ref in self.hosts]
        for ref, host in self.hosts.items():
            if path == f"/instances/{instance_of(ref)}":
                if host == "n2" and self.is_cut:
                    # Also where it is known to be lost.
                    raise SlowError("Incus does not answer within 6 s")
                return self.instance(ref)
        raise NotFoundError(path)

    def instance(self, ref: str, *, is_listed: bool = False) -> dict[str, Any]:
        host = self.hosts[ref]
        if is_listed and self.is_cut and host == "n2":
            return {"name": instance_of(ref), "location": host, "status": "Error", "config": None}
        return {
            "name": instance_of(ref),
            "location": host,
            "status": "Running",
            "config": FACTS,
        }


@pytest.fixture
def cluster() -> Cut:
    return Cut()


@pytest.fixture
def workstations(cluster: Cut, tmp_path: Path) -> Workstations:
    target = Target(addresses=(str(tmp_path / "nobody"),))
    reach = Reach(
        cluster, clock=lambda: cluster.now, takes=lambda address: address in cluster.reached
    )
    lost = Lost(cluster, IncusSettings(home=tmp_path, target=target))
    return Workstations(cluster, lost, reach=reach)


def asks(cluster: Cut, look: Callable[[], object]) -> list[str]:
    """What is asked while somebody looks a second later; the look may be in vain."""
    cluster.asked.clear()
    cluster.now += 1
    try:
        look()
    except RetryableError as error:
        return [*cluster.asked, type(error).__name__]
    return cluster.asked[:]


def test_all_of_a_lost_host_are_told_without_another_word_to_it(
    cluster: Cut, workstations: Workstations
) -> None:
    for ref in cluster.hosts:
        assert workstations.read(ref) is not None
    cluster.is_cut, cluster.status = True, "Offline"
    cluster.now += 1
    with pytest.raises(OutOfReachError, match="The host n2 of the workstation does not answer"):
        workstations.read(THERE)
    for ref in (THERE, ALSO_THERE):
        assert asks(cluster, partial(workstations.read, ref)) == [
            "/cluster/members",
            "OutOfReachError",
        ]
    # Many who look at once ask once.
    cluster.asked.clear()
    for ref in (THERE, ALSO_THERE):
        with pytest.raises(OutOfReachError):
            workstations.read(ref)
    assert cluster.asked == []
    # Nobody asks about what answers.
    path = f"/instances/{instance_of(HERE)}"
    assert asks(cluster, lambda: workstations.read(HERE)) == [path]


def test_one_that_is_not_known_to_be_lost_is_asked_until_it_is(
    cluster: Cut, workstations: Workstations
) -> None:
    assert workstations.read(THERE) is not None
    cluster.is_cut = True
    path = f"/instances/{instance_of(THERE)}"
    # The list waits for the host as well.
    assert asks(cluster, lambda: workstations.read(THERE)) == [
        path,
        "/cluster/members",
        "/instances",
        "SlowError",
    ]
    cluster.status = "Offline"
    told = ["/cluster/members", "OutOfReachError"]
    assert asks(cluster, lambda: workstations.read(THERE)) == told


def test_one_that_becomes_known_during_a_look_is_told_by_it(
    cluster: Cut, workstations: Workstations
) -> None:
    assert workstations.read(THERE) is not None
    cluster.is_cut = True
    asked = cluster.get

    def waited_for(path: str, query: Query = NO_QUERY, *, within: float | None = None) -> Any:
        if path.startswith("/instances/"):
            cluster.status = "Offline"
        return asked(path, query, within=within)

    cluster.get = waited_for  # type: ignore[method-assign]  # Of this one alone.
    told = [f"/instances/{instance_of(THERE)}", "/cluster/members", "OutOfReachError"]
    assert asks(cluster, lambda: workstations.read(THERE)) == told


def test_one_whose_incus_alone_has_ended_is_told_by_the_others_at_once(
    cluster: Cut, workstations: Workstations
) -> None:
    assert workstations.read(THERE) is not None
    cluster.is_cut = cluster.is_refused = True
    path = f"/instances/{instance_of(THERE)}"
    told = [path, "/cluster/members", "/instances", "OutOfReachError"]
    assert asks(cluster, lambda: workstations.read(THERE)) == told
    # And for a while there is nothing to ask, for whoever is on it.
    for ref in (THERE, ALSO_THERE):
        assert asks(cluster, partial(workstations.read, ref)) == ["OutOfReachError"]
    cluster.is_cut = False
    cluster.now += 5
    assert asks(cluster, lambda: workstations.read(THERE)) == ["/cluster/members", path]


def test_a_service_that_starts_while_a_host_is_lost_learns_whose_it_is(
    cluster: Cut, workstations: Workstations
) -> None:
    cluster.is_cut, cluster.status = True, "Offline"
    with pytest.raises(OutOfReachError):
        workstations.read(THERE)
    assert asks(cluster, lambda: workstations.read(ALSO_THERE)) == ["OutOfReachError"]


def test_who_was_only_listed_is_known_as_well(cluster: Cut, workstations: Workstations) -> None:
    assert {each.ref for each in workstations.all()} == set(cluster.hosts)
    cluster.is_cut, cluster.status = True, "Offline"
    cluster.now += 1
    path = f"/instances/{instance_of(THERE)}"
    told = [path, "/cluster/members", "OutOfReachError"]
    assert asks(cluster, lambda: workstations.read(THERE)) == told
    told = ["/cluster/members", "OutOfReachError"]
    assert asks(cluster, lambda: workstations.read(ALSO_THERE)) == told


def test_one_that_is_back_is_asked_as_before(cluster: Cut, workstations: Workstations) -> None:
    assert workstations.read(THERE) is not None
    cluster.is_cut, cluster.status = True, "Offline"
    cluster.now += 1
    with pytest.raises(OutOfReachError):
        workstations.read(THERE)
    cluster.is_cut, cluster.status = False, "Online"
    path = f"/instances/{instance_of(THERE)}"
    assert asks(cluster, lambda: workstations.read(THERE)) == ["/cluster/members", path]
    assert asks(cluster, lambda: workstations.read(THERE)) == [path]


def test_one_that_was_evacuated_at_incus_and_is_off_is_lost_as_well(
    cluster: Cut, workstations: Workstations
) -> None:
    assert workstations.read(THERE) is not None
    cluster.is_cut, cluster.status = True, "Evacuated"
    with pytest.raises(OutOfReachError):
        workstations.read(THERE)
    assert asks(cluster, lambda: workstations.read(ALSO_THERE))[-1] == "OutOfReachError"


def test_one_workstation_in_trouble_is_no_lost_host(
    cluster: Cut, workstations: Workstations
) -> None:
    def in_trouble(path: str, query: Query = NO_QUERY, *, within: float | None = None) -> Any:
        del query, within
        if path == "/cluster/members":
            return [{"server_name": "n2", "status": "Online", "url": "https://n2:8443"}]
        found = {**cluster.instance(THERE), "status": "Error"}
        if path == "/instances":
            return [found]
        raise RetryableError("Incus: it is busy")

    cluster.get = in_trouble  # type: ignore[method-assign]  # Of this one alone.
    with pytest.raises(RetryableError, match="it is busy"):
        workstations.read(THERE)


def test_what_is_gone_is_not_looked_for_on_a_host(cluster: Cut, workstations: Workstations) -> None:
    cluster.is_cut, cluster.status = True, "Offline"
    with pytest.raises(OutOfReachError):
        workstations.read(THERE)
    cluster.hosts.pop(THERE)
    cluster.status = "Online"
    cluster.now += 5
    assert workstations.read(THERE) is None
    cluster.status = "Offline"
    path = f"/instances/{instance_of(THERE)}"
    assert asks(cluster, lambda: workstations.read(THERE)) == [path]


def test_where_there_is_no_cluster_nobody_asks_for_its_members(
    cluster: Cut, workstations: Workstations
) -> None:
    cluster.hosts = {HERE: "none"}
    assert workstations.read(HERE) is not None

    def away(path: str, query: Query = NO_QUERY, *, within: float | None = None) -> Any:
        del query, within
        cluster.asked.append(path)
        raise AwayError("Incus does not answer: [Errno 111] Connection refused")

    cluster.get = away  # type: ignore[method-assign]  # Of this one alone.
    path = f"/instances/{instance_of(HERE)}"
    for _ in range(2):
        assert asks(cluster, lambda: workstations.read(HERE)) == [path, "/instances", "AwayError"]


def test_the_host_of_the_leader_is_told_while_nobody_leads(
    cluster: Cut, workstations: Workstations
) -> None:
    for ref in cluster.hosts:
        assert workstations.read(ref) is not None
    cluster.is_without_leader = True
    cluster.reached = {"https://n1:8443"}
    path = f"/instances/{instance_of(THERE)}"
    told = [path, "/cluster/members", "OutOfReachError"]
    assert asks(cluster, lambda: workstations.read(THERE)) == told
    assert asks(cluster, lambda: workstations.read(ALSO_THERE)) == ["OutOfReachError"]
    # Of the others nothing is known, and so nothing is said.
    path = f"/instances/{instance_of(HERE)}"
    silence = [path, "/cluster/members", "AwayError"]
    assert asks(cluster, lambda: workstations.read(HERE)) == silence


@pytest.mark.parametrize("reached", [set(), {"https://n1:8443", "https://n2:8443"}])
def test_where_nobody_is_reached_or_all_are_no_host_is_lost(
    cluster: Cut, workstations: Workstations, reached: set[str]
) -> None:
    assert workstations.read(THERE) is not None
    cluster.is_without_leader = True
    cluster.reached = reached
    for _ in range(3):
        assert asks(cluster, lambda: workstations.read(THERE))[-1] == "AwayError"


def test_one_silent_moment_is_no_loss(cluster: Cut, workstations: Workstations) -> None:
    assert workstations.read(THERE) is not None
    cluster.now += 1
    asked = cluster.get

    def refused(path: str, query: Query = NO_QUERY, *, within: float | None = None) -> Any:
        asked(path, query, within=within)
        raise AwayError("Incus: no available cowsql leader server")

    cluster.get = refused  # type: ignore[method-assign]  # Of this one alone.
    cluster.reached = {"https://n1:8443"}
    path = f"/instances/{instance_of(THERE)}"
    assert asks(cluster, lambda: workstations.read(THERE)) == [
        path,
        "/cluster/members",
        "AwayError",
    ]
