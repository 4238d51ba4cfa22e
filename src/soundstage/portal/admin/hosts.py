"""The hosts on the capacity page, and the two questions before one is taken out or reopened.

Hosts are the installation's: whoever may list them, the operator, sees them in every studio.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.responses import Response

from soundstage.client.calls import CallError
from soundstage.portal.admin.asking import in_words
from soundstage.portal.admin.desk import Desk, Place
from soundstage.portal.fields import Limits, read
from soundstage.portal.stage import Asked
from soundstage.portal.views import Document, moment
from soundstage.words.texts import Words

_TONES = {"OPEN": "good", "EVACUATING": "busy", "EVACUATED": "quiet"}
_TYPED_WRONG = {400, 409}
_USUAL_MINUTES = "30"
_FIELDS = {"graceInMinutes": "hosts.minutes", "reason": "hosts.reason"}


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host, as it is shown."""

    name: str
    state: str
    tone: str
    is_open: bool
    said: list[str]
    """What goes on with it, a sentence each."""
    there: str
    cpus: str
    memory: str
    running: int
    resting: int


def all_of(words: Words, place: Place) -> list[Host]:
    """Read all; none for who may not."""
    if not place.may("ListHosts"):
        return []
    return [shown(words, each) for each in place.client.call("ListHosts")["hosts"]]


def shown(words: Words, host: Document) -> Host:
    """Put one into words."""
    resting = sum(each["stage"] == "RESTING" for each in host["sessions"])
    counts = {
        "running": len(host["sessions"]) - resting,
        "resting": resting,
        "warm": host["warmWorkstations"],
    }
    there = [words(f"hosts.{key}", number=number) for key, number in counts.items() if number]
    return Host(
        name=host["hostName"],
        state=words(f"hosts.{host['state'].lower()}"),
        tone=_TONES[host["state"]],
        is_open=host["state"] == "OPEN",
        said=_said(words, host),
        there=", ".join(there) or words("hosts.nothing"),
        cpus=_figure(words, host, "cpus", words.figure),
        memory=_figure(words, host, "memoryInBytes", words.size),
        running=counts["running"],
        resting=resting,
    )


def _figure(words: Words, host: Document, member: str, write: Callable[[Any], str]) -> str:
    """Say what is promised of what may be; of one that does not answer nothing."""
    if "toPromise" not in host:
        return ""
    used, most = host["promised"][member], host["toPromise"][member]
    return words("capacity.of", used=write(used), most=write(most))


def _said(words: Words, host: Document) -> list[str]:
    said, order = [], host.get("evacuation")
    if order is not None and host["state"] == "EVACUATED":
        said.append(words("hosts.off"))
    elif order is not None:
        at = words.moment(moment(order["at"]))
        said.append(words("hosts.until", remaining=order["remaining"], moment=at))
    if order is not None and "reason" in order:
        said.append(words("hosts.because", why=order["reason"]))
    if not host["isReachable"]:
        said.append(words("hosts.away"))
    return said


def ask_to_evacuate(desk: Desk, asked: Asked, place: Place) -> Response:
    """Ask for how long, and why."""
    return _ask(desk, asked, place, "evacuate")


def ask_to_reopen(desk: Desk, asked: Asked, place: Place) -> Response:
    """Ask whether that is meant."""
    return _ask(desk, asked, place, "reopen")


def evacuate(desk: Desk, asked: Asked, place: Place) -> Response:
    """Take it out."""
    minutes = read(Limits(kind="number"), asked.form.get("minutes", ""))
    try:
        place.client.call(
            "EvacuateHost",
            hostName=asked.path["id"],
            graceInMinutes=minutes,
            reason=asked.form.get("reason", ""),
        )
    except CallError as error:
        if error.status not in _TYPED_WRONG:
            raise
        problem = in_words(desk.stage.pages.words, error.complaints[0], _FIELDS)
        answer = _ask(desk, asked, place, "evacuate", problem=problem)
        answer.status_code = HTTPStatus(error.status)
        return answer
    return desk.stage.pages.go(f"{place.path}/capacity")


def reopen(desk: Desk, asked: Asked, place: Place) -> Response:
    """Reopen it."""
    place.client.call("ReopenHost", hostName=asked.path["id"])
    return desk.stage.pages.go(f"{place.path}/capacity")


def _ask(desk: Desk, asked: Asked, place: Place, what: str, *, problem: str = "") -> Response:
    found = {each.name: each for each in all_of(desk.stage.pages.words, place)}
    host = found.get(asked.path["id"])
    if host is None:
        return desk.stage.pages.notice("missing", HTTPStatus.NOT_FOUND, login=asked.login)
    return desk.show(
        "host.html",
        asked,
        place,
        "capacity",
        live=False,
        host=host,
        what=what,
        problem=problem,
        minutes=asked.form.get("minutes", _USUAL_MINUTES),
        reason=asked.form.get("reason", ""),
    )
