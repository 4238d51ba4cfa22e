"""Turns a ticket into a cookie, and says which stream a cookie opens.

`app` and `relay` call it. Everything here is arithmetic on signatures; whether a ticket was used
before and whether a stream still lives is asked of `Upstreams`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.upstreams import Refusal, Refused
from soundstage.kit.clock import Clock
from soundstage.wire.ticket import BadTicketError, Ticket, Tickets, is_expired

COOKIE = "soundstage_stream"

MISSING = "missing"
"""No ticket and no cookie: somebody typed or shared the clean address."""

_LONGEST = 4096
"""Tickets and cookies are some 200 characters; nothing longer is worth a signature check."""


class Entrance:
    """Checks what a browser brings along."""

    def __init__(self, settings: GatewaySettings, tickets: Tickets, clock: Clock) -> None:
        self._settings = settings
        self._tickets = tickets
        self._clock = clock

    def read_ticket(self, text: str, stream_id: str) -> Ticket:
        """Check an address's ticket without using it up. Raises Refused."""
        if len(text) > _LONGEST:
            raise Refused(Refusal.FOREIGN)
        try:
            ticket = self._tickets.read(text)
        except BadTicketError:
            raise Refused(Refusal.FOREIGN) from None
        return self._for_stream(ticket, stream_id)

    def make_cookie(self, ticket: Ticket) -> str:
        """Write the Set-Cookie header for a ticket that was just redeemed."""
        seconds = self._settings.cookie_seconds
        until = self._clock() + timedelta(seconds=seconds)
        value = self._tickets.sign_cookie(
            msgspec.structs.replace(ticket, expires=int(until.timestamp()))
        )
        path = self._settings.stream_path(ticket.stream_id)
        secure = "; Secure" if self._settings.is_secure else ""
        return f"{COOKIE}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"

    def read_cookies(self, headers: Iterable[str], stream_id: str) -> Ticket:
        """Find the cookie that opens this stream. Raises Refused.

        Another page on a sibling host can plant a second cookie of our name; a planted one is
        passed over, so that it can't lock the rightful browser out.
        """
        refused = Refused(MISSING)
        for header in headers:
            for pair in header.split(";"):
                name, _, value = pair.strip().partition("=")
                if name != COOKIE:
                    continue
                try:
                    return self._read_cookie(value, stream_id)
                except Refused as error:
                    refused = error
        raise refused

    def now(self) -> datetime:
        """The present moment by the clock that judges expiry."""
        return self._clock()

    def _read_cookie(self, value: str, stream_id: str) -> Ticket:
        if len(value) > _LONGEST:
            raise Refused(Refusal.FOREIGN)
        try:
            ticket = self._tickets.read_cookie(value)
        except BadTicketError:
            raise Refused(Refusal.FOREIGN) from None
        return self._for_stream(ticket, stream_id)

    def _for_stream(self, ticket: Ticket, stream_id: str) -> Ticket:
        if ticket.stream_id != stream_id:
            raise Refused(Refusal.FOREIGN)
        if is_expired(ticket, self._clock()):
            raise Refused(Refusal.EXPIRED)
        return ticket
