"""The program that takes and gives files, without a desktop around it."""

import errno
import fcntl
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from soundstage.engines.desktop import transfers

Plan = dict[str, str | None]


class Line:
    """One request, as the gateway makes it."""

    def __init__(self, plan: Plan, asked: object) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(10)
        self.thread = threading.Thread(target=transfers.serve_one, args=(theirs, plan))
        self.thread.start()
        raw = asked if isinstance(asked, bytes) else json.dumps(asked).encode() + b"\n"
        self.socket.sendall(raw)
        self.lines = self.socket.makefile("rb")
        self.first = self.answer()

    def answer(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.lines.readline() or b"{}")
        return found

    def close(self) -> None:
        self.lines.close()
        self.socket.close()
        self.thread.join(10)
        assert not self.thread.is_alive()


Ask = Callable[..., Line]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(transfers, "KEEP_FREE", 0)
    return tmp_path


@pytest.fixture
def ask(home: Path) -> Iterator[Ask]:
    del home
    plan: Plan = {"upload_to": "$HOME/Uploads", "download_from": "$HOME/Out"}
    made: list[Line] = []

    def asking(what: str, *, plan: Plan = plan, **facts: object) -> Line:
        made.append(Line(plan, {"do": what, "modified": 1_600_000_000_000, **facts}))
        return made[-1]

    yield asking
    for line in made:
        line.close()


def send(ask: Ask, path: list[str], content: bytes, *, offset: int = 0) -> dict[str, Any]:
    """Send the rest of a file in one piece."""
    length = len(content) - offset
    line = ask("put", path=path, size=len(content), offset=offset, length=length)
    if "refused" in line.first:
        return line.first
    if length:
        # With nothing left to send the other end answers and closes at once.
        line.socket.sendall(content[offset:])
    return line.answer()


def hidden(folder: Path) -> list[Path]:
    return sorted(folder.glob(".soundstage-upload-*"))


def test_a_file_lands_with_its_name_time_and_folders(ask: Ask, home: Path) -> None:
    answer = send(ask, ["shots", "010", "plate.exr"], b"pixels")
    assert answer == {"offset": 6, "copy": 1}
    landed = home / "Uploads/shots/010/plate.exr"
    assert landed.read_bytes() == b"pixels"
    assert landed.stat().st_mtime == 1_600_000_000
    assert hidden(landed.parent) == []


def test_an_empty_file_lands_as_well(ask: Ask, home: Path) -> None:
    assert send(ask, ["empty"], b"") == {"offset": 0, "copy": 1}
    assert (home / "Uploads/empty").read_bytes() == b""


def test_what_is_there_is_never_overwritten(ask: Ask, home: Path) -> None:
    (home / "Uploads").mkdir()
    (home / "elsewhere").write_text("precious")
    (home / "Uploads/a.tar.gz").symlink_to(home / "elsewhere")
    (home / "Uploads/a.tar (2).gz").mkdir()
    os.mkfifo(home / "Uploads/a.tar (3).gz")
    assert send(ask, ["a.tar.gz"], b"new") == {"offset": 3, "copy": 4}
    assert (home / "Uploads/a.tar (4).gz").read_bytes() == b"new"
    assert (home / "elsewhere").read_text() == "precious"


def test_it_goes_on_where_the_connection_dropped(ask: Ask, home: Path) -> None:
    content = os.urandom(3_000_000)
    line = ask("put", path=["big"], size=len(content), offset=0, length=len(content))
    assert line.first == {"offset": 0}
    line.socket.sendall(content[:1_000_000])
    line.close()
    begun = ask("begin", path=["big"], size=len(content)).first
    assert begun == {"offset": 1_000_000}
    assert not (home / "Uploads/big").exists()
    assert send(ask, ["big"], content, offset=1_000_000)["copy"] == 1
    assert (home / "Uploads/big").read_bytes() == content


def test_another_file_of_that_name_does_not_go_on_with_the_first(ask: Ask) -> None:
    line = ask("put", path=["big"], size=100, offset=0, length=100)
    line.socket.sendall(b"x" * 50)
    line.close()
    assert ask("begin", path=["big"], size=100).first == {"offset": 50}
    assert ask("begin", path=["big"], size=101).first == {"offset": 0}
    assert ask("begin", path=["big"], size=100, modified=7).first == {"offset": 0}


def test_a_piece_from_elsewhere_in_the_file_is_refused(ask: Ask, home: Path) -> None:
    answer = ask("put", path=["big"], size=100, offset=10, length=10).first
    assert answer == {"refused": "OFFSET", "offset": 0}
    assert list((home / "Uploads").iterdir()) == []


def test_two_pages_do_not_write_one_file_together(ask: Ask, home: Path) -> None:
    line = ask("put", path=["big"], size=100, offset=0, length=100)
    assert line.first == {"offset": 0}
    (part,) = hidden(home / "Uploads")
    with part.open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    second = ask("put", path=["big"], size=100, offset=0, length=100)
    assert second.first == {"refused": "BUSY"}


def test_a_cancelled_one_leaves_nothing(ask: Ask, home: Path) -> None:
    ask("put", path=["big"], size=100, offset=0, length=10).close()
    assert len(hidden(home / "Uploads")) == 1
    assert ask("drop", path=["big"], size=100).first == {"offset": 0}
    assert hidden(home / "Uploads") == []
    assert ask("drop", path=["big"], size=100).first == {"offset": 0}


@pytest.mark.parametrize("offset", [0, 10])
def test_a_piece_that_comes_after_the_cancelling_begins_nothing(
    ask: Ask, home: Path, offset: int
) -> None:
    ask("put", path=["big"], size=100, offset=0, length=10).close()
    ask("drop", path=["big"], size=100)
    late = ask("put", path=["big"], size=100, offset=offset, length=10).first
    assert late == {"refused": "OFFSET", "offset": 0}
    assert hidden(home / "Uploads") == []


def test_a_cancelled_one_can_be_sent_again(ask: Ask) -> None:
    ask("drop", path=["big"], size=6)
    assert ask("begin", path=["big"], size=6).first == {"offset": 0}
    assert send(ask, ["big"], b"pixels") == {"offset": 6, "copy": 1}


def test_only_so_many_cancelled_ones_are_remembered(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "_MOST_DROPPED", 2)
    for name in "abc":
        ask("drop", path=[name], size=6)
    assert send(ask, ["a"], b"pixels") == {"offset": 6, "copy": 1}
    assert send(ask, ["b"], b"pixels") == {"refused": "OFFSET", "offset": 0}


def test_one_that_landed_before_a_crash_does_not_land_twice(ask: Ask, home: Path) -> None:
    line = ask("put", path=["a.txt"], size=4, offset=0, length=3)
    line.socket.sendall(b"tex")
    assert line.answer() == {"offset": 3}
    (part,) = hidden(home / "Uploads")
    part.write_bytes(b"text")
    (home / "Uploads/a.txt").write_bytes(b"another's")
    # As it is when it died between the two steps.
    (home / "Uploads/a (2).txt").hardlink_to(part)
    assert send(ask, ["a.txt"], b"text", offset=4) == {"offset": 4, "copy": 2}
    assert sorted(path.name for path in (home / "Uploads").iterdir()) == ["a (2).txt", "a.txt"]


def test_where_there_are_no_links_it_lands_too(
    ask: Ask, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "not here")

    monkeypatch.setattr(os, "link", no_links)
    assert send(ask, ["a"], b"one")["copy"] == 1
    assert send(ask, ["a"], b"two!")["copy"] == 2
    assert (home / "Uploads/a").read_bytes() == b"one"
    assert (home / "Uploads/a (2)").read_bytes() == b"two!"


@pytest.mark.parametrize(
    "path",
    [
        [],
        [""],
        ["."],
        [".."],
        ["..", "..", "etc", "passwd"],
        ["a", "..", "b"],
        ["a/b"],
        ["/etc/passwd"],
        [".bashrc"],
        [".soundstage-upload-0"],
        ["nul\0byte"],
        ["line\nbreak"],
        ["bell\x07"],
        ["photo\u202egpj.exe"],
        ["zero\u200bwidth"],
        ["half\ud800"],
        [" "],
        ["deep"] * 17,
        [7],
        "a string",
        None,
    ],
)
def test_names_that_lead_elsewhere_or_deceive_are_refused(
    ask: Ask, home: Path, path: object
) -> None:
    for what in ("begin", "put", "drop"):
        answer = ask(what, path=path, size=1, offset=0, length=1).first
        assert answer == {"refused": "NAME"}
    assert ask("get", path=path, offset=0, length=1).first == {"refused": "NAME"}
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["CON", "nul.txt", "-rf", "a b", "…", "$HOME", "%2e%2e", "a\\b"])
def test_names_that_mean_something_elsewhere_only_are_names(
    ask: Ask, home: Path, name: str
) -> None:
    assert send(ask, [name], b"x")["copy"] == 1
    assert [path.name for path in (home / "Uploads").iterdir()] == [name]


def test_long_names_keep_their_ending(ask: Ask, home: Path) -> None:
    longest = "é" * 125 + ".exr"
    assert len(longest.encode()) == 254
    assert send(ask, [longest], b"1")["copy"] == 1
    assert send(ask, [longest], b"2")["copy"] == 2
    second = max(path.name for path in (home / "Uploads").iterdir() if "(2)" in path.name)
    assert second.endswith("é (2).exr")
    assert len(second.encode()) <= 255
    assert ask("begin", path=["x" * 256], size=1).first == {"refused": "LONG_NAME"}


def test_names_that_look_the_same_are_the_same(ask: Ask, home: Path) -> None:
    send(ask, ["e\u0301tude"], b"1")
    assert (home / "Uploads/\u00e9tude").exists()


def test_links_on_the_way_are_not_followed(ask: Ask, home: Path) -> None:
    (home / "Uploads").mkdir()
    (home / "secret").mkdir()
    (home / "Uploads/in").symlink_to(home / "secret")
    answer = ask("put", path=["in", "a"], size=1, offset=0, length=1).first
    assert answer == {"refused": "FOLDER"}
    assert list((home / "secret").iterdir()) == []


def test_a_link_in_place_of_the_hidden_file_is_not_followed(ask: Ask, home: Path) -> None:
    ask("put", path=["a"], size=9, offset=0, length=1).close()
    (part,) = hidden(home / "Uploads")
    part.unlink()
    (home / "victim").write_text("")
    part.symlink_to(home / "victim")
    assert ask("put", path=["a"], size=9, offset=0, length=1).first == {"refused": "FOLDER"}
    assert (home / "victim").read_text() == ""


def test_a_full_disk_is_said_before_and_in_the_middle(
    ask: Ask, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("begin", path=["a"], size=2**52).first == {"refused": "FULL"}

    def no_room(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no room")

    line = ask("put", path=["a"], size=1000, offset=0, length=1000)
    assert line.first == {"offset": 0}
    monkeypatch.setattr(os, "write", no_room)
    line.socket.sendall(b"x" * 1000)
    assert line.answer() == {"refused": "FULL"}
    del home


def test_a_folder_that_can_t_be_made_is_said(ask: Ask, home: Path) -> None:
    (home / "Uploads").write_text("a file")
    assert ask("begin", path=["a"], size=1).first == {"refused": "FOLDER"}


def test_only_plain_files_of_the_folder_are_shown_and_given(ask: Ask, home: Path) -> None:
    out = home / "Out"
    (out / "sub").mkdir(parents=True)
    (home / "secret").write_text("secret")
    (out / "a.txt").write_text("hello")
    (out / "sub/b.txt").write_text("b")
    (out / ".hidden").write_text("h")
    (out / "link").symlink_to(home / "secret")
    (out / "away").symlink_to(home)
    (out / "bad\u202ename").write_text("x")
    (out / os.fsdecode(b"not-utf-8-\xff")).write_text("x")
    os.mkfifo(out / "fifo")
    answer = ask("list").first
    assert [row["path"] for row in answer["files"]] == [["a.txt"], ["sub", "b.txt"]]
    assert answer["files"][0]["size"] == 5
    assert answer["more"] is False
    for path in (["link"], ["away", "secret"], ["fifo"], ["sub"], ["nothing"]):
        assert ask("get", path=path, offset=0, length=10).first == {"refused": "GONE"}
    for path in ([".hidden"], ["..", "secret"]):
        assert ask("get", path=path, offset=0, length=10).first == {"refused": "NAME"}


def test_a_part_of_a_file_is_given(ask: Ask, home: Path) -> None:
    (home / "Out").mkdir()
    (home / "Out/a").write_bytes(b"0123456789")
    line = ask("get", path=["a"], offset=3, length=4)
    assert (line.first["size"], line.first["length"]) == (10, 4)
    assert line.lines.read() == b"3456"
    line = ask("get", path=["a"], offset=8, length=400)
    assert line.first["length"] == 2
    assert line.lines.read() == b"89"
    assert ask("get", path=["a"], offset=400, length=4).first["length"] == 0


def test_a_folder_that_is_not_there_holds_nothing(ask: Ask) -> None:
    assert ask("list").first == {"files": [], "more": False}


def test_a_long_list_is_cut_and_says_so(
    ask: Ask, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "Out").mkdir()
    for number in range(5):
        (home / f"Out/{number}").touch()
    monkeypatch.setattr(transfers, "MOST_LISTED", 3)
    answer = ask("list").first
    assert (len(answer["files"]), answer["more"]) == (3, True)


def test_what_the_plan_does_not_name_is_refused(ask: Ask, home: Path) -> None:
    into: Plan = {"upload_to": "$HOME/Uploads", "download_from": None}
    out: Plan = {"upload_to": None, "download_from": "$HOME/Out"}
    refused = {"refused": "NOT_ALLOWED"}
    for what in ("begin", "put", "drop"):
        assert ask(what, plan=out, path=["a"], size=1, offset=0, length=1).first == refused
    for what in ("list", "get"):
        assert ask(what, plan=into, path=["a"], offset=0, length=1).first == refused
    assert ask("delete", path=["a"]).first == refused
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "raw", [b"\n", b"[]\n", b"{\n", b"\xff\n", b"[" * 60_000 + b"\n", b"x" * 70_000]
)
def test_what_is_no_request_is_refused(home: Path, raw: bytes) -> None:
    line = Line({"upload_to": str(home)}, raw)
    assert line.first == {"refused": "BROKEN"}
    line.close()


@pytest.mark.parametrize("bad", [-1, 1.5, "1", True, None, 2**60])
def test_numbers_are_numbers(ask: Ask, bad: object) -> None:
    assert ask("begin", path=["a"], size=bad).first == {"refused": "BROKEN"}
    answer = ask("put", path=["a"], size=5, offset=bad, length=1).first
    assert answer == {"refused": "BROKEN"}


def test_folders_are_called_as_the_artist_calls_them(home: Path) -> None:
    assert transfers.expand("$HOME/a") == f"{home}/a"
    assert transfers.expand("/mnt/a") == "/mnt/a"
