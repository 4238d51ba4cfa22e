"""What people name is sent to, and nothing that only this machine can reach; nothing is followed,
and nobody keeps us waiting.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from soundstage.kit.certificates import ensure_own
from soundstage.kit.clock import system_clock
from soundstage.kit.outbound import BadDestinationError, Outbound, UnreachableError, check
from soundstage.testing.receiver import LOOPBACK, Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.mark.parametrize(
    "url",
    [
        "",
        "studio.example/x",
        "ftp://studio.example",
        "file:///etc/passwd",
        "gopher://studio.example",
        "unix:///run/incus.socket",
        "http://",
        "http://user:secret@studio.example",
        "http://studio.example/#x",
        "http://studio.example:99999/",
        "http://[::1",
        "http://studio.example/" + "x" * 2048,
    ],
)
def test_what_is_no_place_to_send_to(url: str) -> None:
    with pytest.raises(BadDestinationError) as caught:
        check(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address, not where anything listens
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not Outbound().may_reach(ip_address(address))


def test_public_ones_and_those_allowed_are_not() -> None:
    assert Outbound().may_reach(ip_address("93.184.216.34"))
    assert Outbound().may_reach(ip_address("2606:2800:220:1::1"))
    allowing = Outbound(("10.1.0.0/16",))
    assert allowing.may_reach(ip_address("10.1.2.3"))
    assert allowing.may_reach(ip_address("::ffff:10.1.2.3"))
    assert not allowing.may_reach(ip_address("10.2.0.1"))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0x7f000001", "2130706433", "127.1"]
)
def test_no_way_to_write_this_machine_reaches_it(receiver: Receiver, host: str) -> None:
    with pytest.raises((BadDestinationError, UnreachableError)):
        Outbound().post(f"http://{host}:{receiver.port}/", {}, b"")
    assert receiver.letters == []


def test_a_body_arrives_with_its_headers(receiver: Receiver) -> None:
    receiver.answers = [202]
    sent = Outbound(tuple(LOOPBACK)).post(f"{receiver.url}?a=1", {"x-y": "z"}, b"body")
    assert sent == 202
    (letter,) = receiver.letters
    assert (letter.path, letter.body, letter.headers["x-y"]) == ("/events?a=1", b"body", "z")
    assert letter.headers["host"] == f"127.0.0.1:{receiver.port}"


def test_the_host_that_was_named_is_told(receiver: Receiver) -> None:
    Outbound((*LOOPBACK, "::1/128")).post(f"http://localhost:{receiver.port}/", {}, b"")
    assert receiver.letters[0].headers["host"] == f"localhost:{receiver.port}"


def test_a_host_that_takes_no_connection_at_one_address_is_asked_at_the_next(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a name that stands for ::1 and for 127.0.0.1, where somebody listens at the second."""

    async def both(_outbound: Outbound, _url: object) -> list[object]:
        return [ip_address("::1"), ip_address("127.0.0.1")]

    monkeypatch.setattr(Outbound, "_resolve", both)
    receiver.answers = [202]
    assert Outbound(tuple(LOOPBACK)).post(f"http://localhost:{receiver.port}/", {}, b"body") == 202
    assert len(receiver.letters) == 1


def test_nothing_is_followed(receiver: Receiver) -> None:
    receiver.answers = [307]
    receiver.headers = {"location": receiver.url}
    assert Outbound(tuple(LOOPBACK)).post(receiver.url, {}, b"") == 307
    assert len(receiver.letters) == 1


def test_who_does_not_answer_is_not_waited_for(receiver: Receiver) -> None:
    receiver.answers = [0]
    with pytest.raises(UnreachableError, match=r"within 0\.2 s"):
        Outbound(tuple(LOOPBACK), most_seconds=0.2).post(receiver.url, {}, b"")


def test_nobody_there_is_told_without_the_address() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    for url, why in (
        (f"http://127.0.0.1:{port}/secret", r"Nobody takes connections there\."),
        ("http://nowhere.invalid/secret", r"Its name leads to no address\."),
    ):
        with pytest.raises(UnreachableError, match=f"^{why}$"):
            Outbound(tuple(LOOPBACK)).post(url, {}, b"")


@contextmanager
def taking(treat: Callable[[socket.socket], object]) -> Iterator[int]:
    """Take one connection, treat it and end it."""

    def take() -> None:
        near, _ = listener.accept()
        with near:
            treat(near)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        taker = threading.Thread(target=take)
        taker.start()
        yield int(listener.getsockname()[1])
        taker.join()


def test_why_nobody_answered_is_told(receiver: Receiver, tmp_path: Path) -> None:
    def post(scheme: str, port: int) -> None:
        Outbound(tuple(LOOPBACK)).post(f"{scheme}://127.0.0.1:{port}/secret", {}, b"")

    with pytest.raises(UnreachableError, match=r"^It does not speak https\.$"):
        post("https", receiver.port)
    hung_up = pytest.raises(UnreachableError, match=r"^It hung up without an answer\.$")
    with taking(lambda near: near.recv(1)) as port, hung_up:
        post("http", port)
    made = ensure_own(tmp_path / "keys", ["localhost"], system_clock())
    speaking = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    speaking.load_cert_chain(made.chain, made.key)

    def shake_hands(near: socket.socket) -> None:
        with suppress(OSError):
            speaking.wrap_socket(near, server_side=True)

    untrusted = pytest.raises(
        UnreachableError, match=r"^Its certificate is not trusted: [a-z -]+\.$"
    )
    with taking(shake_hands) as port, untrusted:
        post("https", port)


def test_an_answer_is_waited_for_as_long_as_is_said(receiver: Receiver) -> None:
    # The library would have given up after five seconds.
    receiver.answers = [0]
    with pytest.raises(UnreachableError, match=r"within 5\.2 s"):
        Outbound(tuple(LOOPBACK), most_seconds=5.2).post(receiver.url, {}, b"")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "localhost",
        "LOCALHOST.",
        "hooks.localhost",
        # As programs of C read addresses.
        "127.1",
        "2130706433",
        "0x7f000001",
    ],
)
def test_what_can_be_seen_to_be_forbidden_is_refused_before_anything_is_sent(host: str) -> None:
    with pytest.raises(BadDestinationError, match=r"Its host is .* webhook_networks"):
        Outbound().check(f"http://{host}:9/hook")


def test_what_is_allowed_or_would_have_to_be_looked_up_is_left_to_the_delivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Outbound(tuple(LOOPBACK)).check("http://localhost/hook")
    Outbound(("10.0.0.0/8",)).check("http://10.1.2.3/hook")
    Outbound().check("https://93.184.216.34/hook")
    asked: list[int] = []
    resolve = socket.getaddrinfo

    def without_servers(host: str, port: None, type: int, flags: int) -> Any:  # noqa: A002 - as it is called there
        asked.append(flags)
        return resolve(host, port, type=type, flags=flags)

    monkeypatch.setattr(socket, "getaddrinfo", without_servers)
    Outbound().check("https://intranet.example/hook")
    assert asked == [socket.AI_NUMERICHOST]
