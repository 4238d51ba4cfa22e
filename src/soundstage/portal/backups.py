"""A backup looked into: its folders, and the way to one file of it."""

from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from soundstage.portal.stage import Asked, Stage
from soundstage.portal.views import Document, Viewer, moment

_ONE = "/backups/{studio}/{backup}"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A name in a folder."""

    name: str
    path: str
    kind: str
    size: str
    modified_at: str
    """For people."""
    modified: str
    """For programs."""


def routes(stage: Stage) -> list[BaseRoute]:
    """Make the routes."""
    return [
        Route(_ONE, stage.page(_browse(stage)), methods=["GET"]),
        Route(f"{_ONE}/file", stage.page(_take(stage)), methods=["GET"]),
    ]


def trail(path: str) -> list[tuple[str, str]]:
    """Name the folders that lead to a path, each with its own."""
    names = [name for name in path.split("/") if name]
    ends = ["", *(("/".join(names[: number + 1])) for number in range(len(names)))]
    return [(name, end) for name, (_, end) in zip(names, pairwise(ends), strict=True)]


def _browse(stage: Stage) -> Callable[[Asked], Response]:
    def show(asked: Asked) -> Response:
        studio_id, backup_id = asked.path["studio"], asked.path["backup"]
        names = {"studioId": studio_id, "backupId": backup_id}
        found = asked.client.call("GetStreamingSessionBackup", **names)
        viewer = Viewer(stage.pages.words, stage.door.now())
        path = asked.query.get("path", "").strip("/")
        page = asked.client.call(
            "ListStreamingSessionBackupFiles",
            **names,
            path=path or None,
            nextToken=asked.query.get("more"),
        )
        return stage.pages.page(
            "backup.html",
            login=asked.login,
            backup=viewer.backup(studio_id, found["streamingSessionBackup"]),
            path=path,
            trail=trail(path),
            entries=[_entry(stage, each) for each in page["files"]],
            more=page.get("nextToken"),
            here=f"{stage.pages.path}/backups/{quote(studio_id, safe='')}/{backup_id}",
        )

    return show


def _take(stage: Stage) -> Callable[[Asked], Response]:
    """A link may lead here: it changes nothing, and the address that it gives is the person's."""

    def take(asked: Asked) -> Response:
        found = asked.client.call(
            "GetStreamingSessionBackupFile",
            **asked.studio,
            backupId=asked.path["backup"],
            path=asked.query.get("path", ""),
        )
        return stage.pages.leave(found["url"])

    return take


def _entry(stage: Stage, file: Document) -> Entry:
    is_file = file["type"] == "FILE"
    return Entry(
        name=file["path"].rpartition("/")[2],
        path=file["path"],
        kind=file["type"].lower(),
        size=stage.pages.words.size(file["sizeInBytes"]) if is_file else "",
        modified_at=stage.pages.words.moment(moment(file["modifiedAt"])),
        modified=file["modifiedAt"],
    )
