"""Finds rows of a long list by words and by what state they are in; the lists of `editing` and the
page of `people` show what is left.

What was asked for stands in the address, so that a page can be kept and sent to somebody.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from soundstage.portal.stage import Asked, page_number

_ON_A_PAGE = 50
_LONGEST = 100
"""Characters that are looked for."""
Line = TypeVar("Line")


class Found(msgspec.Struct, Generic[Line], frozen=True, kw_only=True):
    """What is shown of a list, and what was asked for."""

    rows: list[Line]
    find: str
    state: str
    """The group that is shown alone; empty for all."""
    counts: list[tuple[str, int]]
    """The groups that there are of all that has the words, and how many are in each."""
    total: int
    """How many have the words."""
    page: int
    pages: int

    @property
    def is_asked(self) -> bool:
        """Reports whether anything was asked for."""
        return bool(self.find or self.state)

    def at(self, path: str, **changes: str) -> str:
        """Write the address of what was asked for, with changes; of its first page."""
        chosen = {"find": self.find, "state": self.state, **changes}
        query = urlencode({name: value for name, value in chosen.items() if value})
        return f"{path}?{query}" if query else path

    def page_at(self, path: str) -> str:
        """Write the address of a page of it, up to the page's number."""
        here = self.at(path)
        return f"{here}{'&' if '?' in here else '?'}page="


def find(
    lines: Sequence[Line],
    asked: Asked,
    *,
    texts: Callable[[Line], Sequence[str]],
    group: Callable[[Line], str],
    groups: Sequence[str],
) -> Found[Line]:
    """Keep the lines in whose texts every word stands, and of these one group if one was chosen."""
    wanted = asked.query.get("find", "").strip()[:_LONGEST]
    words = wanted.casefold().split()
    fitting = [
        line
        for line in lines
        if all(word in text for text in ["\n".join(texts(line)).casefold()] for word in words)
    ]
    state = asked.query.get("state", "")
    state = state if state in groups else ""
    counted = Counter(map(group, fitting))
    kept = [line for line in fitting if not state or group(line) == state]
    pages = max(1, -(-len(kept) // _ON_A_PAGE))
    page = min(page_number(asked), pages)
    return Found(
        rows=kept[(page - 1) * _ON_A_PAGE : page * _ON_A_PAGE],
        find=wanted,
        state=state,
        counts=[(name, counted[name]) for name in groups if counted[name] or name == state],
        total=len(fitting),
        page=page,
        pages=pages,
    )
