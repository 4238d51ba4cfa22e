"""A studio on three hosts, with two launch profiles: sessions of one stop, of the other move."""

from datetime import timedelta
from typing import Any

import pytest

from soundstage.kit import journal
from soundstage.testing.walks import Studio
from soundstage.testing.world import PERSISTENT, World

MINUTES = timedelta(minutes=1)


class Hosts:
    """What tests do with hosts, in short words."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine = world.engine
        self.engine.host_list = ("n1", "n2", "n3")
        world.service.housekeeping.sweep()
        self.studio = Studio(world)
        self.moving: str = world.profile(
            self.studio.id, name="Moving", evacuatedHostMode="MOVE", **PERSISTENT
        )["launchProfileId"]

    def all(self) -> dict[str, dict[str, Any]]:
        return {each["hostName"]: each for each in self.world.operator.call("ListHosts")["hosts"]}

    def evacuate(self, host: str, **members: Any) -> dict[str, Any]:
        answer = self.world.operator.call("EvacuateHost", hostName=host, **members)
        evacuation: dict[str, Any] = answer["evacuation"]
        return evacuation

    def reopen(self, host: str) -> None:
        self.world.operator.call("ReopenHost", hostName=host)

    def launch_on(self, host: str, profile_id: str = "", number: int = 1) -> list[dict[str, Any]]:
        """Launch so many on one host, by having the others not be there for that long."""
        before, self.engine.host_list = self.engine.host_list, (host,)
        profile_id = profile_id or self.studio.profile_id
        made = [self.world.session(self.studio.id, profile_id) for _ in range(number)]
        self.engine.host_list = before
        return made

    def host_of(self, session: dict[str, Any]) -> str:
        return next(
            name
            for name, host in self.all().items()
            if session["sessionId"] in {each["sessionId"] for each in host["sessions"]}
        )

    def happened(self, host: str) -> list[str]:
        with self.world.service.database.transaction(write=False) as transaction:
            entries = journal.read(transaction, subject=f"host/{host}")
        return [entry.kind.removeprefix("hosts.") for entry in entries]


@pytest.fixture
def hosts(world: World) -> Hosts:
    return Hosts(world)
