"""Who is really calling: the peer, unless it is a proxy that the settings name.

The gateway asks for its log and for the scheme that an Origin must have, the API for whose address
signatures that fail are counted.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class Proxies:
    """The configured proxies. X-Forwarded-* of anybody else is ignored; -Host always is."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(text) for text in networks]

    def client(self, peer: str, headers: Mapping[str, str]) -> str:
        """Find the caller's address: the last one in the chain that no trusted proxy wrote."""
        address = peer
        chain = [part.strip() for part in headers.get("x-forwarded-for", "").split(",")]
        while chain and self.has(address):
            before = chain.pop()
            if not _is_address(before):
                break
            address = before
        return address

    def scheme(self, peer: str, own: str, headers: Mapping[str, str]) -> str:
        """Say whether the browser came by http or https; `own` is what this process saw."""
        told = headers.get("x-forwarded-proto", "")
        return told if told in {"http", "https"} and self.has(peer) else own

    def has(self, address: str) -> bool:
        """Reports whether this address is one of the configured proxies."""
        return _is_address(address) and any(ip_address(address) in net for net in self._networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
