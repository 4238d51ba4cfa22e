"""Short words for tests of backups that people ask for, look into, and begin sessions with."""

from typing import Any

import anyio
import httpx

from soundstage.client.calls import Client
from soundstage.testing.walks import Studio


def ask_for_backup(studio: Studio, session: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Ask for a backup of a session."""
    answer = studio.call("CreateStreamingSessionBackup", session, **members)
    backup: dict[str, Any] = answer["streamingSessionBackup"]
    return backup


def see_backup(studio: Studio, backup: dict[str, Any]) -> dict[str, Any]:
    """Read a backup anew."""
    found: dict[str, Any] = studio.world.operator.call(
        "GetStreamingSessionBackup", studioId=studio.id, backupId=backup["backupId"]
    )["streamingSessionBackup"]
    return found


def write_shot(studio: Studio, session: dict[str, Any], content: bytes) -> None:
    """Write the one file of a workstation."""
    studio.world.engine.write(session["sessionId"], "show/shot.blend", content)


def read_shot(studio: Studio, session: dict[str, Any]) -> bytes | None:
    """Read it."""
    return studio.world.engine.read(session["sessionId"], "show/shot.blend")


def member(studio: Studio, name: str) -> Client:
    """Make somebody who may use the launch profile."""
    client = studio.world.client(name)
    who = [{"persona": "USER", "principalId": studio.world.principal_id(name)}]
    studio.world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio.id,
        launchProfileId=studio.profile_id,
        identityStoreId="d-0000000000",
        members=who,
    )
    return client


def fetch(studio: Studio, url: str, method: str = "GET") -> httpx.Response:
    """Ask for an address as a browser does."""

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(studio.world.service.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            return await client.request(method, url)

    return anyio.run(get)


def list_files(
    studio: Studio, backup: dict[str, Any], path: str | None = None
) -> list[dict[str, Any]]:
    """List a folder of a backup, to the last page."""
    where = {"studioId": studio.id, "backupId": backup["backupId"], "path": path}
    return list(studio.world.operator.pages("ListStreamingSessionBackupFiles", **where))


def kept_backup(studio: Studio) -> dict[str, Any]:
    """Make a backup with folders, many files and odd names."""
    session = studio.launch()
    write_shot(studio, session, b"b" * 700_000)
    studio.world.engine.write(session["sessionId"], "notes é.txt", b"notes")
    for number in range(600):
        studio.world.engine.write(session["sessionId"], f"frames/{number:04d}.exr", b"x")
    studio.stop(session)
    return studio.backups("READY")[0]


def find_file(studio: Studio, backup: dict[str, Any], path: str) -> dict[str, Any]:
    """Find one file and its address."""
    found: dict[str, Any] = studio.world.operator.call(
        "GetStreamingSessionBackupFile", studioId=studio.id, backupId=backup["backupId"], path=path
    )
    return found
