"""What a hand does is told from what an open page sends by itself."""

import os

import pytest

from soundstage.gateway.inputs import Inputs


def frame(payload: bytes, *, opcode: int = 1, mask: bytes = b"\x11\x22\x33\x44") -> bytes:
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 1 << 16:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([0x80 | opcode]) + length + mask + masked


@pytest.mark.parametrize(
    ("text", "is_input"),
    [
        (b"kd,65", True),
        (b"kh,65", True),
        (b"co,end,x", True),
        (b"sf,0,3", True),
        (b"m,10,20,0,0,1", True),
        (b"m2,1,0,0,0,1", True),
        (b"pen,primary,stylus,100 200 500 1", True),
        # Sent by an open page, or when it gains or loses the focus.
        (b"ku,65", False),
        (b"kr", False),
        (b"p,1", False),
        (b"START_VIDEO", False),
        (b"CLIENT_FRAME_ACK 12", False),
        (b"SETTINGS,{}", False),
        (b"r,1280x720", False),
        (b"cw,bWUgdG9v", False),
        (b"make,1", False),
        (b"", False),
    ],
)
def test_words(text: bytes, *, is_input: bool) -> None:
    assert Inputs().feed(frame(text)) is is_input
    # Binary, and control frames that happen to hold the same bytes, are none.
    assert not Inputs().feed(frame(text, opcode=2))


def test_a_pointer_that_stays_where_it_is_is_no_input() -> None:
    inputs = Inputs()
    assert inputs.feed(frame(b"m,10,20,0,0,1"))
    assert not inputs.feed(frame(b"m,10,20,0,0,2"))
    assert inputs.feed(frame(b"m,10,20,1,0,3"))
    assert inputs.feed(frame(b"m,11,20,1,0,4"))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 50, 100_000])
def test_frames_may_be_cut_anywhere(size: int) -> None:
    stream = b"".join(
        [
            frame(os.urandom(300), opcode=2),
            frame(b"SETTINGS," + b"x" * 70_000),
            frame(b"", opcode=9),
            frame(b"kd,65"),
            frame(b"p,1"),
        ]
    )
    inputs = Inputs()
    seen = [inputs.feed(stream[at : at + size]) for at in range(0, len(stream), size)]
    assert sum(seen) == 1
    assert not inputs.feed(frame(b"p,1"))
    assert inputs.feed(frame(b"kd,66"))
