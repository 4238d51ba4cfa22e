"""A real HTTP server on loopback that receives what is sent to it, and answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

LOOPBACK = ["127.0.0.0/8"]


class Letter(msgspec.Struct, frozen=True):
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """What came, and what is answered: the first of `answers`, or 204. 0 never answers."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.let_go = threading.Event()
        self.arrived = threading.Condition()
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/events"

    def wait_for(self, count: int, seconds: float = 30) -> list[Letter]:
        """Wait until so many have come, and give all."""
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.letters) >= count, seconds)
            return list(self.letters)

    def take(self, letter: Letter) -> int:
        """Keep what came; the status to answer."""
        with self.arrived:
            self.letters.append(letter)
            self.arrived.notify_all()
            return self.answers.pop(0) if self.answers else 204


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive while the block lasts."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(Letter(self.path, headers, self.rfile.read(length)))
            if status == 0:
                receiver.let_go.wait(60)
                return
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()
