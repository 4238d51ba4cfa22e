"""Requests that a machine thinks of, for every operation, from our own OpenAPI document.

Right ones and wrong ones, signed with a real key, over a real connection, to the whole service on
the simulated engine. No answer may be a failure of ours, each must be as the document says, and
what the document forbids must be refused. `--hypothesis-profile=long` thinks for longer.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from requests.auth import AuthBase
from schemathesis.checks import load_all_checks
from schemathesis.core.result import Ok
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from starlette.applications import Starlette

from soundstage.api.description import document_of
from soundstage.resources.operations import BY_NOUN, OPERATIONS
from soundstage.testing.world import PERSISTENT, World, world
from soundstage.wire.operation import TOKEN_HEADER

CONFIG: dict[str, Any] = {
    "generation": {"mode": "all", "with-security-parameters": False},
    "checks": {
        # What is right by the document may name what is not there.
        "positive_data_acceptance": {"enabled": False},
        # It would be signed again; a test of its own looks at requests without a signature.
        "ignored_auth": {"enabled": False},
        # 414: a query may be refused for its length before it is looked at.
        "negative_data_rejection": {"expected-statuses": [400, 404, 405, 413, 414, 431]},
    },
}
SCHEMA = schemathesis.openapi.from_dict(
    document_of(BY_NOUN), config=schemathesis.Config.from_dict(CONFIG)
)
load_all_checks()
Case = schemathesis.Case[Any]
SOON = timedelta(seconds=2)


class Signature(AuthBase):
    """Signs what is about to be sent, as the operator, at the world's time."""

    def __init__(self, made: World) -> None:
        self._client = made.operator

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        if not isinstance(body, str | bytes):
            raise TypeError("A body that comes in pieces can't be signed.")
        signed = self._client._signed(
            str(request.method),
            str(request.url),
            {name: _text(value) for name, value in request.headers.items()},
            body.encode() if isinstance(body, str) else body,
        )
        for name in ("X-Amz-Date", "Authorization"):
            request.headers[name] = signed[name]
        return request


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


class Ground:
    """A world behind a socket, with a furnished studio for the requests of each operation."""

    def __init__(self, made: World, address: str) -> None:
        self.world = made
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = Signature(made)
        self.known: dict[str, str] = {}
        self._made = self._sent = 0

    def furnish(self) -> None:
        """Make a new studio with one of everything, for requests to name."""
        self._made += 1
        call = self.world.operator.call
        host = call("ListHosts")["hosts"][0]
        if host["state"] != "OPEN":
            call("ReopenHost", hostName=host["hostName"])
        studio_id = self.world.studio(f"studio{self._made}")["studioId"]
        profile = self.world.profile(studio_id, **PERSISTENT, sessionShare={})
        place = {"studioId": studio_id, "launchProfileId": profile["launchProfileId"]}
        person = self.world.principal_id("ann")
        for name, whose, persona in (
            ("PutLaunchProfileMembers", place, "USER"),
            ("PutStudioMembers", {"studioId": studio_id}, "ADMINISTRATOR"),
        ):
            members = [{"principalId": person, "persona": persona}]
            call(name, **whose, identityStoreId="d-soundstage", members=members)
        session = call("CreateStreamingSession", **place)["session"]
        one = {"studioId": studio_id, "sessionId": session["sessionId"]}
        self.world.advance(SOON)
        call("StopStreamingSession", **one)
        self.world.advance(SOON)
        call("StartStreamingSession", **one)
        self.world.advance(SOON)
        backups = call("ListStreamingSessionBackups", studioId=studio_id)
        hook = call("CreateWebhook", studioId=studio_id, url="http://nowhere.invalid/")["webhook"]
        # To find out that there is no such name takes a while, for each event again.
        rests = {"studioId": studio_id, "webhookId": hook["webhookId"], "state": "DISABLED"}
        call("UpdateWebhook", **rests)
        self.known = {
            "webhookId": hook["webhookId"],
            **place,
            **one,
            "principalId": person,
            "backupId": backups["streamingSessionBackups"][0]["backupId"],
            "streamId": call("CreateStreamingSessionStream", **one)["stream"]["streamId"],
            "shareId": call("CreateStreamingSessionShare", **one)["share"]["shareId"],
            "streamingImageId": profile["streamConfiguration"]["streamingImageIds"][0],
            "studioComponentId": profile["studioComponentIds"][0],
            "resourceArn": profile["arn"],
            "hostName": host["hostName"],
            "eulaId": call("ListEulas")["eulas"][0]["eulaId"],
        }

    def direct(self, case: Case) -> None:
        """Lead a request to what is there; only then is the rest of it looked at."""
        self._sent += 1
        for name in case.path_parameters or {}:
            case.path_parameters[name] = quote(self.known[name], safe="")
        if case.meta is None or not case.meta.generation.mode.is_positive:
            return
        if TOKEN_HEADER in case.headers:
            # Two requests of one token are one request.
            case.headers[TOKEN_HEADER] = f"token {self._sent}"
        if isinstance(case.body, dict):
            case.body = self._with_known(case.body)

    def _with_known(self, value: Any) -> Any:
        """Put the ids of what is there in the place of made-up ones."""
        if isinstance(value, list):
            return [self._with_known(item) for item in value]
        if not isinstance(value, dict):
            return value
        found = {name: self._with_known(item) for name, item in value.items()}
        for name, item in found.items():
            if isinstance(item, str) and name in self.known:
                found[name] = self.known[name]
            elif isinstance(item, list) and name.removesuffix("s") in self.known:
                found[name] = [self.known[name.removesuffix("s")]]
        return found


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serve the application without its background work, which the world does by hand."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    # From here on connections queue, so nobody has to wait for the server's start.
    listening.listen()
    config = uvicorn.Config(app, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with world(tmp_path_factory.mktemp("ground")) as made, serving(made.service.app) as address:
        made.engine.start_seconds = made.engine.stop_seconds = made.engine.backup_seconds = 0.1
        found = Ground(made, address)
        yield found
        found.session.close()


@pytest.fixture
def furnished(ground: Ground) -> Ground:
    ground.furnish()
    return ground


@pytest.mark.parametrize("name", [row.name for row in OPERATIONS])
def test_every_answer_is_as_the_document_says(name: str, furnished: Ground) -> None:
    # One studio for all requests of an operation: what one does, the next one meets.
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def ask(case: Case) -> None:
        furnished.direct(case)
        answer = case.call(base_url=furnished.address, session=furnished.session)
        if case.method != "GET":
            furnished.world.settle()
        case.validate_response(answer)

    # Requests are thought of here, and not by `SCHEMA.parametrize` while tests are collected:
    # each process that runs a part of the tests would think of all of them.
    build_operation_test(
        config=SCHEMA.config,
        operation=SCHEMA.find_operation_by_id(name),
        test_func=ask,
        given_kwargs={},
        feedback=FeedbackSources(),
    )()


def test_no_operation_is_done_for_who_does_not_sign(furnished: Ground) -> None:
    asked = set()
    for found in SCHEMA.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        names = [parameter.name for parameter in operation.path_parameters]
        labels = {name: furnished.known[name] for name in names}
        case = operation.Case(path_parameters=labels)
        answer = case.call(base_url=furnished.address)
        assert answer.status_code == 403, operation.label
        assert answer.headers["x-amzn-errortype"] == ["MissingAuthenticationTokenException"]
        case.validate_response(answer)
        asked.add(operation.label)
    assert len(asked) == len(OPERATIONS)
