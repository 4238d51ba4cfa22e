"""A gateway that is served for real, before a stand-in desktop and a control plane in memory."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from soundstage.testing.streams import GatewayWorld, gateway_world

PAGE = (
    '<!doctype html><html lang="en"><head><title>Selkies</title>'
    '<script type="module" src="./assets/index-1.js"></script></head><body></body></html>'
)
SCRIPT = "let e=document.createElement(`style`);e.textContent=`body { margin: 0 }`;"


def lay_out(tmp_path: Path) -> Path:
    """Lay out a small web client where the real one would be installed."""
    folder = tmp_path / "environment/lib/python3.11/site-packages/selkies/selkies_web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets" / "index-1.js").write_text(SCRIPT + "/* long */" * 500)
    (folder / "icon.png").write_bytes(b"png")
    (tmp_path / "secret.txt").write_text("not for the web")
    (folder / "assets" / "link.js").symlink_to(tmp_path / "secret.txt")
    (folder / "outside").symlink_to(tmp_path)
    return tmp_path / "environment"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Give an environment with a web client of two files."""
    return lay_out(tmp_path)


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayWorld]:
    """Serve a gateway for the tests of a module that are all turned away and change nothing."""
    # Not below pytest's folder: a socket's path may be 107 bytes long.
    with tempfile.TemporaryDirectory(prefix="soundstage-test-") as home:
        environment = lay_out(tmp_path_factory.mktemp("client"))
        with gateway_world(Path(home), environment) as world:
            yield world


@pytest.fixture
def open_world(home: Path, environment: Path) -> Iterator[Callable[..., GatewayWorld]]:
    """Give a way to serve a gateway with settings of the test's own."""
    with ExitStack() as stack:

        def enter(**settings: Any) -> GatewayWorld:
            home.chmod(0o700)
            world: AbstractContextManager[GatewayWorld] = gateway_world(
                home, environment, **settings
            )
            return stack.enter_context(world)

        yield enter


@pytest.fixture
def world(open_world: Callable[..., GatewayWorld]) -> GatewayWorld:
    """Serve a gateway with the usual settings."""
    return open_world()
