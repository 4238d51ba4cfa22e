"""What can be made, changed and deleted by forms: launch profiles, images, components, webhooks.

A `Noun` says which operations those are, what its form asks for, and what its list shows. The
form's limits come from the operation's input shape, and what the API refuses is shown beside the
field that it names, with all that was typed.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import msgspec
from starlette.responses import Response

from soundstage.client.calls import CallError
from soundstage.portal.admin.asking import TYPED_WRONG, Ask, Choices, Field, Form, Section
from soundstage.portal.admin.desk import Desk, Place
from soundstage.portal.admin.finding import find
from soundstage.portal.session import new_bits
from soundstage.portal.stage import Asked
from soundstage.portal.views import Document, tone_of
from soundstage.wire.faults import Complaint
from soundstage.words import refusals

_EMPTY: dict[str, Any] = {"description": "", "configuration": {}}
"""Members that are taken away by an empty one."""
_TONES = ("good", "quiet", "busy", "bad")
"""The groups of a list, as its states are coloured."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list."""

    id: str
    name: str
    description: str
    facts: list[str]
    state: str
    tone: str
    message: str
    """Why, where it failed."""
    told: str
    """What the API says of that, in English."""


class Noun:
    """One kind of thing. `addresses` calls it, one method a page or form."""

    name: ClassVar[str]
    """Its tab and address, and the table of its words."""
    key: ClassVar[str]
    """Its member in answers: `streamingImage`."""
    operation: ClassVar[str]
    """The end of its operations' names: `StreamingImage`."""
    resource: ClassVar[str]
    """How an ARN calls it: `streaming-image`."""
    fixed: ClassVar[frozenset[str]] = frozenset()
    """Members that can't be changed once it is made."""
    aside: ClassVar[str] = ""
    """The template of what the page of one shows beside the form."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.words = desk.stage.pages.words
        # Those of the one that makes it: the one that changes it lets every member be left out.
        shape = desk.stage.door.operation(f"Create{self.operation}").input
        self._form = Form(self.words, self.name, shape)

    def sections(self, document: Document) -> list[Section]:
        """Say what the form asks for."""
        raise NotImplementedError

    def facts(self, document: Document) -> list[str]:
        """Say of one in a few words what its name leaves open."""
        raise NotImplementedError

    def starts(self) -> list[tuple[str, str]]:
        """Name the ways to begin a new one: what stands in the query, and how it is called."""
        return [("", self.words(f"{self.name}.new"))]

    def beginning(self, asked: Asked) -> Document:
        """Give what the form for a new one begins with, and what it never asks for."""
        del asked
        return {}

    def choices(self, place: Place) -> Choices:
        """Read what can be chosen."""
        del place
        return {}

    def named(self, place: Place, document: Document) -> Choices:
        """Read how that is called which one has already, for whom it is not to be chosen."""
        del place, document
        return {}

    def own_text(self, ask: Ask, document: Document) -> str:
        """Write what the noun reads itself, for a field."""
        del ask, document
        return ""

    def finish(self, document: Document, form: dict[str, str], before: Document) -> None:
        """Put into a document what the noun reads itself."""

    def beside(self, asked: Asked, place: Place, document: Document) -> dict[str, Any]:
        """Read what `aside` shows."""
        del asked, place, document
        return {}

    def made(self, asked: Asked, place: Place, answer: Document) -> Response:
        """Go on after one was made."""
        del asked
        return self.desk.stage.pages.go(self.path(place, answer[self.key][f"{self.key}Id"]))

    def overview(self, asked: Asked, place: Place) -> Response:
        """Show all."""
        listed = place.client.pages(f"List{self.operation}s", **place.studio)
        rows = [self.row(each) for each in listed if each["state"] != "DELETED"]
        rows.sort(key=lambda row: row.name.casefold())
        found = find(
            rows,
            asked,
            texts=lambda row: [
                row.id,
                row.name,
                row.description,
                *row.facts,
                row.message,
                row.told,
            ],
            group=lambda row: row.tone,
            groups=_TONES,
        )
        return self.desk.show(
            "list.html",
            asked,
            place,
            self.name,
            live=True,
            noun=self.name,
            found=found,
            starts=self.starts() if place.may(f"Create{self.operation}") else [],
            waits=any(row.tone == "busy" for row in found.rows),
        )

    def new(self, asked: Asked, place: Place) -> Response:
        """Show the form for a new one."""
        return self._shown(asked, place, self.beginning(asked), stored=None)

    def show(self, asked: Asked, place: Place) -> Response:
        """Show one, and the form that changes it."""
        stored = self._get(asked, place)
        return self._shown(asked, place, stored, stored=stored)

    def make(self, asked: Asked, place: Place) -> Response:
        """Make one of what the form says."""
        document = self.beginning(asked)
        self._form.fill(document, self._asks(document), asked.form, self.choices(place))
        self.finish(document, asked.form, {})
        token = asked.form.get("clientToken") or None
        try:
            answer = place.client.call(
                f"Create{self.operation}", **place.studio, **document, clientToken=token
            )
        except CallError as error:
            return self._refused(asked, place, document, error, stored=None)
        return self.made(asked, place, answer)

    def change(self, asked: Asked, place: Place) -> Response:
        """Make one what the form says; members that the form does not know stay as they are."""
        before = self._get(asked, place)
        document = msgspec.json.decode(msgspec.json.encode(before))
        asks = [each for each in self._asks(before) if each.path not in self.fixed]
        self._form.fill(document, asks, asked.form, self.choices(place))
        self.finish(document, asked.form, before)
        changes = {
            name: value
            for name, value in document.items()
            if name in self._changeable() and value != before.get(name)
        }
        gone = {name for name in _EMPTY if before.get(name) and name not in document}
        changes |= {name: _EMPTY[name] for name in gone}
        try:
            if changes:
                place.client.call(f"Update{self.operation}", **self.one(asked, place), **changes)
        except CallError as error:
            return self._refused(asked, place, document, error, stored=before)
        return self.desk.stage.pages.go(self.path(place, asked.path["id"]))

    def ask_to_delete(self, asked: Asked, place: Place) -> Response:
        """Say what a deletion takes away, before it does."""
        each = self.row(self._get(asked, place))
        shown = {"noun": self.name, "each": each}
        return self.desk.show("delete.html", asked, place, self.name, live=False, **shown)

    def delete(self, asked: Asked, place: Place) -> Response:
        """Delete it."""
        place.client.call(f"Delete{self.operation}", **self.one(asked, place))
        return self.desk.stage.pages.go(f"{place.path}/{self.name}")

    def _shown(
        self,
        asked: Asked,
        place: Place,
        document: Document,
        *,
        stored: Document | None,
        problems: Sequence[Complaint] = (),
    ) -> Response:
        """Show the form with `document` in it; `stored` is the one that it changes, if any."""
        is_new = stored is None
        may = place.may(f"{'Create' if is_new else 'Update'}{self.operation}")
        return self.desk.show(
            "form.html",
            asked,
            place,
            self.name,
            live=False,
            noun=self.name,
            is_new=is_new,
            may=may,
            may_delete=place.may(f"Delete{self.operation}"),
            each=None if stored is None else self.row(stored),
            sections=self._fields(place, document, is_new=is_new, may=may, problems=problems),
            problems=self._form.told(problems, self._asks(document)),
            query=urlencode(asked.query) if is_new else "",
            client_token=new_bits(),
            aside="" if is_new else self.aside,
            resource="" if is_new else f"{self.resource}/{asked.path['id']}",
            more={} if stored is None else self.beside(asked, place, stored),
        )

    def _fields(
        self,
        place: Place,
        document: Document,
        *,
        is_new: bool,
        may: bool,
        problems: Sequence[Complaint],
    ) -> list[tuple[str, list[Field]]]:
        choices = self.choices(place)
        if not is_new and not may:
            choices = {**choices, **self.named(place, document)}
        return [
            (
                self.words(f"{self.name}.{section.name}"),
                [
                    self._form.field(
                        ask,
                        document,
                        choices,
                        own=self.own_text(ask, document) if ask.look == "own" else "",
                        problems=problems,
                    )
                    for ask in section.asks
                    if is_new or not may or ask.path not in self.fixed
                ],
            )
            for section in self.sections(document)
        ]

    def _refused(
        self,
        asked: Asked,
        place: Place,
        document: Document,
        error: CallError,
        *,
        stored: Document | None,
    ) -> Response:
        if error.status not in TYPED_WRONG:
            raise error
        answer = self._shown(asked, place, document, stored=stored, problems=error.complaints)
        answer.status_code = HTTPStatus(error.status)
        return answer

    def _asks(self, document: Document) -> list[Ask]:
        return [ask for section in self.sections(document) for ask in section.asks]

    def _get(self, asked: Asked, place: Place) -> Document:
        found: Document = place.client.call(f"Get{self.operation}", **self.one(asked, place))
        return dict(found[self.key])

    def one(self, asked: Asked, place: Place) -> dict[str, str]:
        """Name the one that the address names, as members of a call."""
        return {**place.studio, f"{self.key}Id": asked.path["id"]}

    def path(self, place: Place, identifier: str) -> str:
        """Say where the page of one is."""
        return f"{place.path}/{self.name}/{quote(identifier, safe='')}"

    def _changeable(self) -> set[str]:
        shape = self.desk.stage.door.operation(f"Update{self.operation}").input
        fields = {field.encode_name for field in msgspec.structs.fields(shape)}
        return fields - {"studioId", f"{self.key}Id"}

    def _failure(self, document: Document) -> str:
        said = refusals.said(self.words, document["statusCode"], {})
        return said or self.words("why.INTERNAL_ERROR")

    def row(self, document: Document) -> Row:
        """Show it as a line of the list."""
        state = document["state"]
        has_failed = state.endswith("_FAILED")
        return Row(
            id=document[f"{self.key}Id"],
            name=document["name"],
            description=document.get("description", ""),
            facts=self.facts(document),
            state=self.words(f"made_state.{state}"),
            tone=tone_of(state),
            message=self._failure(document) if has_failed else "",
            told=document["statusMessage"] if has_failed else "",
        )
