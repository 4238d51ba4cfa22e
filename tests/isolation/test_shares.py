"""Shared file systems of real workstations: who may write what, and what leads nowhere."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.engines.interface import Account, Mount, MountKind, Reason, Script
from soundstage.engines.shares import parse
from soundstage.testing.fileservers import PASSWORD, configure_smb
from soundstage.testing.workbench import Workbench

STREAM_ENVIRONMENT = Path(__file__).parents[2] / ".venv-stream"
# Whose the shared folders are on the host; as an ordinary user they can only be one's own.
OWNER = 4711 if os.geteuid() == 0 else os.geteuid()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    disk = tmp_path_factory.mktemp("disk")
    for folder in ("films/show", "films/other", "books"):
        (disk / folder).mkdir(parents=True)
    (disk / "books" / "book").write_text("a book")
    for path in (disk, *disk.rglob("*")):
        os.chown(path, OWNER, -1)
    # Nobody else on the host may even look.
    (disk / "films").chmod(0o700)
    return disk


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> Iterator[Workbench]:
    folders = parse([f"films={disk}/films", f"{disk}/books:ro"])
    made = Workbench(tmp_path_factory.mktemp("shares"), STREAM_ENVIRONMENT, shared_folders=folders)
    yield made
    assert made.close() == []


FILMS = Mount(component="Films", kind=MountKind.FOLDER, source="films/show", target="/mnt/films")
BOOKS = Mount(component="Books", kind=MountKind.FOLDER, source="books", target="$HOME/my/books")
LOOK = Script(component="Look", as_root=False, text="echo found > /mnt/films/by-script")


@pytest.fixture(scope="module")
def ann(bench: Workbench) -> str:
    return bench.start_with_shell(mounts=[FILMS, BOOKS], scripts=[LOOK])


@pytest.fixture(scope="module")
def bob(bench: Workbench) -> str:
    return bench.start_with_shell(mounts=[FILMS])


def inside(bench: Workbench, ref: str, command: str) -> tuple[int, str]:
    return bench.inside(ref, "sh", "-c", command)


def test_two_artists_write_one_folder_as_its_owner(
    bench: Workbench, ann: str, bob: str, disk: Path
) -> None:
    assert inside(bench, ann, "mkdir -m 700 /mnt/films/shot; echo one > /mnt/films/shot/a")[0] == 0
    assert inside(bench, bob, "cat /mnt/films/shot/a") == (0, "one\n")
    assert inside(bench, bob, "echo two >> /mnt/films/shot/a; rm /mnt/films/by-script") == (0, "")
    assert (disk / "films/show/shot/a").read_text() == "one\ntwo\n"
    assert (disk / "films/show/shot/a").stat().st_uid == OWNER
    assert inside(bench, ann, "stat -c %U /mnt/films/shot/a") == (0, "artist\n")


def test_nothing_beside_the_folder_is_seen(bench: Workbench, ann: str, disk: Path) -> None:
    assert inside(bench, ann, "ls /mnt/films/../other /mnt/films/../../other")[0] != 0
    assert inside(bench, ann, f"ls {disk}")[0] != 0
    assert inside(bench, ann, "ln -s /etc/shadow /mnt/films/link; cat /mnt/films/link")[0] != 0
    assert (disk / "films/show/link").is_symlink()


def test_what_is_for_reading_is_not_written(bench: Workbench, ann: str, disk: Path) -> None:
    assert inside(bench, ann, "cat ~/my/books/book") == (0, "a book")
    assert inside(bench, ann, "stat -c %U ~/my") == (0, "artist\n")
    for command in ("touch ~/my/books/new", "rm ~/my/books/book", "chmod 777 ~/my/books"):
        assert inside(bench, ann, command)[0] != 0, command
    assert (disk / "books/book").read_text() == "a book"


def test_what_an_artist_lays_in_a_share_brings_no_rights(bench: Workbench, ann: str) -> None:
    rows = inside(bench, ann, "cat /proc/self/mountinfo")[1].splitlines()
    (row,) = [row for row in rows if " /mnt/films " in row]
    assert {"nosuid", "nodev"} <= set(row.split()[5].split(","))


def failure(bench: Workbench, **facts: object) -> tuple[Reason, str]:
    ref = bench.start()
    bench.stop(ref)
    with pytest.raises(AssertionError):
        bench.start(ref, **facts)
    observed = bench.engine.observe(ref)
    bench.remove(ref)
    return observed.reason, observed.detail


def test_a_link_swapped_in_ends_the_start(bench: Workbench, disk: Path) -> None:
    """Whoever writes in one share may swap a folder below it for a link before the next start."""
    (disk / "films/swapped").symlink_to("/root" if os.geteuid() == 0 else Path.home())
    mount = Mount(component="Bad", kind=MountKind.FOLDER, source="films/swapped", target="/mnt/x")
    reason, detail = failure(bench, mounts=[mount])
    assert reason is Reason.MOUNT
    assert "'Bad'" in detail
    assert "without a link" in detail


def test_a_link_in_the_home_does_not_move_a_share(bench: Workbench) -> None:
    ref = bench.start()
    bench.stop(ref)
    (bench.home(ref) / "my").symlink_to("/tmp")
    with pytest.raises(AssertionError, match="no folder that could be mounted on"):
        bench.start(ref, mounts=[BOOKS])
    bench.remove(ref)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user owns no folder of root's")
def test_artists_never_write_as_the_host_s_root(bench: Workbench, disk: Path) -> None:
    os.chown(disk / "films/other", 0, 0)
    mount = Mount(component="Root", kind=MountKind.FOLDER, source="films/other", target="/mnt/x")
    reason, detail = failure(bench, mounts=[mount])
    assert (reason, "belongs to root" in detail) == (Reason.MOUNT, True)


# -- a real server -----------------------------------------------------------------------------

# A user of the host whom the server may become; an ordinary one can only stay who it is.
WHO = "daemon" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
KNOWN = Account(user=WHO, password=PASSWORD)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Give the port of an SMB server on loopback, and its share `films`."""
    place = tmp_path_factory.mktemp("smb")
    share = place / "share"
    share.mkdir()
    shutil.chown(share, WHO)
    for folder in (place, *place.parents):
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o011)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    network = "interfaces = lo\nbind interfaces only = yes\n"
    configuration = configure_smb(place, share, user=WHO, port=port, network=network)
    program = shutil.which("smbd", path="/usr/sbin:/usr/bin:/sbin")
    assert program, "samba is not installed: scripts/setup test"
    process = subprocess.Popen(
        [program, "-F", "--no-process-group", "-s", configuration],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while True:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert process.poll() is None
        assert time.monotonic() < deadline, (place / "log").read_text()
        time.sleep(0.05)
    yield port, share
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(10)


def smb(port: int, name: str, **more: object) -> Mount:
    source = f"//127.0.0.1:{port}/{name}"
    facts = {
        "component": "Office",
        "kind": MountKind.SMB,
        "source": source,
        "target": "/mnt/smb",
        "account": KNOWN,
    }
    return Mount(**{**facts, **more})  # type: ignore[arg-type]  # Of a test's own making.


def test_a_share_of_a_server_is_there_for_root_s_scripts_and_the_artist(
    bench: Workbench, server: tuple[int, Path]
) -> None:
    port, share = server
    (share / "before").write_text("was there")
    look = Script(component="Look", as_root=True, text="cat /mnt/smb/before; ls /mnt")
    ref = bench.start_with_shell(mounts=[smb(port, "films")], scripts=[look])
    assert bench.engine.script_output(ref)[-1].output == "was theresmb\n"
    assert inside(bench, ref, "mkdir /mnt/smb/new; echo mine > /mnt/smb/new/file")[0] == 0
    assert inside(bench, ref, "stat -c %U /mnt/smb/new/file") == (0, "artist\n")
    clients = _rclones()
    assert clients
    lines = b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in clients)
    assert b"sesame" not in lines
    assert inside(bench, ref, "pgrep rclone")[0] != 0
    # What was written a moment before the end is not lost, and then nothing is left of it.
    inside(bench, ref, "dd if=/dev/zero of=/mnt/smb/new/large bs=1M count=20")
    bench.stop(ref)
    assert (share / "new" / "file").read_text() == "mine\n"
    assert (share / "new" / "large").stat().st_size == 20 << 20
    assert not set(clients) & set(_rclones())
    bench.remove(ref)


def test_a_share_for_reading_is_not_written(bench: Workbench, server: tuple[int, Path]) -> None:
    port, share = server
    ref = bench.start_with_shell(mounts=[smb(port, "films", read_only=True)])
    assert inside(bench, ref, "touch /mnt/smb/not")[0] != 0
    assert not (share / "not").exists()
    bench.remove(ref)


@pytest.mark.parametrize(
    ("name", "account"),
    [("missing", KNOWN), ("films", Account(user=WHO, password="opensesame")), ("films", None)],
)
def test_a_server_that_refuses_fails_the_start_and_is_named(
    bench: Workbench, server: tuple[int, Path], name: str, account: Account | None
) -> None:
    reason, detail = failure(bench, mounts=[smb(server[0], name, account=account)])
    assert reason is Reason.MOUNT
    assert "'Office'" in detail
    assert f"//127.0.0.1:{server[0]}/{name}" in detail
    assert "opensesame" not in detail


def test_a_server_that_is_gone_fails_the_start(bench: Workbench) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        reason, _ = failure(bench, mounts=[smb(free.getsockname()[1], "films")])
    assert reason is Reason.MOUNT


def _rclones() -> list[int]:
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                fields = (place / "stat").read_text().rsplit(")", 1)[1].split()
                is_it = (place / "comm").read_text() == "rclone\n" and fields[0] != "Z"
            except OSError:
                continue
            found += [int(place.name)] if is_it else []
    return found
