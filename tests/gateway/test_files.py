"""Files through a served gateway, to the program that runs inside workstations."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from soundstage.engines.desktop import transfers
from soundstage.gateway.upstreams import FileRules, Transferred
from soundstage.testing.streams import SECONDS, GatewayWorld

PROGRAM = Path(transfers.__file__)
RULES = FileRules(name="files.sock", upload_to="$HOME/Uploads", download_from="$HOME/Out")
Answered = tuple[int, dict[str, str], bytes]


class Studio:
    """A gateway before the program, and a raw client."""

    def __init__(self, world: GatewayWorld, artist: Path) -> None:
        self.world = world
        self.artist = artist
        self.allow(RULES)

    def allow(self, rules: FileRules | None) -> None:
        places = self.world.upstreams.places
        place = places[self.world.stream]
        places[self.world.stream] = msgspec.structs.replace(place, files=rules)

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        file: object = None,
        **headers: str | None,
    ) -> Answered:
        host = f"127.0.0.1:{self.world.port}"
        wanted: dict[str, str | None] = {
            "Cookie": self.world.cookie(),
            "Origin": f"http://{host}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if file is not None:
            wanted["Soundstage-File"] = quote(json.dumps(file))
        connection = http.client.HTTPConnection(host, timeout=SECONDS)
        try:
            given = {name: value for name, value in wanted.items() if value is not None}
            connection.request(method, f"{self.world.page()}api/{path}", body, given)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()
        finally:
            connection.close()

    def send(self, name: str, body: bytes, **facts: Any) -> tuple[int, dict[str, Any]]:
        file = {"path": [name], "size": len(body), "modified": 5, "offset": 0, **facts}
        status, _, answer = self.call("PUT", "uploads", body, file)
        return status, json.loads(answer)


def _listens(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(place)) == 0


def _until(look: Any) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


@pytest.fixture
def studio(world: GatewayWorld, tmp_path: Path) -> Iterator[Studio]:
    artist = tmp_path / "artist"
    (artist / "Out").mkdir(parents=True)
    place = world.desktop.folder / "files.sock"
    plan = {"upload_to": RULES.upload_to, "download_from": RULES.download_from}
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(PROGRAM), str(place), json.dumps(plan)],
        env={"HOME": str(artist), "PATH": os.defpath},
    )
    try:
        _until(lambda: _listens(place))
        yield Studio(world, artist)
    finally:
        process.kill()
        process.wait()


def test_a_file_arrives_in_pieces_and_is_told_of(studio: Studio) -> None:
    content = os.urandom(300_000)
    file = {"path": ["shots", "plate.exr"], "size": len(content), "modified": 1_000}
    status, _, answer = studio.call("POST", "uploads", file=file)
    assert (status, json.loads(answer)) == (200, {"offset": 0})
    status, _, answer = studio.call("PUT", "uploads", content[:200_000], {**file, "offset": 0})
    assert (status, json.loads(answer)) == (200, {"offset": 200_000})
    assert studio.world.upstreams.transferred == []
    rest = content[200_000:]
    status, headers, answer = studio.call("PUT", "uploads", rest, {**file, "offset": 200_000})
    assert (status, json.loads(answer)) == (200, {"offset": 300_000, "copy": 1})
    assert headers["cache-control"] == "no-store"
    assert (studio.artist / "Uploads/shots/plate.exr").read_bytes() == content
    assert studio.world.upstreams.transferred == [
        Transferred(
            stream_id=studio.world.stream, is_upload=True, name="shots/plate.exr", size=300_000
        )
    ]
    # Somebody who sends files is at work.
    assert studio.world.upstreams.worked_on[0] == {studio.world.stream}


def test_a_piece_that_breaks_off_is_kept(studio: Studio) -> None:
    content = os.urandom(4_000_000)
    file = {"path": ["big"], "size": len(content), "modified": 1, "offset": 0}
    connection = http.client.HTTPConnection("127.0.0.1", studio.world.port, timeout=SECONDS)
    connection.putrequest("PUT", f"{studio.world.page()}api/uploads")
    for name, value in {
        "Cookie": studio.world.cookie(),
        "Origin": f"http://127.0.0.1:{studio.world.port}",
        "Content-Length": str(len(content)),
        "Soundstage-File": quote(json.dumps(file)),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(content[:3_000_000])
    deadline = time.monotonic() + SECONDS
    (begun,) = _until(lambda: list((studio.artist / "Uploads").glob(".soundstage-upload-*")))
    while begun.stat().st_size < 3_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    connection.close()

    def offset() -> int:
        _, _, answer = studio.call("POST", "uploads", file=file)
        return int(json.loads(answer)["offset"])

    assert offset() == 3_000_000
    rest, there = content[3_000_000:], {**file, "offset": 3_000_000}
    # The first connection's end may need a moment to be noticed inside.
    status = 423
    while status == 423:
        assert time.monotonic() < deadline
        status, _, _ = studio.call("PUT", "uploads", rest, there)
    assert status == 200
    assert (studio.artist / "Uploads/big").read_bytes() == content


def test_a_wrong_place_in_the_file_is_answered_with_the_right_one(studio: Studio) -> None:
    status, told = studio.send("a", b"xyz", size=9, offset=6)
    assert (status, told["offset"]) == (409, 0)


def test_a_cancelled_upload_leaves_nothing(studio: Studio) -> None:
    assert studio.send("a", b"xyz", size=9)[0] == 200
    file = {"path": ["a"], "size": 9, "modified": 5}
    assert studio.call("DELETE", "uploads", file=file)[0] == 200
    assert list((studio.artist / "Uploads").iterdir()) == []
    assert studio.call("DELETE", "uploads", file={**file, "path": ["no", "such"]})[0] == 200


@pytest.mark.parametrize(
    "path", [["..", "a"], ["a/b"], ["nul\0"], [".bashrc"], ["\u202egpj.exe"], ["x" * 300]]
)
def test_names_that_lead_elsewhere_are_refused_with_a_sentence(
    studio: Studio, path: list[str]
) -> None:
    status, told = studio.send("", b"x", path=path)
    assert status == 400
    assert told["message"].startswith("This name")
    assert [entry.name for entry in studio.artist.iterdir()] == ["Out"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_without_the_right_nothing_is_taken(studio: Studio, method: str) -> None:
    file = {"path": ["a"], "size": 1, "modified": 5}
    for rules in (None, FileRules(name="files.sock", download_from="$HOME/Out")):
        studio.allow(rules)
        assert studio.call(method, "uploads", b"x", file)[0] == 403
    studio.allow(RULES)
    for headers in (
        {"Origin": "http://elsewhere.example"},
        {"Origin": None},
        {"Origin": "null"},
    ):
        assert studio.call(method, "uploads", b"x", file, **headers)[0] == 403
    assert studio.call(method, "uploads?role=viewer", b"x", file)[0] == 403
    assert studio.call(method, "uploads", b"x", file, Cookie=None)[0] == 401
    other = studio.world.cookie(stream="B" * 22)
    assert studio.call(method, "uploads", b"x", file, Cookie=other)[0] == 403
    studio.world.upstreams.over.add(studio.world.stream)
    assert studio.call(method, "uploads", b"x", file)[0] == 410
    assert not (studio.artist / "Uploads").exists()


def test_without_the_right_nothing_is_given(studio: Studio) -> None:
    (studio.artist / "Out/a").write_text("out")
    for rules in (None, FileRules(name="files.sock", upload_to="$HOME/Uploads")):
        studio.allow(rules)
        assert studio.call("GET", "downloads")[0] == 403
        assert studio.call("GET", "downloads/a")[0] == 403
    studio.allow(RULES)
    assert studio.call("GET", "downloads/a?role=viewer")[0] == 403
    assert studio.call("GET", "downloads", Cookie=None)[0] == 401
    assert studio.call("GET", "downloads/a", Cookie=None)[0] == 401
    studio.world.upstreams.over.add(studio.world.stream)
    assert studio.call("GET", "downloads/a")[0] == 410


@pytest.mark.parametrize(
    "file",
    [
        None,
        "a",
        {"path": ["a"]},
        {"path": "a", "size": 1, "modified": 1},
        {"path": ["a"], "size": -1, "modified": 1},
        {"path": ["a"], "size": 1, "modified": 1, "offset": 1},
        {"path": ["\ud800"], "size": 1, "modified": 1},
        {"path": [], "size": 1, "modified": 1},
    ],
)
def test_what_does_not_say_which_file_is_refused(studio: Studio, file: object) -> None:
    assert studio.call("PUT", "uploads", b"x", file)[0] == 400


def test_sizes_are_bounded(studio: Studio) -> None:
    most = 10 * 1024**3
    file = {"path": ["a"], "size": most + 1, "modified": 1}
    status, _, answer = studio.call("POST", "uploads", file=file)
    assert status == 413
    assert "10 GiB" in json.loads(answer)["message"]
    file = {"path": ["a"], "size": most, "modified": 1}
    long = {"Content_Length": str(17 * 1024**2)}
    assert studio.call("PUT", "uploads", b"", file, **long)[0] == 413


def test_a_long_piece_needs_its_length_said(studio: Studio) -> None:
    file = {"path": ["a"], "size": 5, "modified": 1}
    headers = {"Transfer_Encoding": "chunked"}
    status, _, _ = studio.call("PUT", "uploads", b"5\r\nhello\r\n0\r\n\r\n", file, **headers)
    assert status == 411


def test_the_list_and_a_file_with_its_parts(studio: Studio) -> None:
    out = studio.artist / "Out"
    (out / "sub dir").mkdir()
    content = os.urandom(1_000_000)
    (out / "sub dir/é %2f.mov").write_bytes(content)
    status, _, listed = studio.call("GET", "downloads")
    assert status == 200
    (row,) = json.loads(listed)["files"]
    assert (row["path"], row["size"]) == (["sub dir", "é %2f.mov"], 1_000_000)
    address = "downloads/" + "/".join(quote(part, safe="") for part in row["path"])
    status, headers, body = studio.call("GET", address)
    assert (status, body) == (200, content)
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%A9%20%252f.mov"
    assert headers["content-type"] == "application/octet-stream"
    assert "sandbox" in headers["content-security-policy"]
    status, headers, body = studio.call("GET", address, Range="bytes=999990-")
    assert (status, body) == (206, content[-10:])
    assert headers["content-range"] == "bytes 999990-999999/1000000"
    etag = headers["etag"]
    answer = studio.call("GET", address, Range="bytes=0-9", If_Range=etag)
    assert answer[2] == content[:10]
    (out / "sub dir/é %2f.mov").write_bytes(b"another")
    status, _, body = studio.call("GET", address, Range="bytes=0-9", If_Range=etag)
    assert (status, body) == (200, b"another")
    status, headers, _ = studio.call("GET", address, Range="bytes=7-")
    assert (status, headers["content-range"]) == (416, "bytes */7")
    status, headers, body = studio.call("HEAD", address)
    assert (status, headers["content-length"], body) == (200, "7", b"")
    told = studio.world.upstreams.transferred
    assert {(each.is_upload, each.name) for each in told} == {(False, "sub dir/é %2f.mov")}


@pytest.mark.parametrize(
    "path", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e/secret", "link", "away/secret", ".x", "nothing", ""]
)
def test_nothing_beside_the_folder_is_given(studio: Studio, path: str) -> None:
    (studio.artist / "secret").write_text("secret")
    (studio.artist / "Out/link").symlink_to(studio.artist / "secret")
    (studio.artist / "Out/away").symlink_to(studio.artist)
    status, _, body = studio.call("GET", f"downloads/{path}")
    assert status in {400, 404}
    assert b"secret" not in body


def test_a_download_is_cut_when_the_right_ends(studio: Studio) -> None:
    with (studio.artist / "Out/huge").open("wb") as file:
        file.truncate(2 * 1024**3)
    connection = http.client.HTTPConnection("127.0.0.1", studio.world.port, timeout=SECONDS)
    path = f"{studio.world.page()}api/downloads/huge"
    connection.request("GET", path, headers={"Cookie": studio.world.cookie()})
    answer = connection.getresponse()
    assert answer.status == 200
    came = len(answer.read(1_000_000))
    studio.world.upstreams.over.add(studio.world.stream)
    while piece := answer.read(1_000_000):
        came += len(piece)
        # So that its end comes after the right's.
        time.sleep(0.002)
    assert came < 2 * 1024**3
    answer.close()
    connection.close()


def test_a_program_that_is_gone_is_said(studio: Studio) -> None:
    (studio.world.desktop.folder / "files.sock").unlink()
    assert studio.send("a", b"x")[0] == 503
    assert studio.call("GET", "downloads")[0] == 503


def test_a_link_to_another_socket_is_not_followed(studio: Studio) -> None:
    place = studio.world.desktop.folder / "files.sock"
    place.rename(place.with_name("other.sock"))
    place.symlink_to("other.sock")
    assert studio.send("a", b"x")[0] == 503


def test_the_page_is_told_what_it_may_show(studio: Studio) -> None:
    status, _, answer = studio.call("GET", "transfers")
    assert status == 200
    assert json.loads(answer) == {
        "uploadTo": "$HOME/Uploads",
        "downloadFrom": "$HOME/Out",
        "mostBytes": 10 * 1024**3,
        "pieceBytes": 16 * 1024**2,
    }
    studio.allow(None)
    assert studio.call("GET", "transfers")[0] == 403
