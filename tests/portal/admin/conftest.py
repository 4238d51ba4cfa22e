"""A studio with its operator, an administrator and an artist, each at a browser without script."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from soundstage.resources.members.service import IDENTITY_STORE_ID
from soundstage.testing.visitor import Visitor
from soundstage.testing.walks import Studio
from soundstage.testing.world import PERSISTENT, World
from soundstage.testing.world import world as a_world


class Office:
    """The studio and its people."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.studio = Studio(world, **PERSISTENT)
        self.path = f"/admin/{quote(self.studio.id, safe='')}"
        self.operator = Visitor(world).sign_in("operator")
        self.ben = Visitor(world).sign_in("ben")
        self.anna = Visitor(world).sign_in("anna")
        world.operator.call(
            "PutStudioMembers",
            studioId=self.studio.id,
            identityStoreId=IDENTITY_STORE_ID,
            members=[{"principalId": world.principal_id("ben"), "persona": "ADMINISTRATOR"}],
        )

    def see(self, page: str, who: Visitor | None = None) -> httpx.Response:
        """Open one of the pages; the operator does unless somebody else is named."""
        return (who or self.operator).get(f"{self.path}/{page}")

    def send(self, page: str, form: str = "", **fields: str) -> httpx.Response:
        """Fill a page's form in and send it; where it is sent is the page unless said."""
        return self.operator.submit(self.see(page), f"{self.path}/{form or page}", **fields)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    home: Path = tmp_path_factory.mktemp("office") / "home"
    with a_world(home, throttle_sign_ins_per_minute=0) as made:
        yield Office(made)
