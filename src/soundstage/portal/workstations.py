"""An artist's pages: what runs, what can be launched, and all that is done to a workstation.

Every change is a form that is sent, and leads to a page that shows how it goes on.
"""

import base64
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import quote, urlencode

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from soundstage.client.calls import CallError
from soundstage.portal.reading import FEW, Glance, Oversight, Reader
from soundstage.portal.stage import Asked, Stage, form_of, page_number
from soundstage.portal.views import Document, Viewer
from soundstage.wire.codes import Code

_ONE = "/workstations/{studio}/{session}"
_LOOK_SECONDS = 0.1
_PAGES = {"profiles": "page", "workstations": "workstations", "left": "left"}
"""By which key of the first page's address a page of each of its lists is chosen."""
_LONGEST_FIND = 100
_wait = time.sleep


def routes(stage: Stage) -> list[BaseRoute]:
    """Make the routes."""
    desk = Workstations(stage)
    actions: dict[str, Callable[[Asked], Response]] = {
        "open": desk.open,
        "start": desk.start,
        "stop": desk.stop,
        "extend": desk.extend,
        "backup": desk.back_up,
        "delete": desk.delete,
        "share": desk.share,
        "unshare": desk.unshare,
    }
    return [
        Route(_ONE, stage.page(desk.show), methods=["GET"]),
        Route(f"{_ONE}/picture", stage.page(desk.picture), methods=["GET"]),
        *(
            Route(f"{_ONE}/{name}", stage.action(action), methods=["POST"])
            for name, action in actions.items()
        ),
        *(
            Route(f"{_ONE}/{name}", stage.page(desk.confirm(name)), methods=["GET"])
            for name in ("stop", "delete")
        ),
        Route("/launch/{studio}/{profile}", stage.action(desk.launch), methods=["POST"]),
        Route("/eulas/{studio}/{profile}", stage.page(desk.eulas), methods=["GET"]),
        Route("/eulas/{studio}/{profile}", stage.action(desk.accept), methods=["POST"]),
    ]


class Workstations:
    """The handlers."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def home(self, asked: Asked) -> Response:
        """Show the person's workstations and what they may launch."""
        pulse = self._stage.changes.look(asked.login)
        glance = Glance(
            find=asked.query.get("find", "").strip()[:_LONGEST_FIND],
            pages={name: page_number(asked, key) for name, key in _PAGES.items()},
        )
        studios = self._reader(asked).studios(glance)
        return self._stage.pages.page(
            "home.html",
            login=asked.login,
            pulse=pulse,
            studios=studios,
            find=glance.find,
            few=FEW["profiles"],
            more={name: _address_of(asked, key) for name, key in _PAGES.items()},
            days=self._stage.settings.keep_backups_days,
            waits=any(each.in_progress for studio in studios for each in studio.workstations.shown),
        )

    def show(self, asked: Asked) -> Response:
        """Show one workstation and its backups."""
        login = asked.login
        # Before it is read, and of all for those who may look at another's.
        looks = {
            of_all: self._stage.changes.look(login, of_all=of_all)
            for of_all in {False, login.is_administrator}
        }
        shown, backups, session = self._reader(asked).workstation(
            asked.path["studio"], asked.path["session"]
        )
        if session["state"] == "DELETED":
            return self._gone(asked, bool(backups))
        oversight = self._oversight(asked, session)
        of_all = oversight is not None and not oversight.is_own
        return self._stage.pages.page(
            "workstation.html",
            login=login,
            of_all=of_all,
            pulse=looks[of_all],
            each=shown,
            backups=backups,
            oversight=oversight,
            looking=self._reader(asked).looking(asked.path["studio"], session),
            waits=shown.in_progress or any(one.tone == "busy" for one in backups),
        )

    def picture(self, asked: Asked) -> Response:
        """Show how its desktop looks. The artist made the picture: it is passed on as nothing else
        than a picture, from an address where nothing else may be.
        """
        try:
            found = asked.client.call("GetStreamingSessionPicture", **self._names(asked))
        except CallError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            return self._stage.pages.no_picture
        answer = Response(base64.b64decode(found["picture"]), media_type="image/jpeg")
        return self._stage.pages.data(answer)

    def confirm(self, what: str) -> Callable[[Asked], Response]:
        """Make the page that says what a stop or a deletion takes away, before it does."""

        def show(asked: Asked) -> Response:
            shown, backups, session = self._reader(asked).workstation(
                asked.path["studio"], asked.path["session"]
            )
            return self._stage.pages.page(
                "confirm.html",
                login=asked.login,
                each=shown,
                what=what,
                oversight=self._oversight(asked, session),
                kept=[each for each in backups if each.is_ready],
                days=self._stage.settings.keep_backups_days,
            )

        return show

    def launch(self, asked: Asked) -> Response:
        """Launch a workstation of a profile, on a backup if one is named."""
        session = asked.client.call(
            "CreateStreamingSession",
            **asked.studio,
            launchProfileId=asked.path["profile"],
            ownedBy=asked.login.principal_id,
            **form_of(asked, "clientToken", "streamingImageId", "ec2InstanceType", "backupId"),
        )["session"]
        return self._to(asked.path["studio"], session["sessionId"])

    def open(self, asked: Asked) -> Response:
        """Make a stream and go to its address."""
        names = self._names(asked)
        stream = asked.client.call("CreateStreamingSessionStream", **names)["stream"]
        deadline = time.monotonic() + self._stage.settings.open_seconds
        while stream["state"] == "CREATE_IN_PROGRESS":
            if time.monotonic() > deadline:
                return self._stage.pages.notice(
                    "slow_stream", HTTPStatus.SERVICE_UNAVAILABLE, login=asked.login
                )
            _wait(_LOOK_SECONDS)
            stream = asked.client.call(
                "GetStreamingSessionStream", **names, streamId=stream["streamId"]
            )["stream"]
        if "url" not in stream:
            raise CallError(
                stream["state"], 409, "The stream was not made.", code=Code.STREAM_FAILED
            )
        return self._stage.pages.leave(stream["url"])

    def start(self, asked: Asked) -> Response:
        """Start it, on its own disk or on a backup."""
        return self._change(asked, "StartStreamingSession", "backupId")

    def stop(self, asked: Asked) -> Response:
        """Stop it; its disk is kept."""
        return self._change(asked, "StopStreamingSession")

    def extend(self, asked: Asked) -> Response:
        """Put its end off as far as may be."""
        return self._change(asked, "ExtendStreamingSession")

    def back_up(self, asked: Asked) -> Response:
        """Make a backup now."""
        return self._change(asked, "CreateStreamingSessionBackup")

    def delete(self, asked: Asked) -> Response:
        """Delete it, and go to what is left."""
        asked.client.call("DeleteStreamingSession", **self._names(asked))
        return self._stage.pages.go("/")

    def share(self, asked: Asked) -> Response:
        """Make a link by which others look on."""
        wish = {
            name: int(text)
            for name, text in form_of(asked, "lengthInMinutes", "maxViewers").items()
            if text.isascii() and text.isdigit() and len(text) < 6
        }
        asked.client.call("CreateStreamingSessionShare", **self._names(asked), **wish)
        return self._to(asked.path["studio"], asked.path["session"])

    def unshare(self, asked: Asked) -> Response:
        """End one of them."""
        share_id = asked.form.get("shareId", "")
        asked.client.call("DeleteStreamingSessionShare", **self._names(asked), shareId=share_id)
        return self._to(asked.path["studio"], asked.path["session"])

    def eulas(self, asked: Asked) -> Response:
        """Show what must be accepted before a profile's images may be launched."""
        missing = self._reader(asked).missing_eulas(asked.path["studio"], asked.path["profile"])
        studios = asked.client.call("GetCaller")["studios"]
        may_accept = any(
            each["isAdministrator"] and each["studioId"] == asked.path["studio"] for each in studios
        )
        if not missing:
            return self._stage.pages.go("/")
        return self._stage.pages.page(
            "eulas.html",
            login=asked.login,
            missing=missing,
            may_accept=may_accept,
            where=f"{_quoted(asked.path['studio'])}/{_quoted(asked.path['profile'])}",
        )

    def accept(self, asked: Asked) -> Response:
        """Accept for the studio what the page before showed."""
        shown = set(asked.form.get("eulaIds", "").split(","))
        missing = self._reader(asked).missing_eulas(asked.path["studio"], asked.path["profile"])
        # Only what the person was shown: another may have been added meanwhile.
        accepted = [each["eulaId"] for each in missing if each["eulaId"] in shown]
        if accepted:
            asked.client.call("AcceptEulas", **asked.studio, eulaIds=accepted)
        return self._stage.pages.go("/")

    def _oversight(self, asked: Asked, session: Document) -> Oversight | None:
        if not asked.login.is_administrator:
            return None
        return self._reader(asked).oversight(asked.path["studio"], session)

    def _change(self, asked: Asked, operation: str, *members: str) -> Response:
        asked.client.call(operation, **self._names(asked), **form_of(asked, *members))
        return self._to(asked.path["studio"], asked.path["session"])

    def _gone(self, asked: Asked, has_backups: bool) -> Response:
        key = "deleted_kept" if has_backups else "deleted"
        days = self._stage.settings.keep_backups_days
        return self._stage.pages.notice(key, HTTPStatus.GONE, login=asked.login, days=days)

    def _names(self, asked: Asked) -> dict[str, str]:
        return {**asked.studio, "sessionId": asked.path["session"]}

    def _to(self, studio_id: str, session_id: str) -> Response:
        return self._stage.pages.go(f"/workstations/{_quoted(studio_id)}/{_quoted(session_id)}")

    def _reader(self, asked: Asked) -> Reader:
        viewer = Viewer(self._stage.pages.words, self._stage.door.now())
        return Reader(
            asked.client,
            viewer,
            asked.login.principal_id,
            is_administrator=asked.login.is_administrator,
        )


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _address_of(asked: Asked, key: str) -> str:
    """Write the first page's address with all that is chosen there, up to this key's value."""
    chosen = {
        name: asked.query[name] for name in ("find", *_PAGES.values()) if asked.query.get(name)
    }
    chosen.pop(key, None)
    return f"/?{urlencode([*chosen.items(), (key, '')])}"
