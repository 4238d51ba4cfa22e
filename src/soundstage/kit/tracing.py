"""Spans: what took how long, and what it was a part of, for whoever collects traces.

The API's edge, the reconciler and (by `wiring.traces`) the engine say what they do; `hints` says
which request changed a row, so that the steps that follow belong to it. Nothing is told, and
nothing is imported for it, unless the service was started with traces.

A span has names, ids of resources and of requests, and numbers: never a person, a path, a message
or anything that somebody typed.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Tell = Callable[[str, str | int], None]
"""Called within a span with a fact about it, by name and value."""
Spanning = AbstractContextManager[Tell]


class Tracer(Protocol):
    """Keeps spans; a span ends with its block, and one that raises is marked so."""

    def request(self, request_id: str) -> Spanning:
        """Span the answer to a request."""
        ...

    def step(self, noun: str, row_id: str) -> Spanning:
        """Span a step of the reconciler: a part of the request that changed the row last."""
        ...

    def action(self, name: str, ref: str | None) -> Spanning:
        """Span what an engine does: a part of what goes on in this thread."""
        ...

    def caused(self, row_id: str, request_id: str) -> None:
        """Note that a request changed a row, and that steps will follow."""
        ...


class Quiet:
    """Keeps nothing."""

    def request(self, request_id: str) -> Spanning:
        """Do nothing."""
        del request_id
        return _NOTHING

    def step(self, noun: str, row_id: str) -> Spanning:
        """Do nothing."""
        del noun, row_id
        return _NOTHING

    def action(self, name: str, ref: str | None) -> Spanning:
        """Do nothing."""
        del name, ref
        return _NOTHING

    def caused(self, row_id: str, request_id: str) -> None:
        """Do nothing."""


def tell_nobody(name: str, value: str | int) -> None:
    """Tell nothing."""
    del name, value


_NOTHING: Spanning = nullcontext(tell_nobody)
_tracer: Tracer = Quiet()


def tracer() -> Tracer:
    """Give the one of this process."""
    return _tracer


def use(wanted: Tracer) -> None:
    """Have this process use another one; for `wiring.traces`."""
    global _tracer  # noqa: PLW0603 -- one a process, as its log is
    _tracer = wanted
