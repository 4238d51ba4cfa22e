"""Addresses: everything that changes something is sent, everything else is asked for."""

from typing import TYPE_CHECKING

from starlette.routing import Route

from soundstage.portal.admin import addresses, founding

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office


def test_each_address_is_there_once_for_each_way_of_asking(office: "Office") -> None:
    found = [
        (route.path, method)
        for route in addresses.routes(office.world.service.portal._stage)
        if isinstance(route, Route)
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]
    assert len(found) == len(set(found))
    sent = {path for path, method in found if method == "POST"}
    # A studio's, but for the one by which it is made.
    assert {path for path in sent if not path.startswith("/admin/{studio}/")} == {founding.PATH}
    assert {path for path, method in found if path.endswith(("/remove", "/members"))} <= sent
