"""Which addresses are the portal's, and that none of them is another room's."""

from starlette.routing import Route

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
