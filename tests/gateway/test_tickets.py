"""Tickets and cookies: for one stream, for a time, and never one for the other."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.tickets import COOKIE, MISSING, Entrance
from soundstage.gateway.upstreams import Refusal, Refused
from soundstage.wire.ticket import Ticket, Tickets

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TICKETS = Tickets(b"a secret for tests, thirty-two b.")


def an_entrance(url: str = "https://studio.example.com", now: datetime = NOW) -> Entrance:
    settings = GatewaySettings(public_url=url, stream_environment=Path("/none"))
    return Entrance(settings, TICKETS, lambda: now)


def a_ticket(seconds: int = 60, stream: str = "one") -> Ticket:
    return Ticket(stream_id=stream, subject="artist", expires=int(NOW.timestamp()) + seconds)


def refusal(text: str, stream: str = "one") -> str:
    with pytest.raises(Refused) as refused:
        an_entrance().read_ticket(text, stream)
    return refused.value.reason


def test_a_ticket_opens_its_stream_until_it_expires() -> None:
    assert an_entrance().read_ticket(TICKETS.sign(a_ticket()), "one") == a_ticket()
    assert refusal(TICKETS.sign(a_ticket(seconds=0))) == Refusal.EXPIRED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "x" * 100_000,
        TICKETS.sign(a_ticket(stream="two")),
        TICKETS.sign(a_ticket())[:-1] + "A",
        TICKETS.sign_cookie(a_ticket()),
        Tickets(b"another installation's secret..").sign(a_ticket()),
    ],
)
def test_anything_else_is_foreign(text: str) -> None:
    assert refusal(text) == Refusal.FOREIGN


def test_a_cookie_is_for_one_path_and_scripts_cannot_read_it() -> None:
    header = an_entrance().make_cookie(a_ticket())
    _, *attributes = header.split("; ")
    assert attributes == [
        "Path=/streams/one/", "Max-Age=43200", "HttpOnly", "SameSite=Lax", "Secure",
    ]  # fmt: skip
    assert "Secure" not in an_entrance("http://localhost:8080").make_cookie(a_ticket())
    assert "Path=/art/streams/one/;" in an_entrance("https://x.example/art").make_cookie(a_ticket())


def test_a_cookie_outlives_its_ticket_but_not_its_twelve_hours() -> None:
    cookie = an_entrance().make_cookie(a_ticket()).split(";")[0]
    late = NOW + timedelta(hours=11, minutes=59)
    assert an_entrance(now=late).read_cookies([cookie], "one").subject == "artist"
    with pytest.raises(Refused, match=Refusal.EXPIRED):
        an_entrance(now=NOW + timedelta(hours=12)).read_cookies([cookie], "one")


def test_a_planted_cookie_does_not_hide_the_good_one() -> None:
    good = f"{COOKIE}={TICKETS.sign_cookie(a_ticket())}"
    headers = [f"other=1; {COOKIE}=planted; {COOKIE}=", f"x=y; {good}"]
    assert an_entrance().read_cookies(headers, "one") == a_ticket()


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], MISSING),
        (["unrelated=1"], MISSING),
        ([f"{COOKIE}={TICKETS.sign(a_ticket())}"], Refusal.FOREIGN),
        ([f"{COOKIE}={TICKETS.sign_cookie(a_ticket(stream='two'))}"], Refusal.FOREIGN),
        ([f"{COOKIE}={TICKETS.sign_cookie(a_ticket(seconds=0))}"], Refusal.EXPIRED),
        ([f"{COOKIE}={'x' * 5000}"], Refusal.FOREIGN),
    ],
)
def test_no_other_cookie_opens_a_stream(headers: list[str], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        an_entrance().read_cookies(headers, "one")
