"""Which workstations have a place on this host, read from what is on disk.

Asked by `engine.py` under the lock of all starts. A place is the promise in a workstation's record;
it is held by whoever runs or is on the way, and for a while by whoever died and was not told to
stop: a heal comes within seconds and must not find its place taken.
"""

import time

from soundstage.engines.admission import Holding
from soundstage.engines.sandbox.keeping import process
from soundstage.engines.sandbox.keeping.process import Life
from soundstage.engines.sandbox.keeping.records import Record, Records
from soundstage.engines.sandbox.keeping.volumes import Phase, Volumes

KEEPS_PLACE = 120.0
"""As long as one heal may take."""


class Reservations:
    """The places of one installation."""

    def __init__(self, records: Records, volumes: Volumes) -> None:
        self._records = records
        self._volumes = volumes

    def holdings(self) -> dict[str, Holding]:
        """What each workstation that has a place was promised."""
        held = {}
        for ref in self._records.refs():
            record = self._records.read(ref)
            if record is None or record.promise is None:
                continue
            has_place, is_starting = self._judge(ref, record, time.time())
            if has_place:
                held[ref] = Holding(promise=record.promise, is_starting=is_starting)
        return held

    def _judge(self, ref: str, record: Record, now: float) -> tuple[bool, bool]:
        """Whether it has a place, and whether it has yet to take what it was promised."""
        locked = self._records.is_alive(ref)
        status = self._records.status(ref)
        own = status if status is not None and status.attempt == record.spec.attempt else None
        life = process.life_of(status, locked=locked)
        if life in (Life.ALIVE, Life.DYING):
            return True, own is None or not own.ready
        if record.wanted != "running":
            return False, False
        if self._volumes.observe(ref).phase is Phase.PREPARING:
            return True, True
        if own is None:
            died_at = record.asked_at
        elif life is Life.ENDED:
            died_at = own.since
        else:
            # Nobody was there to write down when.
            died_at = self._records.found_lost_at(ref, own.attempt, now)
        return now - died_at < KEEPS_PLACE, True
