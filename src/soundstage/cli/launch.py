"""Launches a workstation through the API, step by step, for `run` and `open`.

It prepares what a first studio needs: one studio, image, component and launch profile, found by
their names, so that doing it again finds what is there.
"""

import ssl
import time
from collections.abc import Callable, Container, Iterable
from functools import cached_property
from typing import Any

from soundstage.cli.env import credentials
from soundstage.client.calls import CallError, Client
from soundstage.kit.config import Settings
from soundstage.resources.members.service import OPERATOR
from soundstage.resources.operations import OPERATIONS
from soundstage.wire import arn
from soundstage.wiring import reaching

Tell = Callable[[str], None]
"""Shows what a step is doing just now."""

_NAME = "soundstage"
_IMAGE = "ami-host"
_PROFILE = "Artist workstation"
_ADDRESS_SECONDS = 3600
_POLL_SECONDS = 0.1
_SETTLE_SECONDS = 60.0
_START_SECONDS = 600.0
_WORKING = {"READY", "CREATE_IN_PROGRESS", "START_IN_PROGRESS"}
_STARTABLE = {"STOPPED", "START_FAILED"}
_STOPPING = {"STOP_IN_PROGRESS"}


class OwnClient(Client):
    """A client that knows whose workstations are its caller's own."""

    def __init__(
        self,
        address: str,
        *,
        access_key_id: str,
        secret_access_key: str,
        region: str,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(
            address,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            region=region,
            operations=OPERATIONS,
            trust=trust,
        )
        self.address = address
        self.access_key_id = access_key_id
        self.trust = trust

    @cached_property
    def caller(self) -> dict[str, Any]:
        """Who is calling, and which studios are theirs, as the service says it."""
        return self.call("GetCaller")

    @property
    def principal_id(self) -> str:
        """The caller's id, by which people own what they launch."""
        return str(self.caller["principalId"])

    def own_sessions(self, studio_id: str) -> list[dict[str, Any]]:
        """List the caller's sessions, oldest first; an operator would be shown everybody's."""
        owner = self.principal_id
        return list(self.pages("ListStreamingSessions", studioId=studio_id, ownedBy=owner))


def client_of(settings: Settings, user: str = OPERATOR) -> OwnClient:
    """Make a client that calls the service of these settings as somebody."""
    key = credentials(settings, user)
    return OwnClient(
        reaching.local_address(settings),
        access_key_id=key.id,
        secret_access_key=key.secret,
        region=settings.region,
        trust=reaching.trust_of(settings),
    )


def ensure_studio(client: Client, tell: Tell) -> dict[str, Any]:
    """Find the first studio, or make one."""
    made = _found(client.pages("ListStudios"))
    if made is None:
        tell("making a studio")
        made = client.call(
            "CreateStudio",
            studioName=_NAME,
            displayName="Soundstage",
            adminRoleArn=arn.ANY_ROLE,
            userRoleArn=arn.ANY_ROLE,
        )["studio"]
    return _settled(client, "GetStudio", "studio", {"studioId": made["studioId"]})


def ensure_profile(client: Client, studio_id: str, tell: Tell) -> dict[str, Any]:
    """Find the launch profile, or make it and what it needs."""
    profile = _found(client.pages("ListLaunchProfiles", studioId=studio_id), name=_PROFILE)
    if profile is None:
        profile = _make_profile(client, studio_id, tell)
    where = {"studioId": studio_id, "launchProfileId": profile["launchProfileId"]}
    return _settled(client, "GetLaunchProfile", "launchProfile", where)


def ensure_workstation(
    client: OwnClient, studio_id: str, profile_id: str, tell: Tell
) -> dict[str, Any]:
    """Find the caller's workstation that runs, start a stopped one, or launch one; and wait."""
    sessions = [
        session
        for session in client.own_sessions(studio_id)
        if session["launchProfileId"] == profile_id
    ]
    session = _first(sessions, _WORKING)
    if session is None:
        session = _first(sessions, _STARTABLE) or _first(sessions, _STOPPING)
        if session is not None:
            where = {"studioId": studio_id, "sessionId": session["sessionId"]}
            _settled(client, "GetStreamingSession", "session", where, tell=tell, to=_STARTABLE)
            session = client.call("StartStreamingSession", **where)["session"]
    if session is None:
        session = client.call(
            "CreateStreamingSession", studioId=studio_id, launchProfileId=profile_id
        )["session"]
    where = {"studioId": studio_id, "sessionId": session["sessionId"]}
    return _settled(
        client, "GetStreamingSession", "session", where, tell=tell, seconds=_START_SECONDS
    )


def new_address(client: Client, studio_id: str, session_id: str) -> str:
    """Open a stream and give the address that opens it once, within the hour."""
    where = {"studioId": studio_id, "sessionId": session_id}
    stream = client.call(
        "CreateStreamingSessionStream", **where, expirationInSeconds=_ADDRESS_SECONDS
    )["stream"]
    where |= {"streamId": stream["streamId"]}
    url: str = _settled(client, "GetStreamingSessionStream", "stream", where)["url"]
    return url


def fresh_address(client: OwnClient) -> str:
    """Give a new address of the caller's first workstation that runs.

    Raises CallError if none does.
    """
    for studio in client.pages("ListStudios"):
        for session in client.own_sessions(studio["studioId"]):
            if session["state"] == "READY":
                return new_address(client, studio["studioId"], session["sessionId"])
    raise CallError("NotRunning", 0, "No workstation is running. `make run` launches one.")


def _make_profile(client: Client, studio_id: str, tell: Tell) -> dict[str, Any]:
    tell("making an image")
    image = _ensure_image(client, studio_id)
    tell("making a component")
    component = client.call(
        "CreateStudioComponent", studioId=studio_id, name="Workstation basics", type="CUSTOM"
    )["studioComponent"]
    where = {"studioId": studio_id, "studioComponentId": component["studioComponentId"]}
    component = _settled(client, "GetStudioComponent", "studioComponent", where)
    tell("making a launch profile")
    profile: dict[str, Any] = client.call(
        "CreateLaunchProfile",
        studioId=studio_id,
        name=_PROFILE,
        description="A Linux desktop with the creative software of this machine.",
        ec2SubnetIds=[],
        launchProfileProtocolVersions=["2021-03-31"],
        studioComponentIds=[component["studioComponentId"]],
        streamConfiguration={
            "clipboardMode": "ENABLED",
            "ec2InstanceTypes": ["g4dn.xlarge"],
            "streamingImageIds": [image["streamingImageId"]],
            "sessionPersistenceMode": "ACTIVATED",
            "sessionBackup": {"mode": "AUTOMATIC", "maxBackupsToRetain": 5},
        },
    )["launchProfile"]
    return profile


def _ensure_image(client: Client, studio_id: str) -> dict[str, Any]:
    images = client.pages("ListStreamingImages", studioId=studio_id)
    image = _found(images, ec2ImageId=_IMAGE)
    if image is None:
        image = client.call(
            "CreateStreamingImage",
            studioId=studio_id,
            name="This machine",
            description="The software that is installed on the machine itself.",
            ec2ImageId=_IMAGE,
        )["streamingImage"]
    where = {"studioId": studio_id, "streamingImageId": image["streamingImageId"]}
    return _settled(client, "GetStreamingImage", "streamingImage", where)


def _found(resources: Iterable[dict[str, Any]], **wanted: str) -> dict[str, Any] | None:
    """Find what is there or will be in a moment: the last run may have been killed halfway."""
    for resource in resources:
        is_meant = all(resource[name] == value for name, value in wanted.items())
        if is_meant and resource["state"] in {"READY", "CREATE_IN_PROGRESS"}:
            return resource
    return None


def _settled(
    client: Client,
    operation: str,
    key: str,
    where: dict[str, str],
    *,
    tell: Tell | None = None,
    seconds: float = _SETTLE_SECONDS,
    to: Container[str] = frozenset({"READY"}),
) -> dict[str, Any]:
    """Poll until the resource is READY, or as asked. Raises CallError when it ends otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = client.call(operation, **where)[key]
        if found["state"] in to:
            return found
        message = found.get("statusMessage", "")
        if not found["state"].endswith("_IN_PROGRESS"):
            raise CallError(found["state"], 0, message)
        if time.monotonic() > deadline:
            raise CallError("Timeout", 0, f"{found['state']} for {seconds:.0f} s: {message}")
        if tell is not None:
            tell(message)
        time.sleep(_POLL_SECONDS)


def _first(sessions: list[dict[str, Any]], states: set[str]) -> dict[str, Any] | None:
    return next((session for session in sessions if session["state"] in states), None)
