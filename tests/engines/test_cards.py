"""Which graphics cards a workstation gets."""

import msgspec
import pytest

from soundstage.engines import cards


class Card(msgspec.Struct, frozen=True):
    name: str
    vendor: str


def some(*vendors: str) -> list[Card]:
    return [Card(f"/dev/{n}", vendor) for n, vendor in enumerate(vendors)]


@pytest.mark.parametrize(
    ("vendors", "taken", "wanted", "chosen"),
    [
        (["NVIDIA"], [], 0, []),
        ([], [], 0, []),
        ([], [], 1, None),
        (["NVIDIA", "NVIDIA"], ["/dev/0"], 1, ["/dev/1"]),
        (["NVIDIA", "NVIDIA"], ["/dev/0"], 2, None),
        (["Intel", "NVIDIA", "NVIDIA"], [], 2, ["/dev/1", "/dev/2"]),
        (["Intel", "AMD"], [], 2, None),
    ],
)
def test_cards_are_given_whole_and_of_one_vendor(
    vendors: list[str], taken: list[str], wanted: int, chosen: list[str] | None
) -> None:
    found = cards.assign(some(*vendors), taken, wanted)
    assert (found if found is None else [card.name for card in found]) == chosen


def test_shared_cards_are_given_evenly() -> None:
    found = cards.assign(some("AMD", "AMD"), ["/dev/0", "/dev/0", "/dev/1"], 1, shared=True)
    assert [card.name for card in found or []] == ["/dev/1"]


def test_the_most_of_one_vendor_is_what_a_workstation_can_have() -> None:
    assert cards.most_of_a_vendor(some("Intel", "NVIDIA", "NVIDIA")) == 2
    assert cards.most_of_a_vendor([]) == 0
