"""Hosts are filled, and lost, as they are told to be."""

from datetime import datetime

import pytest
from tests.engines.simulated.conftest import OTHER, REF, Studio

from soundstage.engines.interface import OutOfReachError, PermanentError, Phase, Reason
from soundstage.engines.simulated.engine import SimulatedEngine


def test_the_place_of_one_that_crashed_is_kept_for_a_while(studio: Studio) -> None:
    engine = studio.engine
    engine.most_workstations = 1
    studio.start()
    studio.wait(3)
    engine.crash(REF)
    with pytest.raises(PermanentError, match="1 fit, and 1 have a place") as raised:
        studio.start(ref=OTHER)
    assert raised.value.reason is Reason.CAPACITY
    assert list(engine.room().workstations) == [REF]
    studio.wait(121)
    studio.start(ref=OTHER)
    assert list(engine.room().workstations) == [OTHER]


def test_where_any_number_fits_a_start_looks_at_no_other_workstation() -> None:
    asked: list[datetime] = []
    studio = Studio()
    studio.engine = SimulatedEngine(lambda: asked.append(studio.now) or studio.now)  # type: ignore[func-returns-value]
    needed = []
    for number in range(50):
        asked.clear()
        studio.start(ref=f"{number:022}")
        needed.append(len(asked))
    assert needed[-1] == needed[0]


def test_who_stops_gives_the_place_away_at_once(studio: Studio) -> None:
    studio.engine.most_workstations = 1
    studio.rest()
    assert studio.engine.room().promised.cpus == 0
    studio.start(ref=OTHER)
    assert studio.engine.room().promised == studio.engine.room().size


def test_a_new_one_goes_to_the_host_with_the_fewest(studio: Studio) -> None:
    engine = studio.engine
    engine.host_list = ("n1", "n2")
    refs = [f"{number:022}" for number in range(4)]
    for ref in refs:
        studio.start(ref=ref)
    assert [engine.observe(ref).host for ref in refs] == ["n1", "n2", "n1", "n2"]
    assert engine.room().promised.cpus == 16
    assert engine.room(avoid=["n2"]).promised.cpus == 8
    assert engine.room(avoid=["n1", "n2"]).to_promise.cpus == 0


def test_a_lost_host_takes_its_own_along(studio: Studio) -> None:
    engine = studio.engine
    engine.host_list = ("n1", "n2")
    studio.start()
    studio.start(ref=OTHER)
    engine.lost_hosts = frozenset({"n1"})
    with pytest.raises(OutOfReachError, match="The host n1"):
        engine.observe(REF)
    assert engine.observe(OTHER).phase is Phase.STARTING
    lost = engine.hosts()[0]
    assert (lost.is_reachable, lost.room, lost.running) == (False, None, {REF})
    assert set(engine.room().workstations) == {OTHER}
