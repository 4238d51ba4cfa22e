"""The front page and the answers for watchdogs."""

from pathlib import Path

from soundstage import __version__
from soundstage.testing.visitor import Visitor
from soundstage.testing.world import ENDPOINT, World
from soundstage.testing.world import world as a_world


def test_the_front_page_of_a_service_that_is_well(world: World) -> None:
    visitor = Visitor(world)
    visitor.world.settle()
    page = visitor.get("/")
    assert page.status_code == 200
    assert "The service is ready" in page.text
    assert "not ready" not in page.text
    assert ENDPOINT in page.text
    assert __version__ in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"


def test_a_service_that_is_late_says_so(world: World) -> None:
    visitor = Visitor(world)
    page = visitor.get("/")
    assert "The service is not ready" in page.text
    assert "The reconciler has not looked for a while." in page.text


def test_the_host_header_can_not_write_into_the_page(visitor: Visitor) -> None:
    page = visitor.get("/", Host='"><b>.test')
    assert "<b>" not in page.text


def test_the_page_is_small_and_takes_nothing_from_elsewhere(tmp_path: Path) -> None:
    with a_world(tmp_path / "home", public_url="https://studio.example.org") as made:
        page = Visitor(made).get("/")
    text = page.text.replace("https://studio.example.org", "")
    assert "http://" not in text
    assert "https://" not in text
    assert len(page.content) < 20_000


def test_watchdogs_are_answered(world: World) -> None:
    visitor = Visitor(world)
    alive = visitor.get("/healthz")
    assert alive.json() == {"status": "ok", "version": __version__}
    late = visitor.get("/readyz")
    assert late.status_code == 503
    assert late.json()["status"] == "not ready"
    visitor.world.settle()
    ready = visitor.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "troubles": []})
    assert ready.headers["Cache-Control"] == alive.headers["Cache-Control"] == "no-store"
    assert visitor.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_who_is_signed_in_goes_on_from_the_front_page(visitor: Visitor) -> None:
    visitor.sign_in("anna")
    assert "The service is" not in visitor.get("/").text
