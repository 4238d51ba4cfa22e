"""Sends to addresses that people named, and to nothing that only this machine can reach.

Webhooks use it. An address is resolved here, every answer is checked, and the connection goes to
just what was checked, so a name that means something else a moment later changes nothing. Nothing
is followed, and no more is read of the answer than its status.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx
import msgspec

_LONGEST = 2048
_PORTS = 65536
_THIS_MACHINE = "localhost"
_TRANSLATED = [ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"), ip_network("2002::/16")]
"""Addresses of IPv6 that stand for some of IPv4, whichever."""

Address = IPv4Address | IPv6Address


class BadDestinationError(Exception):
    """Nothing is sent there."""


class UnreachableError(Exception):
    """Nobody answered, or not in time; it may go well later."""


def check(url: str) -> httpx.URL:
    """Read an address. Raises BadDestinationError."""
    try:
        read = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise BadDestinationError("It is no address.") from None
    if read.scheme not in {"http", "https"} or not read.host:
        raise BadDestinationError("It must begin with http:// or https:// and name a host.")
    if read.port is not None and not 0 < read.port < _PORTS:
        raise BadDestinationError("Its port must be between 1 and 65535.")
    if read.userinfo:
        raise BadDestinationError("It must hold no user and no password.")
    if read.fragment or "#" in url:
        raise BadDestinationError("It must have nothing behind a #.")
    if len(url) > _LONGEST:
        raise BadDestinationError(f"It must be at most {_LONGEST} characters.")
    return read


class Outbound(msgspec.Struct, frozen=True):
    """Sends, within bounds."""

    allowed: tuple[str, ...] = ()
    """Networks that may be sent to though they are not public, such as 10.0.0.0/8."""
    most_seconds: float = 10.0

    def check(self, url: str) -> None:
        """Refuse what can be seen to be nowhere that may be sent to, without asking any name
        server: an address of a network that is not allowed, however it is written, or this machine
        by its usual names. Names are looked up when something is sent. Raises BadDestinationError.
        """
        host = check(url).host.casefold().rstrip(".")
        if host == _THIS_MACHINE or host.endswith(f".{_THIS_MACHINE}"):
            host = "127.0.0.1"
        try:
            found = socket.getaddrinfo(
                host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
            )
        except OSError:
            return
        for answer in found:
            self._expect_reachable(ip_address(answer[4][0]))

    def _expect_reachable(self, address: Address) -> None:
        if not self.may_reach(address):
            raise BadDestinationError(
                f"Its host is {address}, which is not public. The setting webhook_networks "
                "says which others may be sent to."
            )

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send a body and give the status of the answer; blocks for ten seconds at the most.

        Raises BadDestinationError and UnreachableError, whose messages don't repeat the address.
        """
        read = check(url)
        return asyncio.run(self._post(read, headers, body))

    async def _post(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> int:
        try:
            async with asyncio.timeout(self.most_seconds):
                *before, last = await self._resolve(url)
                for address in before:
                    # One that takes no connection got nothing, so another may be sent it.
                    with suppress(httpx.ConnectError):
                        return await _send(url, address, headers, body)
                return await _send(url, last, headers, body)
        except TimeoutError:
            raise UnreachableError(f"It did not answer within {self.most_seconds:g} s.") from None
        except (OSError, httpx.HTTPError) as error:
            raise UnreachableError(_why(error)) from None

    async def _resolve(self, url: httpx.URL) -> list[Address]:
        """All that the host's name stands for, and none if one of them may not be sent to."""
        port = url.port or (443 if url.scheme == "https" else 80)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        addresses = [ip_address(answer[4][0]) for answer in found]
        for address in addresses:
            self._expect_reachable(address)
        return addresses

    def may_reach(self, address: Address) -> bool:
        """Reports whether something may be sent to this address."""
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        if mapped is not None:
            address = mapped
        if any(address in ip_network(network) for network in self.allowed):
            return True
        is_public = address.is_global and not address.is_multicast
        return is_public and not any(address in network for network in _TRANSLATED)


def _why(error: BaseException) -> str:
    """Say in words why nobody answered, without the address."""
    chain = [error]
    while (below := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(below)
    for each in chain:
        match each:
            case ssl.SSLCertVerificationError():
                # What stands behind a comma is the name that it should be for.
                return f"Its certificate is not trusted: {each.verify_message.partition(',')[0]}."
            case ssl.SSLError():
                return "It does not speak https."
            case socket.gaierror():
                return "Its name leads to no address."
    if isinstance(error, httpx.ConnectError):
        return "Nobody takes connections there."
    return "It hung up without an answer."


@cache
def _trust() -> ssl.SSLContext:
    """Which certificates are believed. To read them takes 50 ms of a core, so it is done once."""
    return httpx.create_ssl_context(trust_env=False)


async def _send(url: httpx.URL, address: Address, headers: Mapping[str, str], body: bytes) -> int:
    request = httpx.Request(
        "POST",
        url.copy_with(host=str(address)),
        headers={**headers, "Host": url.netloc.decode("ascii"), "User-Agent": "soundstage"},
        content=body,
        # The certificate must be that of the name, not of the address.
        extensions={"sni_hostname": url.host},
    )
    async with httpx.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        verify=_trust(),
        # The whole has its own limit; httpx's would end it after five seconds.
        timeout=None,  # noqa: S113
    ) as client:
        answer = await client.send(request, stream=True)
        await answer.aclose()
        return answer.status_code
