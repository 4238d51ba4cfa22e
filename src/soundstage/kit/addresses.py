"""The address that people type: its origin, its path, and whether it is secure.

The gateway and the portal ask; no header of a request can change the answer.
"""

from urllib.parse import urlsplit

import msgspec


class PublicAddress(msgspec.Struct, frozen=True):
    """How browsers reach the service, such as `https://studio.example.com`."""

    url: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a browser writes them in Origin."""
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        port = "" if parts.port in (None, usual) else f":{parts.port}"
        return f"{parts.scheme}://{host}{port}"

    @property
    def path(self) -> str:
        """What stands before our own paths, without a slash at its end."""
        return urlsplit(self.url).path.rstrip("/")

    @property
    def is_secure(self) -> bool:
        """Reports whether browsers reach us by https."""
        return urlsplit(self.url).scheme == "https"
