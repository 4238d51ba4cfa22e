"""A session whose host can be lost."""

from typing import Any

import pytest

from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.resources.sessions import store
from soundstage.testing.walks import Studio
from soundstage.testing.world import PERSISTENT


class Lost:
    """One that is brought up elsewhere after ten minutes, with work that is in no backup yet."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.engine = studio.world.engine
        rules: dict[str, Any] = {**PERSISTENT, "lostHostMoveInMinutes": 10}
        profile = studio.world.profile(studio.id, name="Other", **rules)
        self.session = studio.world.session(studio.id, profile["launchProfileId"])
        self.ref = self.ref_now
        self.engine.write(self.ref, "scene", b"at the backup")
        studio.stop(self.session)
        studio.start(self.session)
        self.engine.write(self.ref, "scene", b"since the backup")

    @property
    def ref_now(self) -> str:
        """What the engine knows its workstation by."""
        with self.studio.world.service.database.transaction(write=False) as transaction:
            found = store.sessions.get(transaction, self.session["sessionId"])
        assert found is not None
        return found.ref

    def scene(self, ref: str | None = None) -> bytes | None:
        """Read what is on its disk."""
        return self.engine.read(ref or self.ref_now, "scene")

    def lose(self) -> None:
        """Have the host of its workstation not answer any more, until the engine is calmed."""
        self.engine.misbehave(Misbehaviour.OUT_OF_REACH, ref=self.ref_now, times=10**6)


@pytest.fixture
def lost(studio: Studio) -> Lost:
    return Lost(studio)
