"""A service that is killed while it sends, with a real receiver and a real library on its side."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from soundstage.testing.process import ServiceProcess
from soundstage.testing.receiver import LOOPBACK, Receiver, receiving


@pytest.fixture
def service() -> Iterator[ServiceProcess]:
    folder = Path(tempfile.mkdtemp(prefix="soundstage-test-"))
    home = folder / "home"
    home.mkdir()
    try:
        with ServiceProcess(
            home, engine="simulated", webhook_networks=",".join(LOOPBACK)
        ) as process:
            yield process
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_a_kill_while_sending_loses_no_event(service: ServiceProcess, receiver: Receiver) -> None:
    role = "arn:aws:iam::123456789012:role/studio"
    service.command(
        *("studios", "create", "--studio-name", "films", "--display-name", "Films", "--wait"),
        *("--admin-role-arn", role, "--user-role-arn", role),
    )
    # The first one never gets an answer; the process dies waiting for it.
    receiver.answers = [0]
    made = json.loads(
        service.command("webhooks", "create", "--url", receiver.url, "--output", "json")
    )
    (first,) = receiver.wait_for(1)
    service.kill()
    service.start()
    again = receiver.wait_for(2)[1]
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.body == first.body
    event = Webhook(made["secret"]).verify(again.body, again.headers)
    assert event["type"] == "soundstage.webhooks.CREATED"
    assert event["subject"] == f"webhook/{made['webhook']['webhookId']}"
