"""One request and its answer, free of any web framework, so that a test needs no server.

`middleware` makes the first from what came over the network and sends the second.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from soundstage.api.feed import Feed


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A whole request, its size already limited."""

    request_id: str
    method: str
    raw_path: str
    """Still percent-encoded, as it was sent and signed."""
    query: str = ""
    """Still percent-encoded, without the question mark."""
    headers: tuple[tuple[str, str], ...] = ()
    """Names in lower case, in the order of arrival, repeated names kept."""
    body: bytes = b""
    peer: str = ""
    """The address that the connection came from, which may be a proxy's."""

    def header_values(self, name: str) -> list[str]:
        """All values of a header, named in lower case."""
        return [value for key, value in self.headers if key == name]

    def query_parts(self) -> Iterator[tuple[str, str]]:
        """The query's pairs, still percent-encoded."""
        for pair in self.query.split("&") if self.query else ():
            name, _, value = pair.partition("=")
            yield name, value


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back, and what the log line says besides the obvious."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = {}
    notes: dict[str, Any] = {}
    """Operation, principal and error for the log; never a value from the input."""
    afterwards: Callable[[], "Answer | None"] | None = None
    """What remains to be done before it is sent, outside of all transactions; it may block, and
    may give another answer in place of this one."""
    feed: Feed | None = None
    """What is sent in place of the body."""
