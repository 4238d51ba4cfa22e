"""Works out what structs hold before threads need to know it.

`engines.registry` calls this when all is imported, the engine included, and no thread is there yet;
tests that bring an engine of their own call it themselves. msgspec works out a struct's fields when
it is first asked for one, and keeps the result on the struct before it is whole: a second thread
that asks in that moment reads what is not there yet, and the process dies of SIGSEGV (msgspec
0.22.0; `tests/kit/test_structs.py` shows it, and fails when that is mended and this module can go).
"""

import contextlib
from collections.abc import Iterator

import msgspec


def work_out() -> None:
    """Have every struct that was imported so far known to msgspec; safe to repeat."""
    for kind in _below(msgspec.Struct):
        # One that holds what no document can say is never read from one.
        with contextlib.suppress(TypeError):
            msgspec.json.Decoder(kind)


def _below(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)
