"""The form that changes how much of each thing a studio may have; the capacity page leads here."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from starlette.responses import Response

from soundstage.client.calls import CallError
from soundstage.portal.admin.asking import Ask, Field, Form
from soundstage.portal.admin.desk import Desk, Place
from soundstage.portal.fields import take
from soundstage.portal.stage import Asked
from soundstage.portal.views import Document
from soundstage.wire.faults import Complaint

_OPERATION = "UpdateStudioQuotas"
_TYPED_WRONG = {400, 409}


class Quotas:
    """Its page. `addresses` calls it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        shape = desk.stage.door.operation(_OPERATION).input
        self._form = Form(desk.stage.pages.words, "quotas", shape)
        names = (field.encode_name for field in msgspec.structs.fields(shape))
        self._asks = [Ask(path=each) for each in names if each not in {"studioId", "clientToken"}]

    def show(self, asked: Asked, place: Place) -> Response:
        """Show what they are."""
        return self._shown(asked, place, {})

    def change(self, asked: Asked, place: Place) -> Response:
        """Make them what the form says; a field left empty leaves its quota."""
        typed: Document = {}
        self._form.fill(typed, self._asks, asked.form, {})
        try:
            place.client.call(_OPERATION, **place.studio, **typed)
        except CallError as error:
            if error.status not in _TYPED_WRONG:
                raise
            answer = self._shown(asked, place, typed, problems=error.complaints)
            answer.status_code = HTTPStatus(error.status)
            return answer
        return self._desk.stage.pages.go(f"{place.path}/capacity")

    def _shown(
        self, asked: Asked, place: Place, typed: Document, *, problems: Sequence[Complaint] = ()
    ) -> Response:
        told = place.client.call("GetStudioQuotas", **place.studio)
        uses = place.client.call("GetStudioCapacity", **place.studio)["quotas"]
        used = {each["name"]: each["used"] for each in uses if "used" in each}
        return self._desk.show(
            "quotas.html",
            asked,
            place,
            "capacity",
            live=False,
            fields=[self._field(ask, told, used, typed, problems) for ask in self._asks],
            problems=self._form.told(problems, self._asks),
            is_operator=place.is_operator,
        )

    def _field(
        self,
        ask: Ask,
        told: Document,
        used: Document,
        typed: Document,
        problems: Sequence[Complaint],
    ) -> Field:
        values = {**told["quotas"], **typed}
        field = self._form.field(ask, values, {}, own="", problems=problems)
        hint = self._desk.stage.pages.words(
            "quotas.in_use" if ask.path in used else "quotas.by_person",
            used=used.get(ask.path),
            installation=take(told["installationQuotas"], ask.path),
        )
        limits = msgspec.structs.replace(field.limits, is_required=True)
        return msgspec.structs.replace(field, hint=hint, limits=limits)
