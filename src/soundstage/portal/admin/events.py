"""What happened in the studio, by whom and from where: the trail of events with filters, and as a
file. To the operator also what happened to people, keys and sign-ins.
"""

from collections.abc import AsyncIterator
from http import HTTPStatus
from itertools import islice
from typing import Any, cast
from urllib.parse import urlencode

import anyio
import anyio.to_thread
from starlette.responses import Response, StreamingResponse

from soundstage.client import events as files
from soundstage.client.calls import CallError, Client
from soundstage.client.events import FileKind
from soundstage.client.people import called, names_of
from soundstage.portal.admin.asking import in_words
from soundstage.portal.admin.desk import Desk, Place
from soundstage.portal.admin.telling import Teller, kinds_of
from soundstage.portal.stage import Asked
from soundstage.portal.views import SERVICE, Choice, Document

_ON_A_PAGE = 50
_IN_A_PIECE = 100
MOST_IN_A_FILE = 50_000
_MOST_PEOPLE = 300
"""To choose from; whoever else did something is chosen by their name in the list."""
_FILTERS = ("of", "person", "kind", "resource", "from", "until")
_FIELDS = {
    "actor": "events.person",
    "type": "events.kind",
    "resource": "events.resource_label",
    "startTime": "events.from",
    "endTime": "events.until",
}
_PAUSE_SECONDS = 0.04
"""A file is not to use up the reads that its reader's pages need."""
_BUSY_SECONDS = 1.0
_MOST_WAITS = 60
_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/x-ndjson"}
_ENDINGS = {"csv": "csv", "json": "jsonl"}


def show(desk: Desk, asked: Asked, place: Place) -> Response:
    """Show a page of those that the filters let through, the newest first."""
    words = desk.stage.pages.words
    chosen = _chosen(asked)
    found: Document = {"events": []}
    problem = ""
    try:
        found = place.client.call(
            "ListEvents",
            **_asked_for(place, chosen),
            maxResults=_ON_A_PAGE,
            nextToken=asked.query.get("after") or None,
        )
    except CallError as error:
        if error.status != HTTPStatus.BAD_REQUEST:
            raise
        problem = in_words(words, error.complaints[0], _FIELDS)
    kinds = kinds_of(words, is_of_studio=chosen["of"] != "INSTALLATION")
    answer = desk.show(
        "events.html",
        asked,
        place,
        "events",
        live=False,
        rows=Teller(words, place, found["events"]).told(),
        older=found.get("nextToken", ""),
        is_newest="after" not in asked.query,
        chosen=chosen,
        query={name: value for name, value in chosen.items() if value},
        people=_people(desk, place, chosen["person"]),
        kinds=kinds,
        is_rare=all(chosen["kind"] not in dict(some) for _, some in kinds) and chosen["kind"],
        problem=problem,
        most=MOST_IN_A_FILE,
        encoded=urlencode,
    )
    if problem:
        answer.status_code = HTTPStatus.BAD_REQUEST
    return answer


def take(desk: Desk, asked: Asked, place: Place) -> Response:
    """Give all that the filters let through as a file, which is written while it is read."""
    kind = asked.path["form"]
    if kind not in _TYPES:
        return desk.stage.pages.notice("missing", HTTPStatus.NOT_FOUND, login=asked.login)
    wanted = {**_asked_for(place, _chosen(asked)), "maxResults": _IN_A_PIECE}
    # The first page before the answer begins: what is refused is said in a page.
    first = place.client.call("ListEvents", **wanted)
    name = f"events-{desk.stage.door.now():%Y-%m-%d}.{_ENDINGS[kind]}"
    cut = desk.stage.pages.words("events.file_cut", number=MOST_IN_A_FILE)
    pieces = _pieces(cast("FileKind", kind), place.client, wanted, first, cut)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = StreamingResponse(pieces, media_type=_TYPES[kind], headers=headers)
    return desk.stage.pages.data(answer)


async def _pieces(
    kind: FileKind, client: Client, wanted: dict[str, Any], page: Document, cut: str
) -> AsyncIterator[str]:
    """Write a file, a page of events at a time; one that is not whole says so in its last line."""
    written = 0
    try:
        yield files.head(kind)
        while True:
            yield "".join(files.line(kind, event) for event in page["events"])
            written += len(page["events"])
            token = page.get("nextToken")
            if token is None:
                return
            if written >= MOST_IN_A_FILE:
                yield files.line(kind, {"type": "export.CUT", "statusMessage": cut})
                return
            await anyio.sleep(_PAUSE_SECONDS)
            page = await _next(client, {**wanted, "nextToken": token})
    finally:
        client.close()


async def _next(client: Client, wanted: dict[str, Any]) -> Document:
    """Read a page; where its reader asked for much, a little later."""
    waits = 0
    while True:
        try:
            return await anyio.to_thread.run_sync(lambda: client.call("ListEvents", **wanted))
        except CallError as error:
            waits += 1
            if error.status != HTTPStatus.TOO_MANY_REQUESTS or waits > _MOST_WAITS:
                raise
        await anyio.sleep(_BUSY_SECONDS)


def _chosen(asked: Asked) -> dict[str, str]:
    return {name: asked.query.get(name, "").strip() for name in _FILTERS}


def _asked_for(place: Place, chosen: dict[str, str]) -> dict[str, Any]:
    """Say it as a call does."""
    members = {
        "scope": chosen["of"],
        "actor": chosen["person"],
        "type": chosen["kind"],
        "resource": chosen["resource"],
        "startTime": in_utc(chosen["from"]),
        "endTime": in_utc(chosen["until"]),
    }
    return {**place.studio, **{name: value for name, value in members.items() if value}}


def in_utc(text: str) -> str:
    """Write a moment as browsers send it, a day or a minute of it, as the API reads it."""
    if len(text) == len("2030-01-31"):
        return f"{text}T00:00:00Z"
    if len(text) == len("2030-01-31T12:00"):
        return f"{text}:00Z"
    return f"{text}Z" if len(text) == len("2030-01-31T12:00:00") else text


def _people(desk: Desk, place: Place, chosen: str) -> list[Choice]:
    """Offer the service and the people, whoever is chosen among them."""
    listed = islice(place.client.pages("ListPeople"), _MOST_PEOPLE)
    people = {each["principalId"]: called(each) for each in listed}
    if chosen and chosen != SERVICE and chosen not in people:
        people |= names_of(place.client, [chosen])
    ordered = sorted(people.items(), key=lambda each: each[1].casefold())
    service = Choice(SERVICE, desk.stage.pages.words("events.service"))
    return [service, *(Choice(value, text) for value, text in ordered)]
