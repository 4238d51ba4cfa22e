"""The operation row: everything the doors must know of one API call.

Each noun's `operations.py` holds its rows, `resources.operations` gathers them into one table, and
routes, permission checks, the command line, the client and the reference page are made from it.

Where a member of the input travels follows from the row and is written nowhere else: a name that
stands in `path` is in the path; `client_token` is the header `X-Amz-Client-Token`; the others are
in the query of GET and DELETE and in the JSON body of POST, PATCH and PUT. That holds for all 49
operations of the public model (architecture test).
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from soundstage.wire.shapes import Shape

BASE_PATH = "/2020-08-01"
TOKEN_HEADER = "X-Amz-Client-Token"  # noqa: S105 - a header's name


class Grant(StrEnum):
    """When a caller of one kind may run an operation."""

    NEVER = "never"
    ALWAYS = "always"
    OWNER = "owner"
    """When the session, stream or backup that the path names is the caller's own."""
    OWN_LIST = "own-list"
    """When the query's `ownedBy` or `principalId` is the caller's own id."""
    MEMBER = "member"
    """When the caller is a member of the launch profile in the path or body."""


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """Who may run an operation; the account's operator always may."""

    administrator: Grant
    user: Grant


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What is new in a list that somebody follows."""

    last_id: str
    """Where to go on."""
    items: list[tuple[str, bytes]] = []
    """Each with its id, oldest first."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    """The public name, `CreateStreamingSession`."""
    method: str
    path: str
    """After the base path, with labels as the public model writes them: `/studios/{studioId}`."""
    input: type[Shape]
    output: type[Shape]
    permission: Permission
    handler: Callable[..., Any]
    """`handler(request: Request, input) -> output`; see `resources.request`."""
    status: int = 200
    paginates: str | None = None
    """The output's member that holds the items, for lists that come in pages."""
    follow: Callable[..., "News"] | None = None
    """`follow(request, input, last_id) -> News`, for lists that can be followed as a stream of
    server-sent events; with None it says only where the stream begins.
    """
    asks_engine: bool = False
    """Reports whether its handler asks the engine, which may take seconds to answer."""
    names_host: bool = False
    """Reports whether its path names a host. Where that is refused, the engine is asked for the
    hosts that there are by now, and the operation once more.
    """

    @property
    def is_read(self) -> bool:
        """Reports whether running it changes nothing."""
        return self.method == "GET"

    @property
    def labels(self) -> tuple[str, ...]:
        """The path's labels in order, as the wire names them."""
        return tuple(re.findall(r"{(\w+)}", self.path))
