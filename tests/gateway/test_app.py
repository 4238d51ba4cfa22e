"""From a link to the client's page, and every way not to get there."""

from datetime import timedelta
from pathlib import Path

import pytest

from soundstage.gateway.app import Gateway
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.tickets import COOKIE
from soundstage.gateway.upstreams import Became
from soundstage.testing.streams import GatewayWorld, MemoryUpstreams
from soundstage.wire.ticket import Tickets

OTHER = "BBBBBBBBBBBBBBBBBBBBBB"


def test_a_link_becomes_a_cookie_and_a_clean_address(world: GatewayWorld) -> None:
    status, headers, _ = world.ask(f"{world.page()}?ticket={world.ticket()}")
    assert (status, headers["location"]) == (303, world.page())
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    cookie = headers["set-cookie"].split(";")[0]
    status, headers, body = world.ask(world.page(), Cookie=cookie)
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert b"assets/index-1.js" in body


def test_a_link_opens_once(world: GatewayWorld) -> None:
    link = f"{world.page()}?ticket={world.ticket()}"
    assert world.ask(link)[0] == 303
    status, headers, body = world.ask(link)
    assert status == 410
    assert b"This link was already used" in body
    assert "set-cookie" not in headers


def test_whoever_is_inside_already_gets_back_by_an_old_link(world: GatewayWorld) -> None:
    link = f"{world.page()}?ticket={world.ticket()}"
    assert world.ask(link)[0] == 303
    status, headers, _ = world.ask(link, Cookie=world.cookie())
    assert (status, headers["location"]) == (303, world.page())
    assert "set-cookie" not in headers
    assert world.ask(link, Cookie=world.cookie(OTHER))[0] == 410


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"Sec_Purpose": "prefetch"}),
        ("GET", {"Sec_Purpose": "prefetch;prerender"}),
        ("GET", {"Purpose": "prefetch"}),
        ("GET", {"Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"}),
        ("GET", {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"}),
        ("GET", {"Sec_Fetch_Mode": "cors", "Sec_Fetch_Dest": "empty"}),
    ],
)
def test_only_a_person_uses_a_link_up(
    world: GatewayWorld, method: str, headers: dict[str, str]
) -> None:
    link = f"{world.page()}?ticket={world.ticket()}"
    status, answer, _ = world.ask(link, method, **headers)
    assert status in {200, 503}
    assert "set-cookie" not in answer
    assert not world.upstreams.used
    status, _, _ = world.ask(link, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")
    assert status == 303


def test_a_link_cannot_be_posted(world: GatewayWorld) -> None:
    assert world.ask(f"{world.page()}?ticket={world.ticket()}", "POST")[0] == 405


def test_bad_links_get_a_page_that_says_why(world: GatewayWorld) -> None:
    def headline(ticket: str, stream: str = world.stream) -> tuple[int, str]:
        status, headers, body = world.ask(f"{world.page(stream)}?ticket={ticket}")
        assert headers["cache-control"] == "no-store"
        assert "set-cookie" not in headers
        return status, body.decode().partition("<h1>")[2].partition("</h1>")[0]

    assert headline(world.ticket(seconds=-1)) == (410, "This link has expired")
    assert headline(world.ticket(OTHER)) == (403, "This link does not fit")
    assert headline("nonsense") == (403, "This link does not fit")
    assert headline(world.ticket(OTHER), OTHER) == (503, "The desktop does not answer just now")
    world.upstreams.over.add(world.stream)
    assert headline(world.ticket()) == (410, "This stream has ended")
    assert not world.upstreams.used


def test_pages_without_a_desktop_are_counted_by_their_reason(world: GatewayWorld) -> None:
    world.ask(f"{world.page()}?ticket={world.ticket(seconds=-1)}")
    ticket = world.ticket()
    for _ in range(3):
        world.ask(f"{world.page()}?ticket={ticket}")
    world.ask(world.page())
    world.ask(f"{world.page()}not-secure")
    world.ask(f"{world.page()}?ticket={world.ticket()}", Sec_Purpose="prefetch")
    world.upstreams.over.add(world.stream)
    world.ask(world.page(), Cookie=world.cookie())
    # Who is inside opens an old link without being refused; a page that asks on is none.
    world.ask(f"{world.page()}api/status")
    counted = {reason: n for reason, n in world.gateway.refused.by_reason.items() if n}
    assert counted == {
        "expired": 1,
        "used": 2,
        "missing": 1,
        "not-secure": 1,
        "not-asked": 1,
        "ended": 1,
    }


def test_who_had_a_desktop_is_told_what_became_of_it_and_led_to_its_page(
    world: GatewayWorld,
) -> None:
    path = "/workstations/us-west-2%3Astid-1/x"
    told = "It was stopped because <it> was idle."
    world.upstreams.over.add(world.stream)
    world.upstreams.became = Became(how="stopped", by="service", told=told, path=path)
    status, headers, body = world.ask(world.page(), Cookie=world.cookie())
    assert status == 410
    assert "refresh" not in headers
    page = body.decode()
    assert "<h1>Your workstation was stopped</h1>" in page
    assert '<p lang="en">It was stopped because &lt;it&gt; was idle.</p></details>' in page
    assert f'<a class="go" href="{path}">To your workstation</a>' in page
    # Whoever has no cookie of this stream is told nothing of it.
    assert path not in world.ask(world.page())[2].decode()


def test_the_page_needs_its_own_cookie(world: GatewayWorld) -> None:
    assert world.ask(world.page())[0] == 401
    assert world.ask(world.page(), Cookie=world.cookie(OTHER))[0] == 403
    assert world.ask(world.page(), Cookie=f"{COOKIE}={world.ticket()}")[0] == 403
    assert world.ask(world.page(), Cookie=world.cookie())[0] == 200
    world.now += timedelta(seconds=121)
    assert world.ask(world.page(), Cookie=world.cookie(seconds=-1))[0] == 410
    world.upstreams.over.add(world.stream)
    assert world.ask(world.page(), Cookie=world.cookie())[0] == 410
    assert world.ask(world.page(), "HEAD", Cookie=world.cookie())[0] == 410


def test_the_client_may_ask_whether_connecting_makes_sense(world: GatewayWorld) -> None:
    path = f"{world.page()}api/websockets"
    assert world.ask(path)[0] == 401
    assert world.ask(path, Cookie=world.cookie())[0] == 426
    world.upstreams.places.clear()
    assert world.ask(path, Cookie=world.cookie())[0] == 503
    world.upstreams.over.add(world.stream)
    assert world.ask(path, Cookie=world.cookie())[0] == 410
    assert world.desktop.heads == []


def test_the_clients_question_is_answered_here(world: GatewayWorld) -> None:
    path = f"{world.page()}api/status"
    assert world.ask(path)[0] == 401
    status, headers, body = world.ask(path, Cookie=world.cookie())
    assert (status, headers["content-type"]) == (200, "application/json")
    assert b'"current_mode":"websockets"' in body
    assert "sandbox" in headers["content-security-policy"]
    assert world.desktop.heads == []


@pytest.mark.parametrize(
    "path",
    [
        "api/",
        "api/files/",
        "api/upload",
        "api/tokens",
        "api/sessions",
        "api/screenshot",
        "api/switch",
        "api/ws",
        "api/websockets/",
        "api/health",
        "..%2f..%2fetc/passwd",
        "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "assets/../../index.html",
        "assets/..%5c..%5cindex.html",
        "assets/index-1.js%00.png",
        "assets//index-1.js",
        "/etc/passwd",
        "index.html",
        "assets/link.js",
        "outside/secret.txt",
        "<script>alert(1)</script>",
    ],
)
def test_nothing_else_is_there_and_no_desktop_is_asked(
    shared_world: GatewayWorld, path: str
) -> None:
    status, headers, body = shared_world.ask(
        f"{shared_world.page()}{path}", Cookie=shared_world.cookie()
    )
    assert status == 404
    assert b"<script>alert" not in body
    assert "location" not in headers
    assert shared_world.desktop.heads == []


@pytest.mark.parametrize(
    "path", ["/streams//evil.example/", "/streams/%2f%2fevil.example/", "/streams/\\evil.example/"]
)
def test_no_redirect_leads_elsewhere(shared_world: GatewayWorld, path: str) -> None:
    status, headers, _ = shared_world.ask(f"{path}?ticket={shared_world.ticket()}")
    assert status in {403, 404}
    assert "location" not in headers


def test_shared_files_are_kept_by_browsers_for_ever(world: GatewayWorld) -> None:
    _, _, page = world.ask(world.page(), Cookie=world.cookie())
    path = page.decode().partition('<script type="module" src="')[2].partition('"')[0]
    status, headers, body = world.ask(path, Accept_Encoding="gzip")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert len(body) == int(headers["content-length"]) < len(world.ask(path)[2])
    assert world.ask(path, If_None_Match=headers["etag"])[0] == 304
    assert world.ask(path.replace("index-1.js", "none.js"))[0] == 404
    assert world.ask("/streams/assets/0/icon.png")[0] == 404


def test_without_a_client_installed_the_page_says_so(tmp_path: Path) -> None:
    settings = GatewaySettings(public_url="http://x", stream_environment=tmp_path)
    gateway = Gateway(settings, MemoryUpstreams(), Tickets(b"s" * 32), lambda: None)  # type: ignore[arg-type, return-value]
    assert gateway._client is None
    assert b"viewer is not installed" in gateway._pages.notice("not-installed").body
