"""Requests meant to break something, by hand: the whole service on both databases, two callers."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from soundstage.client.calls import Client
from soundstage.testing.postgres import Postgres
from soundstage.testing.world import ENDPOINT, World, world
from soundstage.wire.operation import BASE_PATH


@pytest.fixture(params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, home: Path) -> Iterator[World]:
    if request.param == "sqlite":
        with world(home) as found:
            yield found
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database(is_current=True) as url, world(home, url) as found:
        yield found


def send(client: Client, method: str, path: str, body: bytes = b"") -> httpx.Response:
    url = f"{ENDPOINT}{BASE_PATH}{path}"
    return client._http.request(
        method, url, headers=client._signed(method, url, {}, body), content=body
    )


def test_nothing_that_can_be_sent_breaks_the_service(made: World) -> None:
    studio = "/studios/" + quote(made.studio()["studioId"], safe="")
    sessions = f"{studio}/streaming-sessions"
    images = f"{studio}/streaming-images"
    long = b"x" * 1_000_000
    requests = [
        # Permissions and existence are looked up with these before the input is checked.
        ("GET", "/studios/%00", b""),
        ("GET", f"{sessions}/a%00", b""),
        ("GET", f"{studio}/streaming-session-backups/%00", b""),
        ("GET", f"{studio}/launch-profiles/%00", b""),
        ("GET", f"{studio}/launch-profiles?principalId=%00", b""),
        ("GET", f"{sessions}?ownedBy=%00&sessionIds=%00", b""),
        ("GET", f"{sessions}/%ed%a0%80", b""),
        ("GET", "/tags/%00", b""),
        ("POST", sessions, b'{"launchProfileId": "a\\u0000b"}'),
        ("POST", sessions, b'{"launchProfileId": "p", "ownedBy": "\\u0000"}'),
        ("POST", sessions, b'{"launchProfileId": "p", "tags": {"\\u0000": ""}}'),
        ("POST", sessions, b'{"launchProfileId": "p", "tags": {"\\ud800": ""}}'),
        ("POST", sessions, b'{"launchProfileId": "%s"}' % long),
        ("POST", images, b'{"ec2ImageId": "ami-1", "name": "\\udfff"}'),
        ("POST", images, b'{"ec2ImageId": "ami-1", "name": "%s"}' % long),
        ("POST", images, b'{"ec2ImageId": "ami-1", "name": 1%s}' % (b"0" * 5000)),
        ("POST", images, b'{"a":' * 100_000),
        ("POST", images, b"\xff\xfe"),
        ("POST", images, b"NaN"),
        ("POST", images, b"\0"),
    ]
    for caller in (made.operator, made.client("ann")):
        for method, path, body in requests:
            answer = send(caller, method, path, body)
            assert answer.status_code in {400, 403, 404}, (method, path, body[:60], answer.text)
            assert answer.headers["x-amzn-errortype"]
            assert len(answer.content) < 5000, (path, body[:60])
