"""The operation table with somebody looking on, for tests of what reaches the handlers."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from soundstage.kit.clock import system_clock
from soundstage.resources.operations import OPERATIONS
from soundstage.wire.operation import Operation


class Watch:
    """Looks on at the real operation table: what reaches each row's handler. It can also make the
    handlers fail, and put the service's clock wrong.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.inputs: list[Any] = []
        self.fault: Exception | None = None
        """What every handler raises, when set."""
        self.offset = timedelta()

    def rows(self) -> tuple[Operation, ...]:
        """Give the table with every handler watched."""
        return tuple(
            msgspec.structs.replace(row, handler=self._watched(row.name, row.handler))
            for row in OPERATIONS
        )

    def clock(self) -> datetime:
        return system_clock() + self.offset

    def _watched(self, name: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        def watched(request: Any, given: Any) -> Any:
            self.calls[name] += 1
            self.inputs.append(given)
            if self.fault is not None:
                raise self.fault
            return handler(request, given)

        return watched
