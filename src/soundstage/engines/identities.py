"""Which ids of the host stand for the users of a workstation; no workstation shares one.

A workstation has a root, the artist and some eleven hundred ids more, of which programs make users
and groups. Those of the host behind them are a block of a thousand that means nothing outside,
with one exception: the artist's own id, who owns the home. Where the service is root that is one
of the installation's; else it is the service's own user, and the block comes from the subordinate
ids that /etc/subuid and /etc/subgid give to it.

Asked by `engine.py` at each start, and by `programs.py` for the rights to read and remove what
other ids own.
"""

import functools
import os
import pwd
import shutil
from pathlib import Path

import msgspec

ARTIST, NOBODY = 1000, 65_534
LAST = 1023
BLOCK = 1024
"""Host ids of a workstation, the artist's left out: 0 to 999, 1001 to 1023, and nobody."""

Row = tuple[int, int, int]
"""The first id inside, the first of the host, and how many, as in /proc/PID/uid_map."""


class Identities(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel, or newuidmap, is told of one workstation."""

    users: list[Row]
    groups: list[Row]

    @property
    def root(self) -> int:
        """Which user of the host the workstation's root is."""
        return self.users[0][1]


class Subordinate(msgspec.Struct, frozen=True):
    """A range of ids that an ordinary user may give to namespaces."""

    first: int
    count: int


def identities(
    *, artist: int, artist_group: int, users_from: int, groups_from: int | None = None
) -> Identities:
    """Lay a block of the host's ids out; `groups_from` is `users_from` where both begin alike."""
    first_group = users_from if groups_from is None else groups_from
    return Identities(users=_rows(users_from, artist), groups=_rows(first_group, artist_group))


def _rows(first: int, artist: int) -> list[Row]:
    return [
        (0, first, ARTIST),
        (ARTIST, artist, 1),
        (ARTIST + 1, first + ARTIST, LAST - ARTIST),
        (NOBODY, first + BLOCK - 1, 1),
    ]


def of_slot(slot: int, users: Subordinate, groups: Subordinate) -> Identities:
    """Lay out a workstation's ids for an ordinary user; slots share blocks when they are many."""
    blocks = min(users.count, groups.count) // BLOCK
    return identities(
        artist=os.geteuid(),
        artist_group=os.getegid(),
        users_from=users.first + BLOCK * (slot % blocks),
        groups_from=groups.first + BLOCK * (slot % blocks),
    )


def subordinate(text: str, name: str, uid: int) -> Subordinate | None:
    """Find the largest range of a user in the text of /etc/subuid or /etc/subgid."""
    found = []
    for line in text.splitlines():
        owner, _, numbers = line.partition(":")
        first, _, count = numbers.partition(":")
        if owner in {name, str(uid)} and first.isdigit() and count.strip().isdigit():
            found.append(Subordinate(int(first), int(count)))
    largest = max(found, key=lambda each: each.count, default=None)
    return largest if largest is not None and largest.count >= BLOCK else None


@functools.cache
def own_subordinates() -> tuple[Subordinate, Subordinate] | str:
    """Read the ranges of the service's own user, or say why there are none and what helps."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user {uid} has no name that /etc/subuid could give ids to"
    if shutil.which("newuidmap") is None or shutil.which("newgidmap") is None:
        return "newuidmap and newgidmap are not installed: apt-get install uidmap"
    ranges = [subordinate(_read(path), name, uid) for path in ("/etc/subuid", "/etc/subgid")]
    users, groups = ranges
    if users is None or groups is None:
        return (
            f"{name} has no {BLOCK} subordinate ids: usermod --add-subuids 100000-165535 "
            f"--add-subgids 100000-165535 {name}, with numbers that no other line of "
            "/etc/subuid and /etc/subgid has"
        )
    return users, groups


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
