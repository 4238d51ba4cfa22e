"""People and keys of a running service, as a stock SDK notices them."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from soundstage.cli.user import user
from soundstage.kit.config import Settings
from soundstage.testing.clients import StockClient, StockError, ensure_boto3
from soundstage.testing.process import ServiceProcess
from soundstage.testing.streams import wait_for

ROOT = Path(__file__).parents[2]
HONOURED_WITHIN = 5.0
UNKNOWN = ("UnrecognizedClientException", 403)


@pytest.fixture
def service() -> Iterator[ServiceProcess]:
    folder = Path(tempfile.mkdtemp(prefix="soundstage-test-"))
    home = folder / "home"
    home.mkdir()
    try:
        with ServiceProcess(home, engine="simulated") as process:
            yield process
    finally:
        shutil.rmtree(folder)


def type_in(service: ServiceProcess, *arguments: str) -> str:
    """Run `soundstage user` beside the service: another process than its own, and quickly."""
    settings = Settings(home=service.home, port=service.port, engine="simulated")
    result = CliRunner().invoke(user, arguments, obj=settings, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def answer(client: StockClient) -> tuple[str, int | None]:
    try:
        client.call("list_eulas")
    except StockError as error:
        return error.code, error.status
    return "", 200


def test_a_key_is_good_until_it_is_disabled_and_again_when_it_is_enabled(
    service: ServiceProcess,
) -> None:
    made = json.loads(type_in(service, "create", "anna", "--output", "json"))
    variables = {
        "AWS_ENDPOINT_URL_NIMBLE": service.address,
        "AWS_ACCESS_KEY_ID": made["accessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["secretAccessKey"],
        "AWS_DEFAULT_REGION": "us-west-2",
    }
    exported = service.environment("anna")
    assert exported["SOUNDSTAGE_PRINCIPAL_ID"] == made["principalId"]
    assert exported["AWS_SECRET_ACCESS_KEY"] == made["secretAccessKey"]
    with StockClient(ROOT, ensure_boto3(ROOT), variables) as client:
        for what in (["key", "{word}", made["accessKeyId"]], ["{word}", "anna"]):
            assert answer(client) == ("", 200)
            type_in(service, *(word.format(word="disable") for word in what))
            disabled = time.monotonic()
            wait_for(lambda: answer(client) == UNKNOWN, HONOURED_WITHIN)
            assert time.monotonic() - disabled < HONOURED_WITHIN
            type_in(service, *(word.format(word="enable") for word in what))
            wait_for(lambda: answer(client) == ("", 200), HONOURED_WITHIN)
    log = service.log.read_text(encoding="utf-8")
    assert made["secretAccessKey"] not in log
