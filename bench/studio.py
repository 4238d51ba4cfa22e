"""A service of its own with a studio in it, for measurements through its API.

`api`, `start` and `service` use it. Nothing is left when it ends: no process, no workstation and no
file.
"""

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from soundstage.cli import launch
from soundstage.client.calls import Client
from soundstage.client.errors import CallError
from soundstage.kit.config import Settings
from soundstage.resources.members.service import IDENTITY_STORE_ID
from soundstage.testing.process import ServiceProcess

_LOOK_SECONDS = 1.0
"""How long it may cost that an event was lost, or that something leaves none."""
_MOST_SECONDS = 120.0
_ROLE = "arn:aws:iam::000000000000:role/bench"

Session = dict[str, Any]
Found = TypeVar("Found")


def say(text: str) -> None:
    """Show progress, apart from the tables."""
    print(f"  {text}", file=sys.stderr, flush=True)


class BenchStudio:
    """A running service, a client of its operator, one studio and one launch profile."""

    def __init__(self, engine: str = "sandbox", **settings: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="soundstage-bench-"))
        # Workstations' users pass through here on the way to their homes.
        self._folder.chmod(0o711)
        self.home = self._folder / "home"
        self.home.mkdir(mode=0o711)
        self.process = ServiceProcess(self.home, engine=engine, **settings)
        self.client: Client
        self.where: dict[str, str] = {}
        self._told = threading.Event()
        self._profile: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Start it and make the studio."""
        try:
            self.process.start()
            settings = Settings(home=self.home, port=self.process.port)
            self.client = launch.client_of(settings)
            studio = launch.ensure_studio(self.client, lambda _: None)
            self.where = {"studioId": studio["studioId"]}
            threading.Thread(target=self._hear, name="bench-feed", daemon=True).start()
            profile = launch.ensure_profile(self.client, studio["studioId"], lambda _: None)
            self._profile = {"launchProfileId": profile["launchProfileId"]}
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *given: object) -> None:
        """End everything."""
        try:
            self.process.__exit__()
        except subprocess.CalledProcessError as error:
            raise RuntimeError(f"what was started could not be ended: {error.stderr}") from error
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def another(self, name: str, *principal_ids: str) -> tuple[str, str]:
        """Make one more studio; the ids of it and of a launch profile that these people may use."""
        made = self.client.call(
            "CreateStudio",
            studioName=name,
            displayName=name,
            adminRoleArn=_ROLE,
            userRoleArn=_ROLE,
        )["studio"]
        studio_id = made["studioId"]
        self._settled(lambda: self.client.call("GetStudio", studioId=studio_id)["studio"], "READY")
        profile = launch.ensure_profile(self.client, studio_id, lambda _: None)
        profile_id = profile["launchProfileId"]
        self.client.call(
            "PutLaunchProfileMembers",
            studioId=studio_id,
            launchProfileId=profile_id,
            identityStoreId=IDENTITY_STORE_ID,
            members=[{"principalId": each, "persona": "USER"} for each in principal_ids],
        )
        return studio_id, profile_id

    def create(self, **members: Any) -> Session:
        """Begin a session."""
        return self._call("CreateStreamingSession", **self._profile, **members)

    def start(self, session: Session, backup_id: str | None = None) -> Session:
        """Begin to start a stopped session, from a backup or as it was left."""
        return self._call("StartStreamingSession", **_named(session), backupId=backup_id)

    def stop(self, session: Session) -> Session:
        """Begin to stop a session."""
        return self._call("StopStreamingSession", **_named(session))

    def delete(self, session: Session) -> None:
        """Delete a session and wait until it is gone."""
        self._call("DeleteStreamingSession", **_named(session))
        self.until(session, "DELETED")

    def until(self, session: Session, state: str, *, seconds: float = _MOST_SECONDS) -> Session:
        """Wait until the session is in this state. Raises RuntimeError when it fails."""
        return self._settled(
            lambda: self._call("GetStreamingSession", **_named(session)), state, seconds=seconds
        )

    def until_each(
        self, sessions: Sequence[Session], state: str, *, seconds: float
    ) -> Iterator[Session]:
        """Give each session that has come to this state or failed, when it has. Raises RuntimeError
        when some have done neither in time.

        Their list is asked for, since a call for each would take more of the machine than what they
        wait for.
        """
        awaited = {session["sessionId"] for session in sessions}

        def look() -> list[Session]:
            listed = self.client.pages("ListStreamingSessions", **self.where)
            return [each for each in listed if each["sessionId"] in awaited and _is_at(each, state)]

        deadline = time.monotonic() + seconds
        while awaited:
            what = f"{len(awaited)} sessions to be {state}"
            for found in self._until(look, what, seconds=deadline - time.monotonic()):
                awaited.remove(found["sessionId"])
                yield found

    def keep_prepared(self, number: int) -> None:
        """Have the launch profile keep so many workstations prepared."""
        where = {**self.where, **self._profile}
        found = self.client.call("GetLaunchProfile", **where)["launchProfile"]
        rules = {**found["streamConfiguration"], "warmWorkstations": number}
        self.client.call("UpdateLaunchProfile", **where, streamConfiguration=rules)
        self._settled(
            lambda: self.client.call("GetLaunchProfile", **where)["launchProfile"], "READY"
        )

    def until_prepared(self, number: int) -> None:
        """Wait until so many are ready, and no more are there."""

        def is_filled() -> bool:
            pools = self.client.call("GetStudioCapacity", **self.where)["warmPools"]
            return [pool["ready"] for pool in pools] == ([number] if number else [])

        self._until(is_filled, f"{number} to be prepared")

    def address(self, session: Session) -> str:
        """Open a stream and wait for its address."""
        stream = self._stream("CreateStreamingSessionStream", session, expirationInSeconds=120)
        named = {"streamId": stream["streamId"]}
        found = self._settled(
            lambda: self._stream("GetStreamingSessionStream", session, **named), "READY"
        )
        return str(found["url"])

    def newest_backup(self, session: Session) -> Session:
        """Wait until the newest backup of a session is ready."""
        return self._settled(lambda: self._backups(session)[-1], "READY")

    def home_of(self, session: Session) -> Path:
        """Find the session's home on this host."""
        (found,) = (self.home / "volumes" / str(session["sessionId"])).glob("*/home")
        return found

    def _hear(self) -> None:
        """Follow the studio's events: who asks again and again takes a fifth of a core from the
        start that is waited for, which no command by hand does.
        """
        with suppress(CallError):
            for _ in self.client.follow("ListEvents", **self.where):
                self._told.set()

    def _settled(
        self, ask: Callable[[], Session], state: str, *, seconds: float = _MOST_SECONDS
    ) -> Session:
        """Wait until it has come to this state. Raises RuntimeError when it failed."""

        def look() -> Session | None:
            found = ask()
            return found if _is_at(found, state) else None

        found = self._until(look, f"it to be {state}", seconds=seconds)
        if found["state"] != state:
            raise RuntimeError(f"{found['state']}: {found.get('statusMessage')}")
        return found

    def _until(
        self, look: Callable[[], Found | None], what: str, *, seconds: float = _MOST_SECONDS
    ) -> Found:
        """Look, and again whenever something has happened, until there is something to see. Raises
        RuntimeError when there is nothing in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            self._told.clear()
            found = look()
            if found:
                return found
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what} was waited for in vain")
            self._told.wait(_LOOK_SECONDS)

    def _backups(self, session: Session) -> list[Session]:
        pages = self.client.pages("ListStreamingSessionBackups", **self.where)
        found = [backup for backup in pages if backup["sessionId"] == session["sessionId"]]
        return sorted(found, key=lambda backup: str(backup["createdAt"]))

    def _call(self, operation: str, **members: Any) -> Session:
        session: Session = self.client.call(operation, **self.where, **members)["session"]
        return session

    def _stream(self, operation: str, session: Session, **members: Any) -> Session:
        where = {**self.where, **_named(session)}
        stream: Session = self.client.call(operation, **where, **members)["stream"]
        return stream


def _named(session: Session) -> dict[str, str]:
    return {"sessionId": session["sessionId"]}


def _is_at(found: Session, state: str) -> bool:
    """Reports whether nothing more is to come: it is in this state, or has failed."""
    return bool(found["state"] == state or found["state"].endswith("_FAILED"))
