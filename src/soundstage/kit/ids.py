"""Makes new identifiers in the forms of the public API.

The services call it when they insert a row; the doors for request ids. Nothing here is ever parsed
again: an id is compared, never taken apart (the one exception, a studio's, is in `wire.arn`).
"""

import base64
import re
import secrets
import string
import uuid

_LOWER = string.ascii_lowercase + string.digits
_BASE32 = string.ascii_uppercase + "234567"
_USER_ID = re.compile(r"([0-9a-f]{10}-)?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")
_RESOURCE_ID = re.compile(r"[A-Za-z0-9_-]{22}\Z")


def new_id() -> str:
    """Make a resource's id: a random UUID as 22 characters of unpadded base64url.

    None begins with a hyphen: `aws nimble get-streaming-session --session-id -…` is refused by the
    command line itself, which takes it for another option.
    """
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode("ascii")
        if not made.startswith("-"):
            return made


def is_id(text: str) -> bool:
    """Reports whether the text could have come from `new_id`."""
    return _RESOURCE_ID.match(text) is not None


def new_studio_id(region: str) -> str:
    """Make a studio's id, which begins with its region: `us-west-2:stid-nyoqq12fteqy1x48`."""
    return f"{region}:stid-{_random(_LOWER, 16)}"


def new_user_id() -> str:
    """Make a person's id: ten hex digits, a hyphen and a UUID, as identity stores write it."""
    return f"{secrets.token_hex(5)}-{uuid.uuid4()}"


def is_user_id(text: str) -> bool:
    """Reports whether an identity store could have given this id; the digits may be left out."""
    return _USER_ID.match(text) is not None


def new_role_id() -> str:
    """Make the first half of a role caller's principal: `AROA` and 17 letters or digits."""
    return f"AROA{_random(_BASE32, 17)}"


def new_account_id() -> str:
    """Make an installation's account id: 12 digits, the first not 0 so that tools keep them all."""
    return secrets.choice("123456789") + _random(string.digits, 11)


def new_access_key_id() -> str:
    """Make the public half of an access key: `AKIA` and 16 letters or digits."""
    return f"AKIA{_random(_BASE32, 16)}"


def new_secret_access_key() -> str:
    """Make the secret half of an access key: 40 characters, 238 random bits."""
    return _random(string.ascii_letters + string.digits, 40)


def new_request_id() -> str:
    """Make the id that an answer and its log lines share."""
    return str(uuid.uuid4())


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
