"""The whole service on a loopback port, its workstations simulated, and stock SDKs that are told
its address by variables only.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from soundstage.kit.clock import system_clock
from soundstage.kit.config import Settings
from soundstage.resources.members import service as members
from soundstage.testing.clients import StockClient, ensure_boto3
from soundstage.testing.raw import Wire
from soundstage.testing.watch import Watch
from soundstage.testing.world import UNTHROTTLED
from soundstage.wiring import service as wiring

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serve the application, its background work included, and say where on loopback."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    # From here on connections queue, so nobody has to wait for the server's start.
    listening.listen()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)


@pytest.fixture(scope="session")
def watching() -> Watch:
    return Watch()


@pytest.fixture
def watch(watching: Watch) -> Iterator[Watch]:
    """Give the watch, which has seen nothing yet."""
    watching.calls.clear()
    watching.inputs.clear()
    yield watching
    watching.fault = None


@pytest.fixture(scope="session")
def environment(
    watching: Watch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Serve, and give the variables that `soundstage env` would print for the operator."""
    home = tmp_path_factory.mktemp("whole")
    # The tests of one module ask one after the other, without a pause.
    settings = Settings(home=home, engine="simulated", **UNTHROTTLED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "OPERATIONS", watching.rows())
        service = wiring.Service(settings, clock=watching.clock)
    service.prepare()
    with service.database.transaction() as transaction:
        operator = members.ensure_person(transaction, members.OPERATOR, system_clock())
        key_id, secret = members.ensure_access_key(
            transaction, operator, service.seal, system_clock()
        )
    try:
        with serving(service.app) as where:
            yield {
                "AWS_ENDPOINT_URL_NIMBLE": where,
                "AWS_ACCESS_KEY_ID": key_id,
                "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_DEFAULT_REGION": "us-west-2",
            }
    finally:
        service.close()


@pytest.fixture(scope="session")
def boto3(environment: dict[str, str]) -> Iterator[StockClient]:
    """Give the operator's SDK, the last that knows the service."""
    with StockClient(ROOT, ensure_boto3(ROOT), environment) as client:
        yield client


@pytest.fixture(scope="session")
def raw(environment: dict[str, str]) -> Wire:
    return Wire(environment)
