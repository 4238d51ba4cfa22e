"""The rules of time on a real desktop: people are told, work keeps it awake, then it stops.

The service runs in this process so that its clock can be moved; the desktop is a real one.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from soundstage.engines import registry
from soundstage.engines.interface import Engine, RetryableError
from soundstage.engines.sandbox.engine import SandboxEngine
from soundstage.kit.clock import system_clock
from soundstage.kit.config import Settings
from soundstage.resources.members import service as members
from soundstage.testing.whole import until
from soundstage.testing.world import World
from soundstage.wiring.service import Service

MINUTE = timedelta(minutes=1)


class RealWorld(World):
    """A world with real workstations, whose time runs by itself and can be put forward."""

    def __init__(self, home: Path) -> None:
        self.ahead = timedelta(0)
        self.settings = Settings(home=home, engine="sandbox")
        real = registry.make(self.settings, self.now)
        assert isinstance(real, SandboxEngine)
        self.sandbox: Engine = real
        self.clock: Callable[[], datetime] = self.now  # type: ignore[assignment]
        self.service = Service(self.settings, clock=self.now, engine=real)
        self.service.prepare()
        self.service.loop.start()
        self.operator = self.client(members.OPERATOR)

    def now(self) -> datetime:
        return system_clock() + self.ahead

    def settle(self) -> None:
        """The loop runs by itself; what is only made once is done in a moment."""

        def is_done() -> bool:
            (studio,) = self.operator.pages("ListStudios")
            where = {"studioId": studio["studioId"]}
            lists = ("ListStudioComponents", "ListStreamingImages", "ListLaunchProfiles")
            made = [each for name in lists for each in self.operator.pages(name, **where)]
            return all(each["state"] == "READY" for each in [studio, *made])

        until("all is READY", is_done)

    def close(self) -> None:
        self.service.loop.stop()

        def is_clean() -> bool:
            for ref in self.sandbox.refs():
                try:
                    self.sandbox.ensure_absent(ref)
                except RetryableError:
                    return False
            return not self.sandbox.refs()

        until("all workstations are gone", is_clean)
        super().close()


@pytest.fixture
def real(home: Path) -> Iterator[RealWorld]:
    made = RealWorld(home)
    yield made
    made.close()


def shown(real: RealWorld, session: dict[str, Any]) -> list[str]:
    """The titles of what the desktop was given to show."""
    path = real.settings.home / "workstations" / session["sessionId"] / "messages.json"
    if not path.exists():
        return []
    return [message["title"] for message in json.loads(path.read_text())["messages"]]


@pytest.mark.timeout(120)
def test_an_idle_desktop_is_told_and_then_stopped(real: RealWorld) -> None:
    studio_id = real.studio()["studioId"]
    profile = real.profile(
        studio_id,
        sessionPersistenceMode="ACTIVATED",
        idleStopInMinutes=60,
        maxSessionLengthInMinutes=120,
    )
    session = real.operator.call(
        "CreateStreamingSession", studioId=studio_id, launchProfileId=profile["launchProfileId"]
    )["session"]
    until("it runs", lambda: real.see(session)["state"] == "READY")
    assert real.see(session)["nextAction"]["rule"] == "IDLE"

    real.ahead += 57 * MINUTE
    until("its end is announced", lambda: shown(real, session))
    (title,) = shown(real, session)
    assert title == "This workstation stops in 3 minutes"
    assert real.see(session)["state"] == "READY"

    real.ahead += 4 * MINUTE
    until("it is stopped", lambda: real.see(session)["state"] == "STOPPED")
    seen = real.see(session)
    assert seen["stoppedBy"] == "soundstage"
    assert "nextAction" not in seen
