"""Replays an answer for a repeated client token, so that a retried request happens once.

`app` calls `begin` before a handler and `finish` after it, in the handler's own transaction: the
token and what the operation did are stored together or not at all. A token belongs to a caller, an
operation and a studio, and is remembered for 24 hours; a reconciler calls `purge`.

Requests with one token that arrive together: SQLite's writers come one after the other anyway; on
PostgreSQL the insert of the second waits for the end of the first, and inserts nothing where that
was committed.
"""

import hashlib
from datetime import datetime, timedelta

import msgspec
import sqlalchemy
from sqlalchemy import Column, Connection, Table, Text, and_, bindparam
from sqlalchemy.dialects import postgresql

from soundstage.api.exchange import Answer
from soundstage.kit.database import Moment, metadata
from soundstage.kit.prepared import Prepared, PreparedChange
from soundstage.kit.sealed import Sealed
from soundstage.wire.codes import Code
from soundstage.wire.faults import ValidationError
from soundstage.wire.shapes import Shape

KEPT_FOR = timedelta(hours=24)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a request."""

    digest: str
    status: int
    body: str


client_tokens = Table(
    "client_tokens",
    metadata,
    Column("principal_id", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("studio_id", Text, primary_key=True),
    Column("token", Text, primary_key=True),
    Column("created_at", Moment, nullable=False, index=True),
    # Empty only within the transaction that remembers the attempt. What was asked for and answered
    # may be a secret, and short ones could be guessed from their digest.
    Column("kept", Sealed(Kept), nullable=True),
)


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

    Raises ValidationError when the token was used with other parameters.
    """
    key = _key_of(attempt)
    while not _REMEMBER.run(transaction, key | {"remembered_at": now}):
        row = _FIND.first(transaction, **key)
        if row is not None and row[1] > now - KEPT_FOR:
            return _answer_of(row[0], attempt)
        _FORGET.run(transaction, key)
    return None


def _answer_of(kept: Kept, attempt: Attempt) -> Answer:
    if kept.digest != attempt.digest:
        raise ValidationError(
            "clientToken was used before with other parameters.",
            code=Code.TOKEN_USED,
            context={"member": "clientToken"},
        )
    return Answer(status=kept.status, body=kept.body.encode())


def finish(transaction: Connection, attempt: Attempt, answer: Answer) -> None:
    """Keep the answer that the attempt got."""
    kept = Kept(digest=attempt.digest, status=answer.status, body=answer.body.decode())
    _FINISH.run(transaction, _key_of(attempt) | {"to_keep": kept})


def purge(transaction: Connection, now: datetime) -> int:
    """Forget tokens older than 24 hours; returns how many."""
    old = client_tokens.c.created_at <= now - KEPT_FOR
    return transaction.execute(client_tokens.delete().where(old)).rowcount


def _key_of(attempt: Attempt) -> dict[str, str]:
    return {
        "of_principal": attempt.principal_id,
        "of_operation": attempt.operation,
        "of_studio": attempt.studio_id,
        "of_token": attempt.token,
    }


_columns = client_tokens.c
_IS_IT = and_(
    _columns.principal_id == bindparam("of_principal"),
    _columns.operation == bindparam("of_operation"),
    _columns.studio_id == bindparam("of_studio"),
    _columns.token == bindparam("of_token"),
)
_FIND = Prepared(sqlalchemy.select(_columns.kept, _columns.created_at).where(_IS_IT))
# SQLite's words for it are the same as PostgreSQL's.
_REMEMBER = PreparedChange(
    postgresql.insert(client_tokens)
    .values(
        principal_id=bindparam("of_principal"),
        operation=bindparam("of_operation"),
        studio_id=bindparam("of_studio"),
        token=bindparam("of_token"),
        created_at=bindparam("remembered_at"),
    )
    .on_conflict_do_nothing()
)
_FINISH = PreparedChange(client_tokens.update().where(_IS_IT).values(kept=bindparam("to_keep")))
_FORGET = PreparedChange(client_tokens.delete().where(_IS_IT))
