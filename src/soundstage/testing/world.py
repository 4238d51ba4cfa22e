"""A whole service in one process: real doors, database and reconciler, a simulated engine, and time
that is moved by hand. Tests of stories and services use it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx

from soundstage.client.calls import Client
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.kit import structs
from soundstage.kit.config import Settings
from soundstage.resources.members import service as members
from soundstage.resources.operations import OPERATIONS
from soundstage.resources.sessions import service as sessions
from soundstage.testing import powercuts, schema
from soundstage.testing.clock import SettableClock
from soundstage.wiring.home import database_file, prepare_home
from soundstage.wiring.service import Service

ENDPOINT = "http://localhost:8080"
UNTHROTTLED: dict[str, Any] = {
    f"throttle_{what}_per_second": 0 for what in ("reads", "writes", "failures")
}
"""Settings by which everybody may call as often as they like."""


class Inside(httpx.BaseTransport):
    """Carries requests to the world's present service without a network."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        return anyio.run(self._handle, request)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        transport = httpx.ASGITransport(self._world.service.app, raise_app_exceptions=False)
        asked = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            answer = await client.send(asked)
            return httpx.Response(
                answer.status_code, headers=answer.headers, content=await answer.aread()
            )


class World:
    """Everything, under one hand-moved clock."""

    def __init__(self, home: Path, database_url: str = "", **settings: Any) -> None:
        self.clock = SettableClock()
        self.engine = SimulatedEngine(self.clock)
        self.settings = Settings(
            home=home,
            engine="simulated",
            database_url=database_url,
            stream_environment=home / "no-stream-environment",
            # Where time stands still no bucket fills.
            **{**UNTHROTTLED, **settings},
        )
        # The registry does so for engines that it makes itself.
        structs.work_out()
        prepare_home(self.settings)
        if not database_url:
            schema.lay_out(database_file(self.settings))
        self.service = self._start()
        self.operator = self.client(members.OPERATOR)

    def client(self, user: str) -> Client:
        """Make a client that calls as somebody, who is made known if need be."""
        with self.service.database.transaction() as transaction:
            person = members.ensure_person(transaction, user, self.clock())
            key_id, secret = members.ensure_access_key(
                transaction, person, self.service.seal, self.clock()
            )
        return Client(
            ENDPOINT,
            access_key_id=key_id,
            secret_access_key=secret,
            region=self.settings.region,
            operations=OPERATIONS,
            http=httpx.Client(transport=Inside(self), trust_env=False),
            clock=self.clock,
        )

    def principal_id(self, user: str) -> str:
        """Say the principal id of somebody known."""
        with self.service.database.transaction() as transaction:
            return members.ensure_person(transaction, user, self.clock()).id

    def settle(self) -> None:
        """Do everything that is due now."""
        self.service.loop.settle()

    def advance(self, duration: timedelta) -> None:
        """Let time pass, stopping where something is due, but at 200 moments at the most: months
        of looks at a healthy workstation tell nothing new.
        """
        target = self.clock() + duration
        least = duration / 200
        self.settle()
        while (moment := self.service.loop.next_moment()) is not None and moment <= target:
            self.clock.set(min(max(moment, self.clock() + least), target))
            self.settle()
            if self.clock() == target:
                return
        self.clock.set(target)
        self.settle()

    def restart(self) -> None:
        """Go on as a new process does after a kill: same database, same workstations."""
        self.service.close()
        self.service = self._start()

    def studio(self, name: str = "studio") -> dict[str, Any]:
        """Make a studio that is READY."""
        role = "arn:aws:iam::000000000000:role/soundstage"
        studio: dict[str, Any] = self.operator.call(
            "CreateStudio",
            studioName=name,
            displayName="Studio",
            adminRoleArn=role,
            userRoleArn=role,
        )["studio"]
        self.settle()
        return studio

    def profile(self, studio_id: str, **rules: Any) -> dict[str, Any]:
        """Make a launch profile that is READY; `rules` go into its streamConfiguration."""
        image = self.operator.call(
            "CreateStreamingImage", studioId=studio_id, name="Host", ec2ImageId="ami-host"
        )["streamingImage"]
        component = self.operator.call(
            "CreateStudioComponent", studioId=studio_id, name="Basics", type="CUSTOM"
        )["studioComponent"]
        self.settle()
        profile: dict[str, Any] = self.operator.call(
            "CreateLaunchProfile",
            studioId=studio_id,
            name="Workstation",
            ec2SubnetIds=[],
            launchProfileProtocolVersions=["2021-03-31"],
            studioComponentIds=[component["studioComponentId"]],
            streamConfiguration={
                "clipboardMode": "ENABLED",
                "ec2InstanceTypes": ["g4dn.xlarge", "g5.xlarge"],
                "streamingImageIds": [image["streamingImageId"]],
                **rules,
            },
        )["launchProfile"]
        self.settle()
        return profile

    def session(self, studio_id: str, profile_id: str, **members_: Any) -> dict[str, Any]:
        """Launch a session and wait until it is READY."""
        session: dict[str, Any] = self.operator.call(
            "CreateStreamingSession", studioId=studio_id, launchProfileId=profile_id, **members_
        )["session"]
        # As a rule it takes two seconds; half a minute is enough for it to have failed as well.
        for _ in range(30):
            self.advance(timedelta(seconds=1))
            with self.service.database.transaction(write=False) as transaction:
                found = sessions.look_up(transaction, session["sessionId"])
            if found is not None and not found.state.endswith("_IN_PROGRESS"):
                break
        return self.see(session)

    def see(self, session: dict[str, Any]) -> dict[str, Any]:
        """Read a session anew; its studio is the installation's first."""
        studio = next(iter(self.operator.pages("ListStudios")))
        found: dict[str, Any] = self.operator.call(
            "GetStreamingSession", studioId=studio["studioId"], sessionId=session["sessionId"]
        )["session"]
        return found

    def close(self) -> None:
        """Let go of everything."""
        self.service.close()

    def _start(self) -> Service:
        service = Service(self.settings, clock=self.clock, engine=self.engine)
        powercuts.forgo(service.database)
        service.prepare()
        return service


@contextmanager
def world(home: Path, database_url: str = "", **settings: Any) -> Iterator[World]:
    """Make a world, and end it."""
    made = World(home, database_url, **settings)
    try:
        yield made
    finally:
        made.close()


PERSISTENT: dict[str, Any] = {
    "sessionPersistenceMode": "ACTIVATED",
    "sessionBackup": {"mode": "AUTOMATIC", "maxBackupsToRetain": 2},
}
"""The rules of a profile whose sessions can be stopped and are backed up."""
