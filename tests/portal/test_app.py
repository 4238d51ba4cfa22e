"""Which addresses are the portal's, and that none of them is another room's."""

import pytest
from starlette.routing import Route

from soundstage.portal.reading import Glance, Reader
from soundstage.testing.visitor import Visitor
from soundstage.testing.world import World


def test_every_action_is_a_post_and_every_page_a_get(shared: World) -> None:
    routes = shared.service.portal.routes()
    methods = {
        (route.path, method)
        for route in routes
        if isinstance(route, Route)
        for method in route.methods or set()
    }
    assert {("/", "GET"), ("/sign-in", "POST"), ("/logins/end", "POST")} <= methods
    assert {method for _, method in methods} == {"GET", "HEAD", "POST"}


def test_the_other_rooms_keep_their_addresses(visitor: Visitor) -> None:
    assert visitor.get("/openapi.json").headers["content-type"] == "application/json"
    assert visitor.get("/streams/x/").status_code == 401
    assert visitor.get("/2020-08-01/studios").status_code == 403


@pytest.mark.parametrize(
    ("language", "title"), [("en", "There is nothing here"), ("de", "Hier ist nichts")]
)
def test_an_address_that_leads_nowhere_is_a_page(
    visitor: Visitor, language: str, title: str
) -> None:
    for path in ("/nothing", "/admin/x/y/z", "/workstations", "/a/b/../%3Cb%3E"):
        answer = visitor.get(path, **{"Accept-Language": language})
        assert (answer.status_code, title in answer.text) == (404, True), path
        assert "<b>" not in answer.text


def test_a_mistake_of_ours_is_a_page_and_tells_nothing_of_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(world).sign_in("anna")

    def breaks(reader: Reader, glance: Glance) -> None:
        del reader, glance
        raise RuntimeError("a secret")

    monkeypatch.setattr(Reader, "studios", breaks)
    answer = visitor.get("/", **{"Accept-Language": "de"})
    assert answer.status_code == 500
    assert "Hier ging etwas kaputt" in answer.text
    assert "secret" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
