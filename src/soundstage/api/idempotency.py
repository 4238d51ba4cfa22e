"""Replays an answer for a repeated client token, so that a retried request happens once.

`app` calls `begin` before a handler and `finish` after it, in the handler's own transaction: the
token and what the operation did are stored together or not at all. A token belongs to a caller, an
operation and a studio, and is remembered for 24 hours; a reconciler calls `purge`.

Requests with one token that arrive together: SQLite's writers come one after the other anyway; on
PostgreSQL the insert of the second waits for the first's commit, fails on the key, and the request
is begun again (`RaceLostError`), to find the stored answer.
"""

import hashlib
from datetime import datetime, timedelta

import msgspec
import sqlalchemy
from sqlalchemy import Column, Connection, Integer, Table, Text, and_

from soundstage.api.exchange import Answer
from soundstage.kit.database import Moment, metadata
from soundstage.wire.faults import ValidationError
from soundstage.wire.shapes import Shape

KEPT_FOR = timedelta(hours=24)

client_tokens = Table(
    "client_tokens",
    metadata,
    Column("principal_id", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("studio_id", Text, primary_key=True),
    Column("token", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("created_at", Moment, nullable=False, index=True),
    Column("status", Integer, nullable=True),
    Column("body", Text, nullable=True),
)


class RaceLostError(Exception):
    """Another request with this token was committed in between; begin the transaction again."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a client token."""

    principal_id: str
    operation: str
    studio_id: str
    """Empty where the path names no studio."""
    token: str
    digest: str
    """Of the input without the token."""


def digest_of(given: Shape) -> str:
    """Digest an input, so that the same parameters can be told from others."""
    document = msgspec.to_builtins(given)
    document.pop("clientToken", None)
    return hashlib.sha256(msgspec.json.encode(document, order="deterministic")).hexdigest()


def begin(transaction: Connection, attempt: Attempt, now: datetime) -> Answer | None:
    """Return the stored answer, or remember the attempt and return None.

    Raises ValidationError when the token was used with other parameters, RaceLostError as above.
    """
    row = transaction.execute(sqlalchemy.select(client_tokens).where(_is(attempt))).first()
    if row is not None and row.created_at > now - KEPT_FOR:
        if row.digest != attempt.digest:
            raise ValidationError(
                "clientToken was used before with other parameters.",
                context={"member": "clientToken"},
            )
        return Answer(status=row.status, body=row.body.encode())
    if row is not None:
        transaction.execute(client_tokens.delete().where(_is(attempt)))
    values = {**msgspec.structs.asdict(attempt), "created_at": now}
    try:
        transaction.execute(client_tokens.insert().values(**values))
    except sqlalchemy.exc.IntegrityError:
        raise RaceLostError from None
    return None


def finish(transaction: Connection, attempt: Attempt, answer: Answer) -> None:
    """Keep the answer that the attempt got."""
    transaction.execute(
        client_tokens.update()
        .where(_is(attempt))
        .values(status=answer.status, body=answer.body.decode())
    )


def purge(transaction: Connection, now: datetime) -> int:
    """Forget tokens older than 24 hours; returns how many."""
    old = client_tokens.c.created_at <= now - KEPT_FOR
    return transaction.execute(client_tokens.delete().where(old)).rowcount


def _is(attempt: Attempt) -> sqlalchemy.ColumnElement[bool]:
    columns = client_tokens.c
    return and_(
        columns.principal_id == attempt.principal_id,
        columns.operation == attempt.operation,
        columns.studio_id == attempt.studio_id,
        columns.token == attempt.token,
    )
