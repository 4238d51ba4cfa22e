"""The desktop's starter: what can be tried without a desktop. The rest is in test_engine.py."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.engines.desktop import starter, tablet


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[starter.Desktop]:
    for name in ("HOME", "XDG_RUNTIME_DIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    # It sets these for the programs it starts; monkeypatch takes them back.
    for name in starter.Desktop.environment(_Bare(tmp_path)):  # type: ignore[arg-type]
        monkeypatch.setenv(name, "")
    # The clock of a start begins with the program, which here is the test run.
    monkeypatch.setattr(starter, "_BEGAN", time.monotonic())
    reader, writer = os.pipe()
    here = Path(starter.__file__).parent
    ends = {"steps_fd": writer, "command_fd": reader, "groups": []}
    made = starter.Desktop({"desktop": str(here), **ends})
    yield made
    made.log.close()
    os.close(reader)
    os.close(writer)


class _Bare:
    def __init__(self, path: Path) -> None:
        self.here = self.runtime = path


def heard(desktop: starter.Desktop) -> str:
    return os.read(desktop.plan["command_fd"], 4096).decode()


def test_the_cookie_is_one_that_x_programs_read(tmp_path: Path) -> None:
    path = tmp_path / "Xauthority"
    starter._write_cookie(path)
    data = path.read_bytes()
    assert data[:2] == b"\xff\xff"
    assert data[2:6] == b"\0\0\0\0"
    assert data[6:8] == (18).to_bytes(2, "big")
    assert data[8:26] == b"MIT-MAGIC-COOKIE-1"
    assert len(data) == 26 + 2 + 16
    assert path.stat().st_mode & 0o777 == 0o600


def test_steps_carry_their_time(desktop: starter.Desktop) -> None:
    desktop.say("step", "starting: half way")
    assert heard(desktop).startswith("step starting: half way after ")


def test_the_artist_s_settings_win(desktop: starter.Desktop) -> None:
    assert desktop.own_or(".config/tint2/tint2rc", "tint2rc") == str(desktop.here / "tint2rc")
    own = Path.home() / ".config/tint2/tint2rc"
    own.parent.mkdir(parents=True)
    own.touch()
    assert desktop.own_or(".config/tint2/tint2rc", "tint2rc") == str(own)


def test_settings_are_laid_out_once(desktop: starter.Desktop) -> None:
    desktop.lay_out_settings()
    (laid_out,) = (Path.home() / ".config").rglob("*.conf")
    laid_out.write_text("mine")
    desktop.lay_out_settings()
    assert laid_out.read_text() == "mine"


def test_a_line_in_two_pieces_is_waited_for(desktop: starter.Desktop) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"0")
    ended = threading.Event()

    def wait() -> None:
        desktop.wait_for(reader, "it")
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not ended.wait(0.1)
    os.write(writer, b"\n")
    thread.join(10)
    assert ended.is_set()
    os.close(writer)


def test_what_never_comes_is_a_failure_that_is_told(desktop: starter.Desktop) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    with pytest.raises(SystemExit):
        desktop.wait_for(reader, "the X server")
    assert "fail the X server did not start" in heard(desktop)


def _end(child: starter.Child) -> None:
    assert child.process is not None
    child.process.wait(10)


def test_what_ends_is_started_again_but_not_for_ever(desktop: starter.Desktop) -> None:
    child = starter.Child("a toy", ["true"], needed=False)
    desktop.spawn(child)
    starts = 0
    while child.process is not None:
        starts += 1
        _end(child)
        desktop.look_after()
    assert starts == 5


def test_what_is_needed_and_keeps_ending_ends_the_desktop(desktop: starter.Desktop) -> None:
    child = starter.Child("the stream", ["false"], needed=True)
    desktop.spawn(child)
    for _ in range(4):
        _end(child)
        desktop.look_after()
    _end(child)
    with pytest.raises(SystemExit):
        desktop.look_after()
    assert "the stream ended 5 times in a minute" in heard(desktop)


def test_a_kernel_without_inotify_instances_is_named(desktop: starter.Desktop) -> None:
    said = "OSError: [Errno 24] inotify instance limit reached"
    command = ["sh", "-c", f"echo '{said}' >&2; echo 'Task was destroyed' >&2; exit 1"]
    child = starter.Child("the stream", command, needed=True)
    desktop.spawn(child)
    _end(child)
    with pytest.raises(SystemExit):
        desktop.expect_in_time("the stream")
    told = heard(desktop)
    assert "fail the stream ended with code 1: the host has no inotify instances left" in told
    assert "raise fs.inotify.max_user_instances (Task was destroyed)" in told


def test_what_ends_by_itself_is_only_collected(desktop: starter.Desktop) -> None:
    desktop.run_aside(["true"])
    (child,) = desktop.children
    _end(child)
    desktop.look_after()
    assert child.process is None


def test_the_pens_are_handed_down_to_each_start(desktop: starter.Desktop) -> None:
    mine, theirs = socket.socketpair()
    with mine, theirs:
        word = f"echo drawn >&{mine.fileno()}"
        child = starter.Child("the stream", ["bash", "-c", word], needed=True)
        child.keeps = (mine.fileno(),)
        desktop.spawn(child)
        _end(child)
        desktop.look_after()
        _end(child)
        mine.shutdown(socket.SHUT_WR)
        with theirs.makefile() as lines:
            assert lines.read() == "drawn\ndrawn\n"


def test_a_desktop_without_a_pen_is_one_all_the_same(
    desktop: starter.Desktop, tmp_path: Path
) -> None:
    desktop.plan["stream_socket"] = str(tmp_path / "stream.sock")
    desktop.pens = tablet.unjoined()
    desktop.join_pens()
    for line in desktop.pens:
        line.close()
    assert "there is no pen: " in (Path.home() / ".local/state/soundstage/desktop.log").read_text()


def test_ending_is_kind_and_then_not(
    desktop: starter.Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter, "_END_WITHIN", 0.2)
    kind = starter.Child("kind", ["sleep", "60"], needed=False)
    deaf = starter.Child(
        "deaf", ["sh", "-c", "trap '' TERM; echo; while :; do sleep 0.1; done"], needed=False
    )
    desktop.spawn(kind)
    deaf.process = subprocess.Popen(deaf.command, stdout=subprocess.PIPE, start_new_session=True)
    assert deaf.process.stdout is not None
    deaf.process.stdout.readline()
    starter._end([kind, deaf])
    assert kind.process is not None
    assert kind.process.returncode == -15
    assert deaf.process.wait(10) == -9
    deaf.process.stdout.close()


@pytest.mark.parametrize(
    ("answer", "expected"), [(b"HTTP/1.1 200 OK", True), (b"HTTP/1.1 500 No", False)]
)
def test_an_answer_is_asked_for(tmp_path: Path, answer: bytes, expected: bool) -> None:
    path = str(tmp_path / "s")
    assert not starter._answers(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert starter._answers(path) is expected
        thread.join()


def test_messages_are_shown_and_a_stop_is_obeyed_even_in_pieces(
    desktop: starter.Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    monkeypatch.setitem(desktop.plan, "command_fd", reader)
    shown: list[list[str]] = []
    monkeypatch.setattr(desktop, "run_aside", shown.append)
    os.write(writer, b'show {"title": "-t", "text": "Now.", "urgent": true}\nsh')
    assert desktop.obey()
    os.write(writer, b'ow {"title": "u", "text": "", "urgent": false}\n')
    assert desktop.obey()
    assert [words[-3:] for words in shown] == [["--", "-t", "Now."], ["--", "u", ""]]
    assert ["--urgency=critical" in words for words in shown] == [True, False]
    os.write(writer, b"stop\n")
    assert not desktop.obey()
    os.close(writer)
    assert not desktop.obey()
    os.close(reader)
