"""The front page and the answers for watchdogs."""

from pathlib import Path

import pytest

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


# ---- languages -----------------------------------------------------------------------------------


def test_pages_speak_what_the_browser_asks_for(visitor: Visitor) -> None:
    page = visitor.get("/", **{"Accept-Language": "de-CH,de;q=0.9,en;q=0.5"})
    assert '<html lang="de">' in page.text
    assert "Anmelden" in page.text
    assert '<html lang="en">' in visitor.get("/").text


def test_a_choice_is_kept_and_leads_back_to_the_page(visitor: Visitor) -> None:
    visitor.sign_in("anna")
    visitor.http.headers["Referer"] = f"{ENDPOINT}/logins?page=1"
    chosen = visitor.submit(visitor.get("/logins"), "/language", language="de")
    assert chosen.headers["Location"] == "/logins?page=1"
    assert chosen.headers["Set-Cookie"] == (
        "soundstage_language=de; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
    )
    page = visitor.get("/logins", **{"Accept-Language": "en"})
    assert "Die Browser, auf denen du angemeldet bist." in page.text
    visitor.submit(page, "/language", language="en")
    assert "The browsers that you are signed in on." in visitor.get("/logins").text


def test_refusals_are_told_in_the_language_as_well(visitor: Visitor) -> None:
    visitor.sign_in("anna")
    missing = visitor.get("/admin", **{"Accept-Language": "de"})
    assert "Das ist für die Verwaltung" in missing.text


def test_only_languages_that_there_are_are_kept_and_only_from_here(visitor: Visitor) -> None:
    for fields in ({"language": "xx"}, {"language": "../en"}, {}):
        refused = visitor.post("/language", fields)
        assert (refused.status_code, "Set-Cookie" in refused.headers) == (400, False)
    foreign = visitor.post("/language", {"language": "de"}, origin="https://evil.test")
    assert (foreign.status_code, "Set-Cookie" in foreign.headers) == (403, False)
    too_large = visitor.post("/language", {"language": "de", "more": "x" * 100_000})
    assert too_large.status_code == 400


@pytest.mark.parametrize(
    ("before", "path"),
    [
        ("", "/"),
        ("https://evil.test/x", "/"),
        (f"{ENDPOINT}.evil.test/x", "/"),
        (f"{ENDPOINT}//evil.test/x", "/evil.test/x"),
        (f"{ENDPOINT}/", "/"),
    ],
)
def test_a_choice_leads_nowhere_but_to_pages_of_ours(
    visitor: Visitor, before: str, path: str
) -> None:
    visitor.http.headers["Referer"] = before
    assert visitor.post("/language", {"language": "de"}).headers["Location"] == path
