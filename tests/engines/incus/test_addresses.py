"""Several members of which any may be away, played by sockets of this machine."""

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from soundstage.engines.incus.addresses import Addresses
from soundstage.engines.incus.connection import AwayError, SlowError, Target
from soundstage.engines.interface import PermanentError

# As `asks_nobody` says, which marks single tests.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("collected"),
]


class Stand(socketserver.ThreadingUnixStreamServer):
    """A member that answers, or does otherwise."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Answers)
        self.path = path
        self.asked: list[str] = []
        self.hangs_up = False
        self.error = ""
        self.silent = threading.Lock()
        """Whoever holds it keeps the answers back."""


class Answers(http.server.BaseHTTPRequestHandler):
    """Says which member it is."""

    server: Stand
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        stand = self.server
        stand.asked.append(self.command)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if stand.hangs_up:
            self.close_connection = True
            return
        with stand.silent:
            body = {"type": "sync", "metadata": stand.path.name}
        if stand.error:
            body = {"type": "error", "error": stand.error}
        text = json.dumps(body).encode()
        # Who would not wait is gone.
        with suppress(BrokenPipeError):
            self.send_response(500 if stand.error else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name.
        del format, args

    def address_string(self) -> str:
        return "a socket"


@contextmanager
def standing(path: Path) -> Iterator[Stand]:
    with Stand(path) as stand:
        threading.Thread(target=stand.serve_forever, args=(0.01,), daemon=True).start()
        yield stand
        stand.shutdown()


@pytest.fixture
def stands(tmp_path: Path) -> Iterator[list[Stand]]:
    with ExitStack() as stack:
        yield [stack.enter_context(standing(tmp_path / name)) for name in ("n1", "n2", "n3")]


@contextmanager
def reached(*paths: Path) -> Iterator[Addresses]:
    made = Addresses(Target(addresses=tuple(map(str, paths))), "film")
    yield made
    made.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_one_that_is_not_there_costs_nothing(
    stands: list[Stand], tmp_path: Path, method: str
) -> None:
    with reached(tmp_path / "gone", stands[1].path, stands[2].path) as addresses:
        # Nobody heard it, so it may be anything that is asked of the next.
        assert addresses.ask(method, "/projects", {}).metadata == "n2"
        assert addresses.ask(method, "/projects", {}).metadata == "n2"
        assert addresses.address == str(stands[1].path)
    assert stands[2].asked == []


def test_what_may_have_been_done_is_not_asked_of_another(stands: list[Stand]) -> None:
    first, second, _ = stands
    first.hangs_up = True
    with reached(first.path, second.path) as addresses:
        with pytest.raises(AwayError, match="does not answer"):
            addresses.ask("POST", "/instances", {})
        assert (first.asked, second.asked) == (["POST"], [])
        # The caller looks again, and is heard.
        assert addresses.ask("POST", "/instances", {}).metadata == "n2"


def test_what_is_only_read_is_asked_of_the_next_at_once(stands: list[Stand]) -> None:
    first, second, third = stands
    first.hangs_up = second.hangs_up = True
    with reached(first.path, second.path, third.path) as addresses:
        assert addresses.ask("GET", "/instances").metadata == "n3"
        assert json.loads(addresses.fetch("/file")[0])["metadata"] == "n3"
        # It comes round to the first, which is back.
        third.hangs_up, first.hangs_up = True, False
        with pytest.raises(AwayError):
            addresses.ask("POST", "/instances", {})
        assert addresses.ask("GET", "/instances").metadata == "n1"


def test_where_all_are_away_each_is_asked_once(stands: list[Stand], tmp_path: Path) -> None:
    for stand in stands:
        stand.hangs_up = True
    with (
        reached(*(stand.path for stand in stands), tmp_path / "gone") as addresses,
        pytest.raises(AwayError, match="does not answer"),
    ):
        addresses.ask("GET", "/instances")
    assert [stand.asked for stand in stands] == [["GET"]] * 3


def test_one_that_is_cut_off_from_the_others_is_left(stands: list[Stand]) -> None:
    first, second, _ = stands
    first.error = "no available cowsql leader server"
    with reached(first.path, second.path) as addresses:
        with pytest.raises(AwayError, match="leader"):
            addresses.ask("GET", "/instances")
        assert addresses.ask("GET", "/instances").metadata == "n2"


def test_one_that_waits_for_another_is_not_left(stands: list[Stand]) -> None:
    first, second, _ = stands
    with reached(first.path, second.path) as addresses, first.silent:
        with pytest.raises(SlowError):
            addresses.ask("GET", "/instances", within=0.1)
        assert addresses.address == str(first.path)


def test_an_end_of_our_own_is_no_loss(stands: list[Stand]) -> None:
    with reached(stands[0].path, stands[1].path) as addresses:
        addresses.close()
        stands[0].hangs_up = True
        with pytest.raises(AwayError), addresses.listen("/events"):
            pass
        assert addresses.address == str(stands[0].path)


def test_an_error_of_the_asker_is_no_reason_to_leave(stands: list[Stand]) -> None:
    first, second, _ = stands
    first.error = "Instance already exists"
    with reached(first.path, second.path) as addresses:
        with pytest.raises(PermanentError):
            addresses.ask("POST", "/instances", {})
        assert addresses.address == str(first.path)


def test_a_stream_or_a_transfer_that_breaks_is_opened_at_the_next(
    stands: list[Stand], tmp_path: Path
) -> None:
    first, second, third = (stand.path for stand in stands)
    with reached(tmp_path / "gone", first, second, third) as addresses:
        with pytest.raises(AwayError), addresses.listen("/events"):
            pass
        # One that speaks no websocket is no member either.
        with pytest.raises(AwayError), addresses.listen("/events"):
            pass
        assert addresses.address == str(second)
        with addresses.download("/export") as pieces:
            assert json.loads(b"".join(pieces))["metadata"] == "n2"
        stands[1].hangs_up = True
        with pytest.raises(AwayError), addresses.download("/export"):
            pass
        assert addresses.address == str(third)
