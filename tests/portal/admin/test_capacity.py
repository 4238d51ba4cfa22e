"""Capacity and quotas in figures."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from soundstage.engines.interface import RetryableError
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.portal.admin.capacity import gauges_of, tone_of
from soundstage.words.texts import Words

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office

GIB = 1024**3


def test_figures_of_the_machine_and_of_quotas_are_shown(office: "Office") -> None:
    page = office.see("capacity", office.ben).text
    assert "0 workstations have a place on it." in page
    assert "0 of 400" in page
    assert "Workstations of one person" in page
    assert "10 each" in page
    assert "1 of 50" in page


def test_a_pool_is_shown_with_what_it_lacks(office: "Office") -> None:
    call, studio_id = office.world.operator.call, office.studio.id
    assert "Kept prepared" not in office.see("capacity").text
    (profile,) = call("ListLaunchProfiles", studioId=studio_id)["launchProfiles"]
    names = {"studioId": studio_id, "launchProfileId": profile["launchProfileId"]}
    rules = profile["streamConfiguration"]
    try:
        for wanted, shown in ((2, "2 of them are kept prepared"), (1, "1 of them is kept")):
            changed = {**rules, "warmWorkstations": wanted}
            call("UpdateLaunchProfile", **names, streamConfiguration=changed)
            office.world.advance(timedelta(seconds=10))
            page = office.see("capacity").text
            assert shown in page
            assert "Kept prepared" in page
    finally:
        call("UpdateLaunchProfile", **names, streamConfiguration=rules)
        office.world.advance(timedelta(seconds=10))


def test_an_engine_that_can_not_say_says_so(
    office: "Office", monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(engine: SimulatedEngine, *, avoid: list[str]) -> None:
        del engine, avoid
        raise RetryableError("busy")

    monkeypatch.setattr(SimulatedEngine, "room", busy)
    page = office.see("capacity").text
    assert "does not know how large its place is" in page
    assert "1 of 50" in page


def test_what_is_promised_is_not_what_is_used() -> None:
    found = gauges_of(
        Words(),
        {
            "size": {"cpus": 8, "memoryInBytes": 32 * GIB, "gpus": 1},
            "toPromise": {"cpus": 16, "memoryInBytes": 64 * GIB, "gpus": 1},
            "promised": {"cpus": 14, "memoryInBytes": 16 * GIB, "gpus": 1},
            "freeMemoryInBytes": 24 * GIB,
            "freeDiskInBytes": 100 * GIB,
        },
    )
    assert [(each.name, each.text, each.tone) for each in found] == [
        ("Cores promised", "14 of 16", "busy"),
        ("Memory promised", "16.0 GiB of 64.0 GiB", "good"),
        ("Graphics cards promised", "1 of 1", "bad"),
        ("Memory in use now", "8.0 GiB of 32.0 GiB", "good"),
        ("Disk", "100.0 GiB free", "quiet"),
    ]


@pytest.mark.parametrize(
    ("used", "most", "tone"), [(0, 0, "bad"), (0, 1, "good"), (8, 10, "busy"), (10, 10, "bad")]
)
def test_the_colour_says_how_near_the_end_is(used: float, most: float, tone: str) -> None:
    assert tone_of(used, most) == tone
