"""The key that a login's calls to the API are signed with.

It is worked out from the installation's secret and the login's id, so it is nowhere kept, is the
same after a restart, and is worth nothing once the login has ended: the API's door asks for that.
"""

import base64
import hashlib
import hmac

_PREFIX = "LOGIN-"


class LoginKeys:
    """Makes the keys of logins, and tells them from those that people have."""

    def __init__(self, root: bytes) -> None:
        self._root = root

    def key_of(self, login_id: str) -> tuple[str, str]:
        """Give the access key of a login: its id and its secret."""
        digest = hmac.new(self._root, login_id.encode(), hashlib.sha256).digest()
        return f"{_PREFIX}{login_id}", base64.b64encode(digest).decode("ascii")

    @staticmethod
    def login_of(access_key_id: str) -> str | None:
        """Name the login that a key is of; None for any other key."""
        is_one = access_key_id.startswith(_PREFIX)
        return access_key_id.removeprefix(_PREFIX) if is_one else None
