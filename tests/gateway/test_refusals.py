"""Every reason has a page of its own and a status that fits."""

import pytest

from soundstage.gateway.refusals import notice_of, status_of
from soundstage.gateway.tickets import MISSING
from soundstage.gateway.upstreams import Refusal
from soundstage.words.texts import speaking


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (MISSING, 401),
        (Refusal.FOREIGN, 403),
        (Refusal.EXPIRED, 410),
        (Refusal.USED, 410),
        (Refusal.ENDED, 410),
        (Refusal.UNAVAILABLE, 503),
        ("something new", 410),
    ],
)
def test_each_reason_has_its_status(reason: str, status: int) -> None:
    assert status_of(reason) == status


def test_no_two_reasons_read_alike() -> None:
    reasons = [value for name, value in vars(Refusal).items() if name.isupper()]
    assert len({notice_of(reason).headline for reason in reasons}) == len(reasons) == 5


def test_every_reason_is_told_in_the_language_that_is_spoken() -> None:
    with speaking("de"):
        german = notice_of(Refusal.USED)
    assert german.headline == "Dieser Link wurde schon benutzt"
    assert german.status == notice_of(Refusal.USED).status
