"""Calls of this process to itself."""

import anyio
import anyio.to_thread
import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from soundstage.wiring.inside import Inside


async def _echo(request: Request) -> Response:
    body = (await request.body()).decode()
    client = request.client.host if request.client else ""
    return JSONResponse({"query": request.url.query, "body": body, "client": client}, 201)


async def _broken(request: Request) -> Response:
    raise RuntimeError(request.url.path)


APP = Starlette(routes=[Route("/echo", _echo, methods=["POST"]), Route("/broken", _broken)])


def ask(method: str, path: str, body: bytes = b"") -> httpx.Response:
    def call() -> httpx.Response:
        with httpx.Client(transport=Inside(APP, "192.0.2.7"), trust_env=False) as client:
            return client.request(method, f"http://here.test{path}", content=body)

    async def from_a_worker_thread() -> httpx.Response:
        return await anyio.to_thread.run_sync(call)

    return anyio.run(from_a_worker_thread)


def test_a_request_arrives_whole_and_so_does_its_answer() -> None:
    answer = ask("POST", "/echo?a=%20b", b"c")
    assert answer.status_code == 201
    assert answer.json() == {"query": "a=%20b", "body": "c", "client": "192.0.2.7"}


def test_a_broken_answer_is_an_answer() -> None:
    assert ask("GET", "/broken").status_code == 500
