"""Whoever reads German meets no English: what the API says stands behind what pages say themselves,
marked as English, whatever state the things of a studio are in.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from soundstage.kit import ids
from soundstage.resources.backups import store as backup_store
from soundstage.resources.backups.model import StreamingSessionBackup, StreamingSessionStatusCode
from soundstage.resources.backups.model import StreamingSessionState as S
from soundstage.resources.components import store as component_store
from soundstage.resources.components.model import StudioComponentState
from soundstage.resources.sessions import store as session_store
from soundstage.resources.sessions.model import Rule, StreamingSession
from soundstage.resources.webhooks import store as webhook_store
from soundstage.resources.webhooks.model import Delivery, DeliveryState
from soundstage.testing.visitor import Visitor
from soundstage.testing.walks import Studio
from soundstage.testing.world import PERSISTENT, World, world

SAID = "The engine is what said this, and it has been said of the thing."
"""What the API says of everything here."""
ENGLISH = re.compile(
    r"\b(the|is|are|be|been|has|of|and|it|its|this|that|to|by|with|not)\b", re.IGNORECASE
)
"""Words of which an English sentence has some and a German one none."""
NO_TEXT = {"code", "pre", "script", "style"}
ALONE = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr", "use"}
READ_OUT = ("alt", "aria-label", "placeholder", "title")


class Reader(HTMLParser):
    """Reads a page as people do, and leaves out what is marked as another language's."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.read: list[str] = []
        self.foreign: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_left_out = self._is_left_out or tag in NO_TEXT or given.get("lang") == "en"
        if not is_left_out:
            self.read += [text for name in READ_OUT if (text := given.get(name))]
        if tag not in ALONE:
            self._open.append((tag, is_left_out))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        (self.foreign if self._is_left_out else self.read).append(data)

    @property
    def _is_left_out(self) -> bool:
        return bool(self._open) and self._open[-1][1]


class Everything:
    """A studio whose things are in every state, each with something that the API says of it."""

    def __init__(self, made: World) -> None:
        self.world = made
        self.studio = Studio(made, **PERSISTENT)
        where = {"studioId": self.studio.id}
        first = self.studio.stop(self.studio.launch())
        made.operator.call("CreateWebhook", **where, url="https://example.org/hook")
        made.operator.call("CreateStudioComponent", **where, name="Farm", type="CUSTOM")
        self.studio.launch()
        made.settle()
        with made.service.database.transaction() as transaction:
            pattern = session_store.sessions.get(transaction, first["sessionId"])
            backup = backup_store.backups.find(transaction)[0]
            assert pattern is not None
            self.sessions = [pattern.id, *self._sessions(transaction, pattern)]
            self._backups(transaction, backup)
            for each in component_store.components.find(transaction):
                changes = {"state": StudioComponentState.UPDATE_FAILED, "status_message": SAID}
                component_store.components.update(transaction, each.id, changes)
            webhook = webhook_store.webhooks.find(transaction)[0]
            for number, state in enumerate(DeliveryState):
                self._deliver(transaction, webhook.id, state, number)

    def _sessions(self, transaction: Any, pattern: StreamingSession) -> Iterator[str]:
        now = self.world.clock()
        kinds: list[dict[str, Any]] = [{"state": state} for state in S if state is not S.DELETED]
        kinds += [
            {"state": S.READY, "heals": [now]},
            {"state": S.READY, "unreachable_since": now},
            *(
                {"state": S.STOPPED, "stopped_by": "soundstage", "stopped_by_rule": rule}
                for rule in (None, Rule.MAX_SESSION_LENGTH, Rule.IDLE, Rule.HOST_EVACUATION)
            ),
            *(
                {"state": S.START_FAILED, "status_code": code}
                for code in StreamingSessionStatusCode
            ),
        ]
        for kind in kinds:
            made = msgspec.structs.replace(
                pattern, id=ids.new_id(), **{"status_message": SAID, **kind}
            )
            session_store.sessions.insert(transaction, made, due_at=now + timedelta(days=900))
            yield made.id

    def _backups(self, transaction: Any, pattern: StreamingSessionBackup) -> None:
        for state in (S.CREATE_IN_PROGRESS, S.CREATE_FAILED, S.DELETE_FAILED):
            made = msgspec.structs.replace(
                pattern,
                id=ids.new_id(),
                stop_number=None,
                state=state,
                status_message=SAID,
                created_at=pattern.created_at + timedelta(days=1),
            )
            due_at = self.world.clock() + timedelta(days=900)
            backup_store.backups.insert(transaction, made, due_at=due_at)

    def _deliver(
        self, transaction: Any, webhook_id: str, state: DeliveryState, number: int
    ) -> None:
        now = self.world.clock()
        made = Delivery(
            id=f"delivery-{number}",
            webhook_id=webhook_id,
            sequence=number + 1,
            state=state,
            attempts=3,
            status_message=SAID,
            created_at=now,
            updated_at=now,
        )
        webhook_store.deliveries.insert(transaction, made, due_at=now + timedelta(days=900))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    home: Path = tmp_path_factory.mktemp("german") / "home"
    with world(home, throttle_sign_ins_per_minute=0) as made:
        yield Everything(made)


@pytest.fixture(scope="module")
def german(everything: Everything) -> Visitor:
    visitor = Visitor(everything.world).sign_in("operator")
    visitor.http.headers["Accept-Language"] = "de"
    return visitor


def english_of(page: str) -> list[str]:
    """Find what is English where a German reads."""
    return [text for text in Reader(page).read if len(ENGLISH.findall(text)) > 1]


def links_of(page: str, below: str) -> set[str]:
    """The pages that a page leads to, without those that only filter or sort it."""
    found = re.findall(r'href="([^"]+)"', page)
    return {link for link in found if link.startswith(below) and "?" not in link}


def test_an_english_sentence_is_found() -> None:
    page = f'<p>{SAID}</p><p lang="en">{SAID}<br>{SAID}</p><a title="{SAID}">Ja</a>'
    assert english_of(page) == [SAID, SAID]
    assert Reader(page).foreign == [SAID, SAID]


def test_an_artist_s_pages_are_german(everything: Everything, german: Visitor) -> None:
    home = german.get("/").text
    assert english_of(home) == []
    assert SAID in Reader(home).foreign
    studio = quote(everything.studio.id, safe="")
    for session_id in everything.sessions:
        one = f"/workstations/{studio}/{session_id}"
        for path in (one, f"{one}/stop", f"{one}/delete"):
            assert (path, english_of(german.get(path).text)) == (path, [])


def test_an_administrator_s_pages_are_german(everything: Everything, german: Visitor) -> None:
    below = f"/admin/{quote(everything.studio.id, safe='')}/"
    left, seen, told = {f"{below}sessions"}, set(), set()
    while left:
        path = left.pop()
        seen.add(path)
        if "/events/file/" in path:
            continue
        page = german.get(path)
        assert page.status_code == 200
        assert (path, english_of(page.text)) == (path, [])
        if SAID in Reader(page.text).foreign:
            told.add(path.removeprefix(below).partition("/")[0])
        left |= links_of(page.text, below) - seen
    assert len(seen) > 20
    assert told == {"sessions", "components", "webhooks"}


def test_a_refusal_is_german(everything: Everything, german: Visitor) -> None:
    one = f"/workstations/{quote(everything.studio.id, safe='')}/{everything.sessions[0]}"
    page = german.get(one)
    refused = german.submit(page, f"{one}/start", backupId="none")
    assert refused.status_code >= 400
    assert english_of(refused.text) == []
    assert Reader(refused.text).foreign


def test_who_reads_english_sees_at_once_what_is_said_of_a_failure(german: Visitor) -> None:
    home = german.http.get("/", headers={"Accept-Language": "en"}).text
    opened = [details for details in re.findall(r"<details[^>]*>", home) if " open" in details]
    assert opened
    assert all("told-" in details for details in opened)
    assert not re.search(r"<details[^>]* open", german.get("/").text)
