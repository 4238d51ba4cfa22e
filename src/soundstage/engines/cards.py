"""Which of a host's graphics cards a workstation gets; the rule, without any I/O.

The sizing of each engine asks, with the cards that it found and the names of those that are taken.
"""

from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar


class Card(Protocol):
    """One card, however an engine knows it."""

    @property
    def name(self) -> str: ...

    @property
    def vendor(self) -> str: ...


_C = TypeVar("_C", bound=Card)


def assign(
    cards: Sequence[_C], taken: Collection[str], wanted: int, *, shared: bool = False
) -> list[_C] | None:
    """Choose cards of one vendor that nobody has; None when there are not enough.

    With `shared` cards may be had by several, those with the fewest first.
    """
    counts = {card.name: sum(name == card.name for name in taken) for card in cards}
    free = [card for card in cards if shared or counts[card.name] == 0]
    free.sort(key=lambda card: counts[card.name])
    if wanted == 0:
        return []
    for vendor in dict.fromkeys(card.vendor for card in free):
        chosen = [card for card in free if card.vendor == vendor][:wanted]
        if len(chosen) == wanted:
            return chosen
    return None


def most_of_a_vendor(cards: Sequence[Card]) -> int:
    """How many cards one workstation can have: two drivers in one are more trouble than use."""
    return max((sum(other.vendor == card.vendor for other in cards) for card in cards), default=0)
