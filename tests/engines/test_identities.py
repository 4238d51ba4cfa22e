"""Which ids of the host stand for a workstation's users."""

import os

import pytest

from soundstage.engines import identities as module
from soundstage.engines.identities import (
    BLOCK,
    Subordinate,
    identities,
    of_slot,
    own_subordinates,
    subordinate,
)


def outside(rows: list[tuple[int, int, int]]) -> list[int]:
    return [host + n for _, host, count in rows for n in range(count)]


def inside(rows: list[tuple[int, int, int]]) -> list[int]:
    return [first + n for first, _, count in rows for n in range(count)]


def test_a_workstation_has_a_thousand_users_and_nobody() -> None:
    rows = identities(artist=777, artist_group=888, users_from=100_000).users
    assert inside(rows) == [*range(1024), 65_534]
    assert len(set(outside(rows))) == BLOCK + 1


def test_the_artist_is_who_owns_the_home_and_root_is_in_the_block() -> None:
    ids = identities(artist=777, artist_group=888, users_from=100_000, groups_from=200_000)
    assert dict(zip(inside(ids.users), outside(ids.users), strict=True))[1000] == 777
    assert dict(zip(inside(ids.groups), outside(ids.groups), strict=True))[1000] == 888
    assert ids.root == 100_000
    block = set(outside(ids.users)) - {777}
    assert block == set(range(100_000, 100_000 + BLOCK))
    assert min(set(outside(ids.groups)) - {888}) == 200_000


def test_slots_of_an_ordinary_user_do_not_touch_and_come_round() -> None:
    ranges = Subordinate(100_000, 3 * BLOCK + 5), Subordinate(500_000, 65_536)
    made = [of_slot(slot, *ranges) for slot in range(4)]
    own = {os.geteuid()}
    taken = [set(outside(each.users)) - own for each in made]
    assert not taken[0] & taken[1]
    assert not taken[1] & taken[2]
    assert max(taken[2]) < 100_000 + ranges[0].count
    assert made[3] == made[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("artist:100000:65536\n", Subordinate(100_000, 65_536)),
        ("other:1:99999\n4711:200000:2048\n", Subordinate(200_000, 2048)),
        ("artist:1:1024\nartist:9000:4096\n", Subordinate(9000, 4096)),
        ("artist:100000:1000\n", None),
        ("artist:x:y\n# artist\n\n", None),
        ("", None),
    ],
)
def test_the_largest_range_of_the_user_is_found(text: str, found: Subordinate | None) -> None:
    assert subordinate(text, "artist", 4711) == found


def test_who_has_none_is_told_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_read", lambda _: "")
    own_subordinates.cache_clear()
    answer = own_subordinates()
    own_subordinates.cache_clear()
    assert isinstance(answer, str)
    assert "usermod --add-subuids" in answer


def test_who_has_no_program_for_it_is_told_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    own_subordinates.cache_clear()
    answer = own_subordinates()
    own_subordinates.cache_clear()
    assert isinstance(answer, str)
    assert "apt-get install uidmap" in answer
