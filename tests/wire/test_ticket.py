"""Tickets and cookies: nobody else can make one, and neither passes for the other."""

from datetime import UTC, datetime

import itsdangerous
import pytest

from soundstage.wire.ticket import BadTicketError, FileTicket, Ticket, Tickets, is_expired

TICKETS = Tickets(b"s" * 32)
TICKET = Ticket(stream_id="stream", subject="ann", expires=1000)


def test_each_is_read_back() -> None:
    assert TICKETS.read(TICKETS.sign(TICKET)) == TICKET
    assert TICKETS.read_cookie(TICKETS.sign_cookie(TICKET)) == TICKET


def test_neither_passes_for_the_other() -> None:
    with pytest.raises(BadTicketError):
        TICKETS.read_cookie(TICKETS.sign(TICKET))
    with pytest.raises(BadTicketError):
        TICKETS.read(TICKETS.sign_cookie(TICKET))


@pytest.mark.parametrize("text", ["", ".", "a.b", "ä"])
def test_what_is_no_ticket_is_refused(text: str) -> None:
    with pytest.raises(BadTicketError):
        TICKETS.read(text)


def test_a_changed_or_foreign_ticket_is_refused() -> None:
    text = TICKETS.sign(TICKET)
    with pytest.raises(BadTicketError):
        TICKETS.read("A" + text)
    with pytest.raises(BadTicketError):
        Tickets(b"t" * 32).read(text)


def test_a_signed_text_of_another_form_is_refused() -> None:
    other = itsdangerous.URLSafeSerializer(b"s" * 32, salt="soundstage.stream-ticket.1")
    with pytest.raises(BadTicketError):
        TICKETS.read(str(other.dumps({"streamId": "x"})))


@pytest.mark.parametrize(("second", "expired"), [(999, False), (1000, True), (1001, True)])
def test_expiry(second: int, expired: bool) -> None:
    assert is_expired(TICKET, datetime.fromtimestamp(second, UTC)) is expired


def test_a_file_s_ticket_is_read_as_signed_and_passes_for_nothing_else() -> None:
    tickets = Tickets(b"k" * 32)
    ticket = FileTicket(backup_id="b" * 22, path="show/é.blend", subject="ann", expires=60)
    signed = tickets.sign_file(ticket)
    assert tickets.read_file(signed) == ticket
    assert not is_expired(ticket, datetime.fromtimestamp(59, UTC))
    assert is_expired(ticket, datetime.fromtimestamp(60, UTC))
    for read in (tickets.read, tickets.read_cookie, Tickets(b"o" * 32).read_file):
        with pytest.raises(BadTicketError):
            read(signed)
    stream = Ticket(stream_id="s" * 22, subject="ann", expires=60)
    with pytest.raises(BadTicketError):
        tickets.read_file(tickets.sign(stream))
