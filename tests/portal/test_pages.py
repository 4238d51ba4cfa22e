"""The front page and the answers for watchdogs."""

import httpx
import pytest
from anyio import run
from starlette.applications import Starlette

from soundstage import __version__
from soundstage.portal.pages import routes

ADDRESS = "https://studio.example.org"


def get(path: str, troubles: list[str] | None = None, address: str = ADDRESS) -> httpx.Response:
    app = Starlette(routes=routes(lambda: troubles or [], address=address))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://<b>.test") as client:
            return await client.get(path)

    return run(ask)


def test_the_front_page_of_a_service_that_is_well() -> None:
    page = get("/")
    assert page.status_code == 200
    assert "The service is ready" in page.text
    assert "not ready" not in page.text
    assert ADDRESS in page.text
    assert __version__ in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_troubles_are_told_and_escaped() -> None:
    page = get("/", ["The <script>alert(1)</script> is late.", "The database & more."])
    assert page.status_code == 200
    assert "The service is not ready" in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; is late." in page.text
    assert "The database &amp; more." in page.text
    assert "<script" not in page.text


def test_neither_the_address_nor_the_host_header_can_write_into_the_page() -> None:
    page = get("/", address='https://a"><i>')
    assert "<i>" not in page.text
    assert "<b>" not in page.text


@pytest.mark.parametrize("path", ["/", "/style.css", "/icon.svg", "/healthz", "/readyz"])
def test_every_answer_has_the_security_headers(path: str) -> None:
    answer = get(path)
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_is_small_and_takes_nothing_from_elsewhere() -> None:
    parts = [get(path) for path in ("/", "/style.css", "/icon.svg")]
    assert sum(len(part.content) for part in parts) < 150_000
    assert "http" not in get("/", address="").text.replace("healthz", "")
    assert "url(" not in parts[1].text
    assert [part.headers["content-type"].split(";")[0] for part in parts] == [
        "text/html",
        "text/css",
        "image/svg+xml",
    ]


def test_what_says_how_the_service_is_is_never_kept() -> None:
    for path in ("/", "/healthz", "/readyz"):
        assert get(path).headers["Cache-Control"] == "no-store"


def test_watchdogs_are_answered() -> None:
    assert get("/healthz").json() == {"status": "ok", "version": __version__}
    assert get("/healthz", ["late"]).status_code == 200
    ready = get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "troubles": []})
    late = get("/readyz", ["late"])
    assert (late.status_code, late.json()) == (503, {"status": "not ready", "troubles": ["late"]})
