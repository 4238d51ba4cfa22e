"""A home goes out of a real Incus and comes back the same."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.conftest import Eventually

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.copies import Copies
from soundstage.engines.incus.lost import Lost
from soundstage.engines.incus.settings import IncusSettings
from soundstage.kit.jobs import Cancellation, CancelledError
from soundstage.testing.incus import IncusDaemon

pytestmark = pytest.mark.incus
REF, BACKUP = "r" * 22, "b" * 22


@pytest.fixture
def copies(client: Client, incus_settings: IncusSettings) -> Copies:
    return Copies(client, incus_settings, Lost(client, incus_settings))


def furnish(home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "plain").write_bytes(b"content")
    (home / "link").symlink_to("plain")
    os.link(home / "plain", home / "twin")
    (home / "locked").write_bytes(b"")
    (home / "locked").chmod(0)
    (home / "empty").mkdir()
    os.setxattr(home / "plain", "user.note", b"kept")
    (home / os.fsdecode(b"latin-\xe9")).write_bytes(b"old name")
    with (home / "sparse").open("wb") as file:
        file.truncate(10_000_000)
    for path in (home, *home.iterdir()):
        os.chown(path, 1000, 1000, follow_symlinks=False)


def test_everything_of_a_home_comes_back(
    copies: Copies,
    client: Client,
    incus_settings: IncusSettings,
    incus_daemon: IncusDaemon,
    eventually: Eventually,
) -> None:
    with copies.room() as folder:
        furnish(folder / "home")
        copies.put(Cancellation(), folder, "home.1")
    volume = incus_daemon.volume("home.1")
    names = [os.fsencode(path.name) for path in volume.iterdir()]
    assert sorted(names) == [
        b"empty", b"latin-\xe9", b"link", b"locked", b"plain", b"sparse", b"twin",
    ]  # fmt: skip
    with copies.opened(Cancellation(), REF, BACKUP, "home.1") as folder:
        home = folder / "home"
        plain = (home / "plain").stat()
        assert (plain.st_uid, plain.st_gid, plain.st_nlink) == (1000, 1000, 2)
        assert os.getxattr(home / "plain", "user.note") == b"kept"
        assert (home / "link").readlink() == Path("plain")
        assert (home / "locked").stat().st_mode & 0o777 == 0
        assert (home / "sparse").stat().st_size == 10_000_000
        # Nothing that Incus made for it is needed any more.
        assert [
            each["name"] for each in client.get(incus_settings.volumes, {"recursion": "1"})
        ] == ["home.1"]
    eventually(lambda: not any((incus_settings.home / "incus" / "copies").iterdir()))
    client.ensure_absent(f"{incus_settings.volumes}/home.1")


def test_what_is_called_off_leaves_nothing(
    copies: Copies, client: Client, incus_settings: IncusSettings
) -> None:
    client.ensure(incus_settings.volumes, {"name": "home.2"})
    cancelled = Cancellation()
    cancelled.cancel()
    with pytest.raises(CancelledError), copies.opened(cancelled, REF, BACKUP, "home.2"):
        raise AssertionError("nothing is copied")
    names = [each["name"] for each in client.get(incus_settings.volumes, {"recursion": "1"})]
    assert names == ["home.2"]
    client.ensure_absent(f"{incus_settings.volumes}/home.2")


def test_what_a_killed_service_left_is_cleared(
    copies: Copies, incus_settings: IncusSettings
) -> None:
    left = incus_settings.home / "incus" / "copies" / "left"
    left.mkdir(parents=True)
    copies.clear()
    assert not left.exists()
    with copies.room() as folder, nullcontext():
        assert folder.is_dir()
