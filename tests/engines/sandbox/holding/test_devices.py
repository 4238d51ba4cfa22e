"""Device nodes of a workstation's own, in mounts that end with the test's child."""

import ctypes
import os
import stat
from pathlib import Path

import pytest

from soundstage.engines.sandbox.holding import devices

_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 16384, 1 << 18

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make device nodes")


def laid_out(nodes: list[str], place: Path) -> str:
    """What a child with mounts of its own finds after laying them out, or why it could not."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            libc = ctypes.CDLL(None)
            assert libc.unshare(_CLONE_NEWNS) == 0
            assert libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) == 0
            made = devices.lay_out(nodes, str(place), 4242)
            facts = [Path(path).stat() for path in made.values()]
            Path(made["\0device:0"]).write_bytes(b"x")
            said = f"{list(made)} {[(oct(f.st_mode), f.st_uid, f.st_rdev) for f in facts]}"
        except OSError as error:
            said = str(error)
        os.write(writer, said.encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writer)
    with os.fdopen(reader) as file:
        return file.read()


def test_the_nodes_are_its_users_alone_and_work(tmp_path: Path) -> None:
    node = (oct(stat.S_IFCHR | 0o600), 4242, os.makedev(1, 3))
    said = laid_out(["/dev/null"], tmp_path / "devices")
    assert said.endswith(str([node])), said
    # They were in the child's own mounts.
    assert list((tmp_path / "devices").iterdir()) == []
    assert Path("/dev/null").stat().st_uid == 0


def test_what_is_no_device_is_refused(tmp_path: Path) -> None:
    assert "is no device" in laid_out([str(tmp_path)], tmp_path / "devices")
