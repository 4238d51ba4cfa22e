"""What a stock SDK makes of being throttled: its own exception, or another try by itself."""

import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import uvicorn

from soundstage.api.app import build
from soundstage.api.door import ApiSettings
from soundstage.api.throttling import Limits
from soundstage.kit.buckets import Rate
from soundstage.kit.clock import system_clock
from soundstage.kit.database import Database, sqlite_url
from soundstage.testing.clients import StockClient, StockError, ensure_boto3
from soundstage.testing.small_studio import SEAL, SECRETS, STUDIO, SmallStudio

ROOT = Path(__file__).parents[2]


class SteppingStudio(SmallStudio):
    """A small studio whose time goes on with each request, and not between them."""

    step = timedelta()

    def now(self) -> datetime:
        self.at += self.step
        return self.at


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[SteppingStudio]:
    database = Database(sqlite_url(tmp_path / "tokens.sqlite"), SEAL)
    made = SteppingStudio(database)
    made.at = system_clock()
    yield made
    database.dispose()


@pytest.fixture
def sdk(studio: SteppingStudio) -> Iterator[StockClient]:
    """Give an SDK that may read once a second."""
    settings = ApiSettings(throttling=Limits(reads=Rate(1, 1)))
    app = build(studio.operations(), studio, settings)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    environment = {
        "AWS_ENDPOINT_URL_NIMBLE": f"http://127.0.0.1:{listening.getsockname()[1]}",
        "AWS_ACCESS_KEY_ID": "AKIAOPERATOR",
        "AWS_SECRET_ACCESS_KEY": SECRETS["AKIAOPERATOR"][0],
        "AWS_DEFAULT_REGION": "us-west-2",
    }
    try:
        with StockClient(ROOT, ensure_boto3(ROOT), environment) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(timeout=20)


def test_the_sdk_s_own_exception_says_when_to_come_back(
    sdk: StockClient, studio: SteppingStudio
) -> None:
    sdk.call("get_studio", studioId=STUDIO)
    with pytest.raises(StockError) as caught:
        sdk.call("get_studio", studioId=STUDIO)
    error = caught.value
    assert (error.class_name, error.status) == ("ThrottlingException", 429)
    assert error.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
    assert error.message.endswith("1 a second are allowed, and 1 at once. Try again in 1 s.")
    assert error.response["context"]["limited"] == "reads"
    assert studio.calls["GetStudio"] == 1


def test_the_sdk_tries_again_by_itself(sdk: StockClient, studio: SteppingStudio) -> None:
    studio.step = timedelta(seconds=0.6)
    patient = {"attempts": 5}
    first, second = (
        sdk.call_with(patient, "get_studio", studioId=STUDIO)["ResponseMetadata"] for _ in range(2)
    )
    assert (first["RetryAttempts"], second["RetryAttempts"]) == (0, 1)
    assert second["HTTPStatusCode"] == 200
    assert studio.calls["GetStudio"] == 2
