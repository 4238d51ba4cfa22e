"""Keeps the journal honest: every event is linked to the one before by a keyed hash.

`wiring.service` links and prunes once a minute, `soundstage audit verify` verifies. A link is made
with a key of the installation, so who can write to the database and does not have the key can
neither change an event, nor remove or add one, without it being found. What they do to the very
newest events before these are linked, or to the whole end of the chain, is found only by comparing
with a head that somebody kept elsewhere.

Linking is a step of its own, so that a change costs one insert and no reading of the one before.
"""

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table

from soundstage.kit import journal
from soundstage.kit.database import metadata
from soundstage.kit.journal import Entry

links = Table(
    "event_links",
    metadata,
    Column(
        "sequence",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("link", String(64), nullable=False),
)

PRUNED = "audit.PRUNED"
_GENESIS = "0" * 64
_AT_ONCE = 1000
_MOST_FAULTS = 100


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the chain; kept elsewhere, it proves later that nothing before it was changed."""

    sequence: int
    link: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.link}"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the chain."""

    verified: int
    """How many events are what they were when they were linked."""
    not_linked: int
    """How many are too new to be linked."""
    head: Head
    faults: list[str]
    """One sentence for each that is not; the first 100."""


def extend(transaction: Connection, key: bytes, *, through: int) -> int:
    """Link the next events up to a number that `journal.last` gave; how many were linked."""
    end = head(transaction)
    where = [journal.journal.c.sequence > end.sequence, journal.journal.c.sequence <= through]
    order = [journal.journal.c.sequence]
    entries = journal.find(transaction, *where, order=order, limit=_AT_ONCE)
    link, made = end.link, []
    for entry in entries:
        link = _link(key, link, entry)
        made.append({"sequence": entry.sequence, "link": link})
    if made:
        transaction.execute(links.insert(), made)
    return len(made)


def head(transaction: Connection) -> Head:
    """Give the end of the chain."""
    row = transaction.execute(links.select().order_by(links.c.sequence.desc()).limit(1)).first()
    return Head(sequence=0, link=_GENESIS) if row is None else Head(sequence=row[0], link=row[1])


def prune(
    transaction: Connection, *, keep: timedelta, now: datetime, actor: str, most: int = _AT_ONCE
) -> int:
    """Remove up to `most` linked events that are older than `keep`; how many.

    The link of the last one stays, as what the chain begins with, and an event tells of it: without
    that, what is missing at the beginning counts as removed by somebody else.
    """
    column = journal.journal.c.sequence
    end = head(transaction).sequence
    oldest = journal.find(transaction, column <= end, order=[column], limit=most)
    through = 0
    for count, entry in enumerate(oldest, 1):
        if entry.at >= now - keep:
            break
        through, gone = entry.sequence, count
    if not through:
        return 0
    detail = {"through": through}
    subject = "audit/events"
    journal.append(transaction, at=now, kind=PRUNED, subject=subject, actor=actor, detail=detail)
    transaction.execute(links.delete().where(links.c.sequence < through))
    transaction.execute(journal.journal.delete().where(column <= through))
    return gone


def verify(transaction: Connection, key: bytes, *, kept: Head | None = None) -> Verdict:
    """Compare every event with its link, and the chain with a head that was kept elsewhere."""
    faults: list[str] = []
    verified = not_linked = 0
    end = head(transaction)
    before = _GENESIS
    pruned: set[int] = set()
    anchor: int | None = None
    is_kept_there = kept is None or kept == Head(sequence=0, link=_GENESIS)
    is_first = True
    for sequence, link, entry in _pairs(transaction):
        if link is not None and kept is not None and kept.sequence == sequence:
            is_kept_there = hmac.compare_digest(kept.link, link)
        if entry is None and is_first:
            anchor, before = sequence, str(link)
        elif entry is None:
            faults.append(f"Event {sequence} was removed.")
            before = str(link)
        elif link is None and sequence > end.sequence:
            not_linked += 1
        elif link is None:
            faults.append(f"Event {sequence} was added later.")
        else:
            if hmac.compare_digest(_link(key, before, entry), link):
                verified += 1
                if entry.kind == PRUNED:
                    pruned.add(int(entry.detail.get("through", 0)))
            else:
                faults.append(f"Event {sequence} of {entry.at:%Y-%m-%d %H:%M:%S} was changed.")
            before = link
        is_first = False
    if anchor is not None and anchor not in pruned:
        faults.insert(0, f"The events up to {anchor} were removed, and not by their age.")
    if not is_kept_there:
        faults.append(f"The chain has not the head {kept}: its end was cut off or written anew.")
    return Verdict(verified=verified, not_linked=not_linked, head=end, faults=faults[:_MOST_FAULTS])


def _pairs(transaction: Connection) -> Iterator[tuple[int, str | None, Entry | None]]:
    """Give events and links side by side, in order, some at a time."""
    after = 0
    while True:
        entries = {each.sequence: each for each in journal.read(transaction, after=after)}
        found = links.select().where(links.c.sequence > after).order_by(links.c.sequence)
        rows = transaction.execute(found.limit(_AT_ONCE)).all()
        chained: dict[int, str] = {row[0]: row[1] for row in rows}
        ends = [max(each) for each in (entries, chained) if len(each) == _AT_ONCE]
        through = min(ends, default=None)
        for sequence in sorted({*entries, *chained}):
            if through is None or sequence <= through:
                yield sequence, chained.get(sequence), entries.get(sequence)
        if through is None:
            return
        after = through


def _link(key: bytes, before: str, entry: Entry) -> str:
    told: dict[str, Any] = msgspec.to_builtins(entry)
    text = msgspec.json.encode([before, told], order="deterministic")
    return hmac.new(key, text, hashlib.sha256).hexdigest()
