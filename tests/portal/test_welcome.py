"""What plain http answers beside https: a way there, never a door."""

from datetime import UTC, datetime

import httpx
import pytest
from anyio import run

from soundstage.portal.welcome import OwnCertificate, app

ADDRESS = "https://studio.example.org:8443"
OWN = OwnCertificate(
    fingerprint="AA:BB",
    authority_fingerprint="CC:DD",
    expires_at=datetime(2027, 3, 1, tzinfo=UTC),
    authority=b"-----BEGIN CERTIFICATE-----\n",
)


def ask(path: str, own: OwnCertificate | None = OWN, method: str = "GET") -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app(ADDRESS, own))
        async with httpx.AsyncClient(transport=transport, base_url="http://<b>.test") as client:
            return await client.request(method, path)

    return run(send)


def test_a_first_visitor_learns_where_to_go_and_what_to_compare() -> None:
    page = ask("/")
    assert page.status_code == 200
    for told in (
        f'href="{ADDRESS}/"',
        "AA:BB",
        "CC:DD",
        "2027-03-01",
        "soundstage-authority.crt",
    ):
        assert told in page.text
    assert "<b>" not in page.text
    assert "'unsafe" not in page.headers["content-security-policy"]


def test_the_authority_can_be_taken_along() -> None:
    taken = ask("/soundstage-authority.crt")
    assert taken.content == OWN.authority
    assert taken.headers["content-type"] == "application/x-x509-ca-cert"


@pytest.mark.parametrize("path", ["/portal.css", "/icon.svg"])
def test_the_page_s_parts_are_there(path: str) -> None:
    assert ask(path).status_code == 200


@pytest.mark.parametrize("path", ["/", "/soundstage-authority.crt"])
def test_a_certificate_that_browsers_know_needs_no_words(path: str) -> None:
    answer = ask(path, None)
    assert (answer.status_code, answer.headers["location"]) == (307, ADDRESS + path)


@pytest.mark.parametrize(
    "path", ["//evil.test/a", "/streams/a%2Fb/?x=1%0d%0aSet-Cookie:%20a", "/a/../b"]
)
def test_every_other_address_leads_to_the_same_one_of_ours(path: str) -> None:
    answer = ask(path)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(f"{ADDRESS}/")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/2020-08-01/studios"])
def test_what_is_sent_goes_nowhere(path: str) -> None:
    answer = ask(path, method="POST")
    assert answer.status_code == 403
    assert ADDRESS in answer.text
