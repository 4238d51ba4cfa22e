"""A receiver on loopback, and a world whose webhooks may be sent there."""

from collections.abc import Iterator
from typing import Any

import pytest

from soundstage.testing.receiver import LOOPBACK, Receiver, receiving


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"webhook_networks": LOOPBACK, "quota_webhooks": 3}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made
