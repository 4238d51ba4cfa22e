"""When Python looks for garbage: not while what is made stays.

`cli.lazy` imports commands so, and `cli.serve` makes the service. The look goes through all that
there is, again and again while it grows, and finds next to none: it took a quarter of the processor
time until the service listens.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_alone() -> Iterator[None]:
    """Look for none while the block lasts, in any thread."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def kept_for_good() -> Iterator[None]:
    """The same, and what is there at the end of the block is never looked at again."""
    with left_alone():
        yield
        gc.freeze()
