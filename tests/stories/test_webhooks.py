"""A webhook whose receiver is ill for days: tried again, given up, seen, and told at last; on both
databases.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from standardwebhooks import Webhook

from soundstage.testing.postgres import Postgres
from soundstage.testing.receiver import LOOPBACK, receiving
from soundstage.testing.world import World, world


@pytest.fixture(params=["sqlite", "postgresql"], name="made")
def on_either_database(request: pytest.FixtureRequest, home: Path) -> Iterator[World]:
    if request.param == "sqlite":
        with world(home, webhook_networks=LOOPBACK) as made:
            yield made
        return
    server: Postgres = request.getfixturevalue("postgres")
    with (
        server.database(is_current=True) as url,
        world(home, url, webhook_networks=LOOPBACK) as made,
    ):
        yield made


def test_what_could_not_be_told_for_days_is_kept_and_told_when_it_is_asked_for(
    made: World,
) -> None:
    call, studio_id = made.operator.call, made.studio()["studioId"]
    with receiving() as receiver:
        answer = call(
            "CreateWebhook", studioId=studio_id, url=receiver.url, types=["studios.READY"]
        )
        where = {"studioId": studio_id, "webhookId": answer["webhook"]["webhookId"]}
        receiver.answers = [500] * 20
        call("UpdateStudio", studioId=studio_id, displayName="New")
        for _ in range(3):
            made.advance(timedelta(hours=8))
        tries = len(receiver.letters)
        assert tries == 9
        assert len({letter.headers["webhook-id"] for letter in receiver.letters}) == 1
        (dead,) = call("ListWebhookDeliveries", **where)["deliveries"]
        assert (dead["state"], dead["attempts"]) == ("DEAD", tries)
        assert "500" in dead["statusMessage"]
        assert call("GetWebhook", **where)["webhook"]["dead"] == 1

        receiver.answers = []
        call("RedeliverWebhook", **where)
        made.advance(timedelta(seconds=10))
        assert call("ListWebhookDeliveries", **where)["deliveries"] == []
        letter = receiver.letters[-1]
        assert len(receiver.letters) == tries + 1
        assert msgspec.json.decode(letter.body)["type"] == "soundstage.studios.READY"
        sent = made.clock().fromtimestamp(
            int(letter.headers["webhook-timestamp"]), made.clock().tzinfo
        )
        signature = Webhook(answer["secret"]).sign(
            letter.headers["webhook-id"], sent, letter.body.decode()
        )
        assert letter.headers["webhook-signature"] == signature
