"""The form by which whoever runs the installation makes a studio; the first page leads here."""

from http import HTTPStatus
from urllib.parse import quote

from starlette.responses import Response

from soundstage.client.calls import CallError
from soundstage.portal.admin.asking import TYPED_WRONG, Ask, Form
from soundstage.portal.session import new_bits
from soundstage.portal.stage import Asked, Stage
from soundstage.portal.views import Document
from soundstage.wire import arn
from soundstage.wire.faults import Complaint

PATH = "/studios/new"
_OPERATION = "CreateStudio"
_ASKS = [Ask(path="displayName"), Ask(path="studioName")]


class Founding:
    """Its page. `addresses` calls it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._form = Form(stage.pages.words, "founding", stage.door.operation(_OPERATION).input)

    def show(self, asked: Asked) -> Response:
        """Show the form."""
        return self._shown(asked, {}, [])

    def make(self, asked: Asked) -> Response:
        """Make a studio of what the form says, and go on to its images."""
        document: Document = {}
        self._form.fill(document, _ASKS, asked.form, {})
        token = asked.form.get("clientToken") or None
        roles = {"adminRoleArn": arn.ANY_ROLE, "userRoleArn": arn.ANY_ROLE}
        try:
            made = asked.client.call(_OPERATION, **document, **roles, clientToken=token)["studio"]
        except CallError as error:
            if error.status not in TYPED_WRONG:
                raise
            answer = self._shown(asked, document, error.complaints)
            answer.status_code = HTTPStatus(error.status)
            return answer
        return self._stage.pages.go(f"/admin/{quote(made['studioId'], safe='')}/images")

    def _shown(self, asked: Asked, document: Document, problems: list[Complaint]) -> Response:
        if not asked.login.is_operator:
            return self._stage.pages.notice("not_admin", HTTPStatus.FORBIDDEN, login=asked.login)
        return self._stage.pages.page(
            "admin/founding.html",
            login=asked.login,
            fields=[
                self._form.field(ask, document, {}, own="", problems=problems) for ask in _ASKS
            ],
            problems=self._form.told(problems, _ASKS),
            client_token=new_bits(),
        )
