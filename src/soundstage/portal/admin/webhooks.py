"""Webhooks: which programs are told of which events, what is on its way and what was given up."""

from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from starlette.responses import Response

from soundstage.portal.admin.asking import Ask, Choices, Section
from soundstage.portal.admin.desk import Place
from soundstage.portal.admin.editing import Noun, Row
from soundstage.portal.admin.telling import host_of, kinds_of
from soundstage.portal.stage import Asked
from soundstage.portal.views import Choice, Document, moment

_MOST_DELIVERIES = 50
_SINGLE = Ask(path="types", part="single", look="own")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is not delivered yet."""

    event_id: str
    since: datetime
    tried_at: datetime | None
    """None as long as nothing was tried."""
    attempts: int
    next_at: datetime | None
    """None where nothing was tried in vain, and once it was given up."""
    is_dead: bool
    message: str


class Webhooks(Noun):
    """Their pages. Beside the form: what is on its way, and what can be done about it."""

    name = "webhooks"
    key = "webhook"
    operation = "Webhook"
    resource = "webhook"
    aside = "admin/webhook_aside.html"

    def sections(self, document: Document) -> list[Section]:
        """Ask where to, and of what."""
        del document
        return [
            Section(name="whom", asks=(Ask(path="url"),)),
            Section(name="of_what", asks=(Ask(path="types"), _SINGLE)),
        ]

    def choices(self, place: Place) -> Choices:
        """Offer all events of a noun; single ones are typed."""
        del place
        return {"types": [Choice(value, text) for value, text in self._nouns().items()]}

    def own_text(self, ask: Ask, document: Document) -> str:
        """Write those that no box stands for."""
        del ask
        return "\n".join(each for each in document.get("types", ()) if each not in self._nouns())

    def finish(self, document: Document, form: dict[str, str], before: Document) -> None:
        """Put the typed ones to the ticked ones."""
        del before
        typed = form.get(_SINGLE.name, "").split()
        document["types"] = list(dict.fromkeys([*document.get("types", ()), *typed]))

    def facts(self, document: Document) -> list[str]:
        """Say of what it is told, and when it last was."""
        nouns = self._nouns()
        told = [nouns.get(each, each) for each in document["types"]]
        found = [", ".join(told) or self.words("webhooks.everything")]
        if "deliveredAt" in document:
            at = self.words.moment(moment(document["deliveredAt"]))
            found.append(self.words("webhooks.delivered", moment=at))
        if document["pending"]:
            found.append(self.words.count("webhooks.pending", document["pending"]))
        return found

    def row(self, document: Document) -> Row:
        """Show it by its host, and say what waits."""
        is_on, is_failing = document["state"] == "ENABLED", document["failing"] > 0
        state = "off" if not is_on else "failing" if is_failing else "on"
        lost = [
            self.words.count(f"webhooks.{key}", document[of])
            for of, key in (("failing", "failing_events"), ("dead", "dead"))
            if document[of]
        ]
        return Row(
            id=document["webhookId"],
            name=host_of(document["url"]),
            description="",
            facts=self.facts(document),
            state=self.words(f"webhooks.{state}"),
            tone="bad" if lost else "good" if is_on else "quiet",
            message=" ".join(lost),
            told="" if is_on and not is_failing else document["statusMessage"],
        )

    def beside(self, asked: Asked, place: Place, document: Document) -> dict[str, Any]:
        """Read what is not delivered yet, what was given up first."""
        found = [
            each
            for state in ("DEAD", "PENDING")
            for each in islice(
                place.client.pages("ListWebhookDeliveries", **self.one(asked, place), state=state),
                _MOST_DELIVERIES,
            )
        ]
        return {
            "is_on": document["state"] == "ENABLED",
            "pending": document["pending"],
            "failing": document["failing"],
            "dead": document["dead"],
            "deliveries": [_delivery(each) for each in found[:_MOST_DELIVERIES]],
            "is_cut": document["pending"] + document["dead"] > _MOST_DELIVERIES,
            "delivered_at": moment(document["deliveredAt"]) if "deliveredAt" in document else None,
        }

    def made(self, asked: Asked, place: Place, answer: Document) -> Response:
        """Show its secret, which nobody is told a second time."""
        each = self.row(answer[self.key])
        return self.desk.show(
            "webhook_made.html",
            asked,
            place,
            self.name,
            live=False,
            each=each,
            secret=answer["secret"],
        )

    def switch(self, asked: Asked, place: Place) -> Response:
        """Send to it from now on, or send nothing more."""
        state = "ENABLED" if asked.form.get("state") == "ENABLED" else "DISABLED"
        place.client.call("UpdateWebhook", **self.one(asked, place), state=state)
        return self.desk.stage.pages.go(self.path(place, asked.path["id"]))

    def redeliver(self, asked: Asked, place: Place) -> Response:
        """Send again what was tried in vain or given up."""
        place.client.call("RedeliverWebhook", **self.one(asked, place))
        return self.desk.stage.pages.go(self.path(place, asked.path["id"]))

    def _nouns(self) -> dict[str, str]:
        return {
            f"{kinds[0][0].partition('.')[0]}.*": name
            for name, kinds in kinds_of(self.words, is_of_studio=True)
        }


def _delivery(delivery: Document) -> Delivery:
    attempts = delivery["attempts"]
    return Delivery(
        event_id=delivery["eventId"],
        since=moment(delivery["createdAt"]),
        tried_at=moment(delivery["updatedAt"]) if attempts else None,
        attempts=attempts,
        next_at=moment(delivery["nextAttemptAt"]) if "nextAttemptAt" in delivery else None,
        is_dead=delivery["state"] == "DEAD",
        message=delivery["statusMessage"],
    )
