"""Every reason has a page of its own and a status that fits."""

from typing import get_args

import pytest

from soundstage.gateway.refusals import REASONS, Tally, aftermath, notice_of, status_of
from soundstage.gateway.tickets import MISSING
from soundstage.gateway.upstreams import Became, How, Refusal
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


def test_refusals_are_counted_by_reasons_that_are_known_beforehand() -> None:
    tally = Tally()
    assert tally.by_reason == dict.fromkeys(REASONS, 0)
    for reason in (Refusal.USED, Refusal.USED, MISSING, "whatever somebody sends"):
        tally.add(reason)
    assert set(tally.by_reason) == set(REASONS)
    counted = {reason: count for reason, count in tally.by_reason.items() if count}
    assert counted == {Refusal.USED: 2, MISSING: 1, Refusal.ENDED: 1}


def test_no_two_reasons_read_alike() -> None:
    reasons = [value for name, value in vars(Refusal).items() if name.isupper()]
    assert len({notice_of(reason).headline for reason in reasons}) == len(reasons) == 6


def test_every_reason_is_told_in_the_language_that_is_spoken() -> None:
    with speaking("de"):
        german = notice_of(Refusal.USED)
    assert german.headline == "Dieser Link wurde schon benutzt"
    assert german.status == notice_of(Refusal.USED).status


def test_what_became_of_the_workstation_is_told_each_in_its_own_words() -> None:
    hows = get_args(How)
    notices = [aftermath(Became(how=how, path="/workstations/s/x")) for how in hows]
    assert len({notice.headline for notice in notices}) == len(hows) == 6
    assert {notice.status for notice in notices} == {410}
    for by, begins in (("owner", "You did"), ("service", "It did"), ("other", "Somebody")):
        became = Became(how="stopped", by=by, told="Its time was up.", path="/")  # type: ignore[arg-type]  # the three that there are
        notice = aftermath(became)
        assert notice.happened.startswith(begins)
        assert notice.told == "Its time was up."
    by_rule = aftermath(Became(how="stopped", by="service", rule="IDLE", path="/"))
    assert by_rule.happened.startswith("It stopped by itself: nobody")
    assert aftermath(Became(how="running", path="/")).happened.startswith("The workstation goes on")
    with speaking("de"):
        german = aftermath(Became(how="stopped", by="owner", path="/"))
    assert german.headline == "Dein Arbeitsplatz wurde angehalten"
