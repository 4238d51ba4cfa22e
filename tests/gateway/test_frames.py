"""Where frames end, however the bytes are cut."""

import random

import pytest

from soundstage.gateway.frames import Borders, Openings, close_code, close_frame, frame_end


def a_frame(length: int, *, masked: bool = False) -> bytes:
    mask = 0x80 if masked else 0
    if length < 126:
        head = bytes((0x82, mask | length))
    elif length < 65536:
        head = bytes((0x82, mask | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x82, mask | 127)) + length.to_bytes(8, "big")
    return head + (bytes(4) if masked else b"") + b"x" * length


LENGTHS = (0, 1, 125, 126, 127, 65535, 65536, 70000)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("masked", [False, True])
def test_a_frame_ends_after_its_payload(length: int, masked: bool) -> None:
    frame = a_frame(length, masked=masked)
    assert frame_end(frame, 0) == len(frame)
    assert frame_end(b"ab" + frame, 2) == len(frame) + 2


@pytest.mark.parametrize("seed", range(30))
def test_borders_are_found_however_the_bytes_are_cut(seed: int) -> None:
    cut = random.Random(seed)  # noqa: S311 - a test's dice
    frames = [a_frame(cut.choice(LENGTHS), masked=cut.random() < 0.5) for _ in range(12)]
    stream = b"".join(frames)
    ends, at = {0}, 0
    for frame in frames:
        at += len(frame)
        ends.add(at)
    borders, passed, begun = Borders(), 0, 0
    while passed < len(stream):
        size = cut.choice((1, 2, 3, 9, 10, 100, 65536, 150000))
        piece = stream[passed : passed + size]
        begun += borders.feed(piece)
        passed += len(piece)
        assert borders.is_between is (passed in ends)
    assert begun == len(frames)


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 50, 199])
def test_the_rest_of_a_frame_ends_at_its_border(cut: int) -> None:
    frame, following = a_frame(200), a_frame(7)
    borders = Borders()
    borders.feed(frame[:cut])
    rest = b""
    for at in range(cut, len(frame) + len(following), 11):
        rest += borders.rest_of_frame((frame + following)[at : at + 11])
        if borders.is_between:
            break
    assert frame[:cut] + rest == frame


def test_a_close_frame_says_its_code_and_a_bounded_reason() -> None:
    frame = close_frame(1008, "é" * 200)
    assert frame_end(frame, 0) == len(frame) <= 127
    assert frame[4:].decode() == "é" * 61
    assert close_code(frame) == 1008
    assert close_code(b"\x81\x04MODE") is None
    assert close_code(b"\x88\x00") is None


def test_the_beginning_of_every_frame_is_seen_however_it_is_cut() -> None:
    small, large = b"\x81\x85\1\1\1\1" + bytes(b ^ 1 for b in b"hello"), b"\x02\x7e\x01\x00"
    sent = small + large + bytes(256) + small
    for size in (1, 2, 3, 50, 1000):
        openings, seen, given = Openings(4), [], b""
        for at in range(0, len(sent), size):
            data, rest, found = openings.feed(sent[at : at + size])
            given += data
            assert rest <= len(data)
            seen += [(each.code, each.is_final, each.start, each.length) for each in found]
        assert given == sent
        assert seen == [(1, True, b"hell", 5), (2, False, bytes(4), 256), (1, True, b"hell", 5)]
