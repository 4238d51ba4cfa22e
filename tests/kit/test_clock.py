"""The system's clock tells aware moments in UTC."""

import time
from datetime import timedelta

from soundstage.kit.clock import system_clock


def test_it_is_the_operating_system_s_time_in_utc() -> None:
    before = time.time()
    told = system_clock()
    assert before <= told.timestamp() <= time.time()
    assert told.utcoffset() == timedelta(0)
