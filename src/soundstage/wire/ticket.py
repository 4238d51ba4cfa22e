"""The signed stream ticket, and the cookie it is swapped for.

`resources.streams` signs tickets into a stream's `url`; `gateway.tickets` checks them and signs
the cookie. Neither is ever stored or logged. Both are signed with keys derived from the
installation's one secret, with a salt each, so that one never passes for the other.
"""

from datetime import datetime

import itsdangerous
import msgspec

_TICKET_SALT = "soundstage.stream-ticket.1"
_COOKIE_SALT = "soundstage.stream-cookie.1"
_FILE_SALT = "soundstage.backup-file.1"


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Who may open which stream, and until when (seconds since the epoch)."""

    stream_id: str
    subject: str
    expires: int


class FileTicket(msgspec.Struct, frozen=True, kw_only=True):
    """Who may fetch which file of a backup, and until when (seconds since the epoch)."""

    backup_id: str
    path: str
    """Below the home, as it was asked for."""
    subject: str
    expires: int


class BadTicketError(Exception):
    """Signed by somebody else, changed, or not a ticket at all."""


class Tickets:
    """Signs and reads tickets and cookies with the installation's secret."""

    def __init__(self, secret: bytes) -> None:
        self._ticket = itsdangerous.URLSafeSerializer(secret, salt=_TICKET_SALT)
        self._cookie = itsdangerous.URLSafeSerializer(secret, salt=_COOKIE_SALT)
        self._file = itsdangerous.URLSafeSerializer(secret, salt=_FILE_SALT)

    def sign(self, ticket: Ticket) -> str:
        """Make the text that goes into a stream's address."""
        return _text(self._ticket.dumps(msgspec.to_builtins(ticket)))

    def read(self, text: str) -> Ticket:
        """Check the signature; expiry is for the caller to judge. Raises BadTicketError."""
        return _read(self._ticket, text)

    def sign_cookie(self, ticket: Ticket) -> str:
        """Make the cookie's value for a redeemed ticket."""
        return _text(self._cookie.dumps(msgspec.to_builtins(ticket)))

    def read_cookie(self, text: str) -> Ticket:
        """Check a cookie's signature. Raises BadTicketError."""
        return _read(self._cookie, text)

    def sign_file(self, ticket: FileTicket) -> str:
        """Make the text that goes into the address of a backup's file."""
        return _text(self._file.dumps(msgspec.to_builtins(ticket)))

    def read_file(self, text: str) -> FileTicket:
        """Check the signature; expiry is for the caller to judge. Raises BadTicketError."""
        try:
            return msgspec.convert(self._file.loads(text), FileTicket)
        except (itsdangerous.BadData, msgspec.ValidationError) as error:
            raise BadTicketError(str(type(error).__name__)) from None


def is_expired(ticket: Ticket | FileTicket, now: datetime) -> bool:
    """Reports whether the ticket's time is over."""
    return now.timestamp() >= ticket.expires


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("ascii")


def _read(serializer: itsdangerous.URLSafeSerializer, text: str) -> Ticket:
    try:
        return msgspec.convert(serializer.loads(text), Ticket)
    except (itsdangerous.BadData, msgspec.ValidationError) as error:
        raise BadTicketError(str(type(error).__name__)) from None
