"""The OpenAPI document of the whole table, as a client without a key gets it."""

from typing import Any

import httpx
import pytest
from anyio import run
from openapi_spec_validator import validate
from starlette.applications import Starlette

from soundstage.api.description import routes
from soundstage.resources.operations import BY_NOUN, OPERATIONS
from soundstage.wire.operation import BASE_PATH

APP = Starlette(routes=routes(BY_NOUN))


def ask(method: str = "GET", **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://studio.test") as client:
            return await client.request(method, "/openapi.json", headers=headers)

    return run(send)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = ask().json()
    return found


def test_it_is_a_valid_openapi_document(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1.")


def test_it_has_every_operation_once(document: dict[str, Any]) -> None:
    found = {
        operation["operationId"]: (method.upper(), path, operation["tags"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    nouns = {row.name: noun for noun, rows in BY_NOUN.items() for row in rows}
    assert found == {
        row.name: (row.method, BASE_PATH + row.path, [nouns[row.name]]) for row in OPERATIONS
    }
    assert len(found) == len(OPERATIONS)


def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            statuses = set(operation["responses"])
            assert len(statuses & {"200", "204"}) == 1
            assert {"400", "402", "403", "404", "409", "429", "500"} <= statuses
            assert {"413", "414", "431"} <= statuses
            assert "405" not in statuses


def test_it_is_not_sent_twice() -> None:
    first = ask()
    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    again = ask(**{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = ask(**{"if-none-match": '"another"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_it_can_t_be_written_to() -> None:
    assert ask("POST").status_code == 405
