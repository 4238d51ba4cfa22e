"""What answers mean, and who is not believed."""

import http.server
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engines.incus.conftest import asks_nobody

from soundstage.engines.incus.connection import (
    AwayError,
    ChangedError,
    Connection,
    ExistsError,
    NotFoundError,
    SlowError,
    Target,
    error_of,
    takes_connections,
)
from soundstage.engines.interface import PermanentError, RetryableError
from soundstage.kit import pinned


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (404, "Not Found", NotFoundError),
        (409, "Conflict", ExistsError),
        (400, 'Instance "a" already exists', ExistsError),
        (500, "UNIQUE constraint failed: projects.name", ExistsError),
        (412, "ETag does not match", ChangedError),
        (400, 'Instance is busy running a "stop" operation', RetryableError),
        (500, "no available cowsql leader server", AwayError),
        (503, "", RetryableError),
        (403, "not authorized", PermanentError),
        (400, "Invalid devices", PermanentError),
    ],
)
def test_every_error_says_whether_to_try_again(
    status: int, text: str, kind: type[Exception]
) -> None:
    assert type(error_of(status, text)) is kind


def reached(target: Target) -> Connection:
    return Connection(target.addresses[0], target, "film")


@asks_nobody
def test_a_socket_where_nobody_listens_may_answer_later(tmp_path: Path) -> None:
    connection = reached(Target(addresses=(str(tmp_path / "none"),)))
    with pytest.raises(AwayError, match="does not answer"):
        connection.ask("GET", "/projects")
    with pytest.raises(AwayError, match="does not answer"), connection.listen("/events"):
        pass
    connection.close()


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers what stands in the path's last word."""

    def do_GET(self) -> None:
        word = self.path.partition("?")[0].rpartition("/")[2]
        body = {
            "fine": {"type": "sync", "metadata": self.path},
            "later": {"type": "async", "operation": "/1.0/operations/4711"},
            "elsewhere": {"type": "async", "operation": "/1.0/operations/4711?project=film"},
            "wrong": {"type": "error", "error": "Invalid", "error_code": 400},
        }.get(word)
        text = json.dumps(body).encode() if body else b"<html>"
        self.send_response(400 if word == "wrong" else 200)
        self.send_header("ETag", "abc")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name.
        del format, args


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Target]:
    """One with a certificate that is pinned, which wants to see ours."""
    (tmp_path / "server.crt").write_bytes((made := pinned.make("incus"))[0])
    (tmp_path / "server.key").write_bytes(made[1])
    ours = pinned.identity(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    context.load_verify_locations(ours.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield Target(
        addresses=(f"https://127.0.0.1:{listening.server_port}",),
        certificate=ours.certificate,
        key=ours.key,
        server_certificate=tmp_path / "server.crt",
    )
    listening.shutdown()
    listening.server_close()


def test_both_certificates_open_it(server: Target) -> None:
    connection = reached(server)
    fine = connection.ask("GET", "/fine", query={"recursion": "1"})
    assert fine.metadata == "/1.0/fine?project=film&recursion=1"
    assert (fine.etag, fine.operation) == ("abc", "")
    for where in ("/later", "/elsewhere"):
        assert connection.ask("GET", where).operation == "4711"
    with pytest.raises(PermanentError, match="Invalid"):
        connection.ask("GET", "/wrong")
    with pytest.raises(RetryableError, match="without words"):
        connection.ask("GET", "/garbage")
    connection.close()


def test_nobody_waits_longer_than_they_want(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        connection = reached(Target(addresses=(str(tmp_path / "silent"),)))
        began = time.monotonic()
        with pytest.raises(SlowError, match=r"does not answer within 0\.1 s"):
            connection.ask("GET", "/instances", within=0.1)
        assert time.monotonic() - began < 4
        connection.close()


def test_a_host_lives_where_a_connection_is_taken_or_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"https://127.0.0.1:{listening.getsockname()[1]}"
        assert takes_connections(address)
    assert takes_connections(address)
    assert not takes_connections("https://nobody.invalid:8443")


def test_another_server_is_not_believed(server: Target, tmp_path: Path) -> None:
    (tmp_path / "other.crt").write_bytes(pinned.make("incus")[0])
    target = Target(
        addresses=server.addresses,
        certificate=server.certificate,
        key=server.key,
        server_certificate=tmp_path / "other.crt",
    )
    connection = reached(target)
    with pytest.raises(RetryableError, match="does not answer"):
        connection.ask("GET", "/fine")
    connection.close()


def test_https_without_certificates_is_refused(server: Target) -> None:
    with pytest.raises(PermanentError, match="needs our certificate"):
        reached(Target(addresses=server.addresses))
