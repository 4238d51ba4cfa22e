"""Launches a workstation through the API, step by step, for `run` and `open`.

It prepares what a first studio needs: one studio, image, component and launch profile, found by
their names, so that doing it again finds what is there.
"""

import time
from collections.abc import Callable
from typing import Any

from soundstage.cli.env import credentials
from soundstage.client.calls import CallError, Client
from soundstage.kit.config import Settings
from soundstage.resources.members.service import OPERATOR
from soundstage.resources.operations import OPERATIONS

Tell = Callable[[str], None]
"""Shows what a step is doing just now."""

_NAME = "soundstage"
_PROFILE = "Artist workstation"
_ROLE = "arn:aws:iam::000000000000:role/soundstage"
_ADDRESS_SECONDS = 3600
_POLL_SECONDS = 0.1
_SETTLE_SECONDS = 60.0
_START_SECONDS = 600.0
_WORKING = {"READY", "CREATE_IN_PROGRESS", "START_IN_PROGRESS"}
_STARTABLE = {"STOPPED", "START_FAILED"}


def client_of(settings: Settings, user: str = OPERATOR) -> Client:
    """Make a client that calls the service of these settings as somebody."""
    key_id, secret = credentials(settings, user)
    return Client(
        settings.address,
        access_key_id=key_id,
        secret_access_key=secret,
        region=settings.region,
        operations=OPERATIONS,
    )


def ensure_studio(client: Client, tell: Tell) -> dict[str, Any]:
    """Find the first studio, or make one."""
    for studio in client.pages("ListStudios"):
        if studio["state"] == "READY":
            return studio
    tell("making a studio")
    made = client.call(
        "CreateStudio",
        studioName=_NAME,
        displayName="Soundstage",
        adminRoleArn=_ROLE,
        userRoleArn=_ROLE,
    )["studio"]
    return _settled(client, "GetStudio", "studio", {"studioId": made["studioId"]})


def ensure_profile(client: Client, studio_id: str, tell: Tell) -> dict[str, Any]:
    """Find the launch profile, or make it and what it needs."""
    for profile in client.pages("ListLaunchProfiles", studioId=studio_id):
        if profile["state"] == "READY" and profile["name"] == _PROFILE:
            return profile
    tell("making an image")
    image = _ensure_image(client, studio_id)
    tell("making a component")
    component = client.call(
        "CreateStudioComponent", studioId=studio_id, name="Workstation basics", type="CUSTOM"
    )["studioComponent"]
    where = {"studioId": studio_id, "studioComponentId": component["studioComponentId"]}
    component = _settled(client, "GetStudioComponent", "studioComponent", where)
    tell("making a launch profile")
    profile = client.call(
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
    where = {"studioId": studio_id, "launchProfileId": profile["launchProfileId"]}
    return _settled(client, "GetLaunchProfile", "launchProfile", where)


def ensure_workstation(
    client: Client, studio_id: str, profile_id: str, tell: Tell
) -> dict[str, Any]:
    """Find a workstation that runs, start a stopped one, or launch one; and wait for it."""
    sessions = [
        session
        for session in client.pages("ListStreamingSessions", studioId=studio_id)
        if session["launchProfileId"] == profile_id
    ]
    session = _first(sessions, _WORKING)
    if session is None:
        session = _first(sessions, _STARTABLE)
        if session is not None:
            where = {"studioId": studio_id, "sessionId": session["sessionId"]}
            session = client.call("StartStreamingSession", **where)["session"]
    if session is None:
        session = client.call(
            "CreateStreamingSession", studioId=studio_id, launchProfileId=profile_id
        )["session"]
    where = {"studioId": studio_id, "sessionId": session["sessionId"]}
    return _settled(client, "GetStreamingSession", "session", where, tell, _START_SECONDS)


def new_address(client: Client, studio_id: str, session_id: str) -> str:
    """Open a stream and give the address that opens it once, within the hour."""
    where = {"studioId": studio_id, "sessionId": session_id}
    stream = client.call(
        "CreateStreamingSessionStream", **where, expirationInSeconds=_ADDRESS_SECONDS
    )["stream"]
    where |= {"streamId": stream["streamId"]}
    url: str = _settled(client, "GetStreamingSessionStream", "stream", where)["url"]
    return url


def fresh_address(client: Client) -> str:
    """Give a new address of the first workstation that runs. Raises CallError if none does."""
    for studio in client.pages("ListStudios"):
        for session in client.pages("ListStreamingSessions", studioId=studio["studioId"]):
            if session["state"] == "READY":
                return new_address(client, studio["studioId"], session["sessionId"])
    raise CallError("NotRunning", 0, "No workstation is running. `make run` launches one.")


def _ensure_image(client: Client, studio_id: str) -> dict[str, Any]:
    for image in client.pages("ListStreamingImages", studioId=studio_id):
        if image["state"] == "READY" and image["ec2ImageId"] == "ami-host":
            return image
    image = client.call(
        "CreateStreamingImage",
        studioId=studio_id,
        name="This machine",
        description="The software that is installed on the machine itself.",
        ec2ImageId="ami-host",
    )["streamingImage"]
    where = {"studioId": studio_id, "streamingImageId": image["streamingImageId"]}
    return _settled(client, "GetStreamingImage", "streamingImage", where)


def _settled(
    client: Client,
    operation: str,
    key: str,
    where: dict[str, str],
    tell: Tell | None = None,
    seconds: float = _SETTLE_SECONDS,
) -> dict[str, Any]:
    """Poll until the resource is READY. Raises CallError when it ends otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = client.call(operation, **where)[key]
        if found["state"] == "READY":
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
