"""What whole stories are told with: a studio and its workstations, through a stock SDK alone.

The story and crash tests use it, and the benchmarks.
"""

import time
from collections.abc import Callable
from typing import Any

from soundstage.testing.clients import StockClient

PERSISTENT: dict[str, Any] = {
    "sessionPersistenceMode": "ACTIVATED",
    "sessionBackup": {"mode": "AUTOMATIC", "maxBackupsToRetain": 3},
}


def until(what: str, holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a condition, and fail with its name when it does not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s: not {what}")
        time.sleep(0.05)


class Studio:
    """A studio with one launch profile, made through the SDK as a new integrator does."""

    def __init__(self, sdk: StockClient, **rules: Any) -> None:
        self.sdk = sdk
        role = "arn:aws:iam::123456789012:role/studio"
        studio = sdk.call(
            "create_studio",
            studioName="films",
            displayName="Films",
            adminRoleArn=role,
            userRoleArn=role,
        )["studio"]
        self.where = {"studioId": studio["studioId"]}
        sdk.wait("studio_ready", **self.where)
        component = sdk.call("create_studio_component", **self.where, name="Basics", type="CUSTOM")[
            "studioComponent"
        ]
        sdk.wait(
            "studio_component_ready",
            **self.where,
            studioComponentId=component["studioComponentId"],
        )
        image = sdk.call(
            "create_streaming_image", **self.where, name="Host", ec2ImageId="ami-host"
        )["streamingImage"]
        sdk.wait("streaming_image_ready", **self.where, streamingImageId=image["streamingImageId"])
        profile = sdk.call(
            "create_launch_profile",
            **self.where,
            name="Workstation",
            ec2SubnetIds=[],
            launchProfileProtocolVersions=["2021-03-31"],
            studioComponentIds=[component["studioComponentId"]],
            streamConfiguration={
                "clipboardMode": "ENABLED",
                "ec2InstanceTypes": ["g4dn.xlarge"],
                "streamingImageIds": [image["streamingImageId"]],
                **PERSISTENT,
                **rules,
            },
        )["launchProfile"]
        self.profile_id = profile["launchProfileId"]
        sdk.wait("launch_profile_ready", **self.where, launchProfileId=self.profile_id)

    def launch(self) -> "Workstation":
        """Launch a workstation and wait for it."""
        session = self.sdk.call(
            "create_streaming_session", **self.where, launchProfileId=self.profile_id
        )["session"]
        workstation = Workstation(self.sdk, {**self.where, "sessionId": session["sessionId"]})
        workstation.wait("ready")
        return workstation

    def backups(self) -> list[dict[str, Any]]:
        """List all backups, oldest first."""
        pages = self.sdk.paginate("list_streaming_session_backups", **self.where)
        return [backup for page in pages for backup in page["streamingSessionBackups"]]


class Workstation:
    """One session, through the SDK."""

    def __init__(self, sdk: StockClient, where: dict[str, str]) -> None:
        self.sdk = sdk
        self.where = where

    @property
    def id(self) -> str:
        return self.where["sessionId"]

    def see(self) -> dict[str, Any]:
        session: dict[str, Any] = self.sdk.call("get_streaming_session", **self.where)["session"]
        return session

    def wait(self, state: str) -> None:
        """Wait with the SDK's own waiter, up to a minute: ready, stopped, deleted."""
        self.sdk.wait(f"streaming_session_{state}", tries=1200, **self.where)

    def stop(self) -> None:
        self.sdk.call("stop_streaming_session", **self.where)
        self.wait("stopped")

    def start(self, **members: str) -> None:
        self.sdk.call("start_streaming_session", **self.where, **members)
        self.wait("ready")

    def delete(self) -> None:
        self.sdk.call("delete_streaming_session", **self.where)
        self.wait("deleted")

    def new_url(self) -> str:
        """Open a stream and give its address."""
        stream = self.sdk.call("create_streaming_session_stream", **self.where)["stream"]
        where = {**self.where, "streamId": stream["streamId"]}
        self.sdk.wait("streaming_session_stream_ready", **where)
        url: str = self.sdk.call("get_streaming_session_stream", **where)["stream"]["url"]
        return url
