"""The rules of time on real desktops: people are told, then it is stopped or ended, by its profile.

The service runs in this process so that its clock can be moved; the desktop is a real one.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
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


def messages(real: RealWorld, session: dict[str, Any]) -> list[dict[str, Any]]:
    """What the desktop was given to show."""
    path = real.settings.home / "workstations" / session["sessionId"] / "messages.json"
    if not path.exists():
        return []
    given: list[dict[str, Any]] = json.loads(path.read_text())["messages"]
    return given


def shown(real: RealWorld, session: dict[str, Any]) -> list[str]:
    return [message["title"] for message in messages(real, session)]


def told(real: RealWorld, session: dict[str, Any]) -> list[int]:
    """How many seconds before the end each of them was due."""
    return [int(message["key"].rpartition("-")[2]) for message in messages(real, session)]


def launch(real: RealWorld, studio_id: str, **rules: Any) -> dict[str, Any]:
    profile = real.profile(studio_id, **rules)
    session: dict[str, Any] = real.operator.call(
        "CreateStreamingSession", studioId=studio_id, launchProfileId=profile["launchProfileId"]
    )["session"]
    return session


@pytest.mark.timeout(120)
def test_an_idle_desktop_is_told_and_then_stopped(real: RealWorld) -> None:
    studio_id = real.studio()["studioId"]
    session = launch(
        real,
        studio_id,
        sessionPersistenceMode="ACTIVATED",
        idleStopInMinutes=60,
        maxSessionLengthInMinutes=120,
    )
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


@pytest.mark.timeout(180)
def test_desktops_are_told_and_then_stopped_or_ended_as_their_profiles_say(real: RealWorld) -> None:
    studio_id = real.studio()["studioId"]
    rules: list[dict[str, Any]] = [
        {
            "sessionPersistenceMode": "ACTIVATED",
            "automaticTerminationMode": "ACTIVATED",
            "maxStoppedSessionLengthInMinutes": 120,
        },
        {"sessionPersistenceMode": "DEACTIVATED"},
    ]
    both = [launch(real, studio_id, maxSessionLengthInMinutes=60, **each) for each in rules]
    kept, lost = both
    until("both run", lambda: {real.see(each)["state"] for each in both} == {"READY"})
    stream_id = real.operator.call(
        "CreateStreamingSessionStream", studioId=studio_id, sessionId=kept["sessionId"]
    )["stream"]["streamId"]

    end = datetime.fromisoformat(real.see(kept)["stopAt"])
    passed = []
    for before in (15, 5, 1):
        # Both were launched within moments of each other.
        real.ahead += end - before * MINUTE - real.now() + timedelta(seconds=1)
        passed.append(60 * before)
        until("both are told", lambda: [told(real, each) for each in both] == [passed, passed])
        page = anyio.run(real.service.upstreams.countdown, stream_id)
        assert page is not None
        assert 60 * (before - 1) < page.seconds_left <= 60 * before
    assert [message["urgent"] for message in messages(real, kept)] == [False, False, True]
    assert all(title.startswith("This workstation stops in ") for title in shown(real, kept))
    assert all(title.startswith("This workstation ends in ") for title in shown(real, lost))

    real.ahead += 2 * MINUTE
    states = ["STOPPED", "DELETED"]
    until("one stops, one ends", lambda: [real.see(each)["state"] for each in both] == states)
    assert real.sandbox.refs() == {kept["sessionId"]}
    assert real.see(kept)["nextAction"]["rule"] == "MAX_STOPPED_SESSION_LENGTH"
    real.ahead += 121 * MINUTE
    until("it is ended", lambda: real.see(kept)["state"] == "DELETED")
    assert real.sandbox.refs() == set()
