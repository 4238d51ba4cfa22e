"""A real server on a loopback port, and stock SDKs that are told its address by variables only."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from soundstage.api.app import build
from soundstage.api.door import ApiSettings
from soundstage.kit.clock import system_clock
from soundstage.kit.config import Settings
from soundstage.kit.database import Database, sqlite_url
from soundstage.resources.members import service as members
from soundstage.testing.clients import StockClient, ensure_boto3
from soundstage.testing.small_studio import SECRETS, SmallStudio
from soundstage.wiring import Service

ROOT = Path(__file__).parents[2]


class LiveStudio(SmallStudio):
    """The small studio in the SDK's own time."""

    def now(self) -> datetime:
        return system_clock()


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
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallStudio]:
    database = Database(sqlite_url(tmp_path_factory.mktemp("clients") / "tokens.sqlite"))
    yield LiveStudio(database)
    database.dispose()


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockClient]:
    """Give an operator's SDK against the whole service, its workstations simulated."""
    settings = Settings(home=tmp_path_factory.mktemp("whole"), engine="simulated")
    service = Service(settings)
    service.prepare()
    with service.database.transaction() as transaction:
        operator = members.ensure_person(transaction, members.OPERATOR, system_clock())
        key_id, secret = members.ensure_access_key(
            transaction, operator, service.seal, system_clock()
        )
    try:
        with serving(service.app) as where:
            environment = {
                "AWS_ENDPOINT_URL_NIMBLE": where,
                "AWS_ACCESS_KEY_ID": key_id,
                "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_DEFAULT_REGION": "us-west-2",
            }
            with StockClient(ROOT, ensure_boto3(ROOT), environment) as client:
                yield client
    finally:
        service.close()


@pytest.fixture(autouse=True)
def no_fault(small: SmallStudio) -> None:
    small.fault = None
    small.calls.clear()
    small.inputs.clear()


@pytest.fixture(scope="session")
def address(small: SmallStudio) -> Iterator[str]:
    with serving(Starlette(routes=build(small.operations(), small, ApiSettings()))) as where:
        yield where


@pytest.fixture(scope="session")
def environment(address: str) -> dict[str, str]:
    """Give the variables that `soundstage env` would print."""
    return {
        "AWS_ENDPOINT_URL_NIMBLE": address,
        "AWS_ACCESS_KEY_ID": "AKIAOPERATOR",
        "AWS_SECRET_ACCESS_KEY": SECRETS["AKIAOPERATOR"][0],
        "AWS_DEFAULT_REGION": "us-west-2",
    }


@pytest.fixture(scope="session")
def boto3(environment: dict[str, str]) -> Iterator[StockClient]:
    with StockClient(ROOT, ensure_boto3(ROOT), environment) as client:
        yield client
