"""What every desktop is told."""

from soundstage.engines.telling import stream_flags


def test_the_stream_is_kept_to_its_socket() -> None:
    flags = stream_flags(socket="/run/stream/s.sock", clipboard=True, frames_per_second=30)
    assert "--unix-socket=/run/stream/s.sock" in flags
    assert not [flag for flag in flags if flag.startswith(("--addr", "--port"))]
    for flag in ("--file-transfers=none", "--command-enabled=false"):
        assert flag in flags
    assert "--framerate=30,8-30" in flags


def test_a_still_screen_comes_to_rest() -> None:
    flags = stream_flags(socket="/run/stream/s.sock", clipboard=True, frames_per_second=30)
    assert "--video-streaming-mode=false" in flags
    assert "--video-min-qp=10" in flags
