"""Cookies and tokens by themselves; the sign-in tests try them through the pages."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from soundstage.kit.addresses import PublicAddress
from soundstage.portal.door import PortalSettings
from soundstage.portal.session import Cookies, new_bits


def cookies(url: str = "http://localhost:8080", proxies: tuple[str, ...] = ()) -> Cookies:
    settings = PortalSettings(
        address=PublicAddress(url), form_key=b"k" * 32, trusted_proxies=proxies
    )
    return Cookies(settings)


def request(*headers: tuple[str, str], peer: str = "192.0.2.1") -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return Request({"type": "http", "headers": raw, "client": (peer, 1)})


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://a.test", "soundstage_login=s; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"),
        (
            "https://a.test",
            "__Host-soundstage_login=s; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure",
        ),
        (
            "https://a.test/studio/",
            "soundstage_login=s; Path=/studio; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure",
        ),
    ],
)
def test_the_cookie_follows_from_the_address(url: str, line: str) -> None:
    answer = Response()
    cookies(url).put_login(answer, "s")
    assert answer.headers.getlist("set-cookie")[0] == line


def test_tokens_differ_and_match() -> None:
    ours = cookies()
    assert ours.is_token(ours.token("a"), "a")
    assert not ours.is_token(ours.token("a"), "b")
    assert not ours.is_token("", "a")
    assert new_bits() != new_bits()


def test_the_address_is_a_proxy_s_word_only_if_it_is_trusted() -> None:
    told = request(("X-Forwarded-For", "203.0.113.9, 198.51.100.7"))
    assert cookies().visit(told).address == "192.0.2.1"
    assert cookies(proxies=("192.0.2.0/24",)).visit(told).address == "198.51.100.7"


def test_only_one_origin_is_ours() -> None:
    ours = cookies("https://a.test")
    assert ours.is_from_here(request(("Origin", "https://a.test")))
    assert not ours.is_from_here(request())
    twice = request(("Origin", "https://a.test"), ("Origin", "https://a.test"))
    assert not ours.is_from_here(twice)
    assert not ours.is_from_here(request(("Origin", "https://a.test:444")))
