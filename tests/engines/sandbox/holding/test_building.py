"""The parts of building a sandbox that are about files; the rest is tried on real workstations."""

import os
from pathlib import Path

import pytest

from soundstage.engines.sandbox.holding import building


@pytest.fixture
def image(tmp_path: Path) -> Path:
    root = tmp_path / "image"
    (root / "etc/fonts/conf.d").mkdir(parents=True)
    (root / "etc/fonts/fonts.conf").write_text("fonts")
    (root / "etc/fonts/conf.d/10.conf").symlink_to("/usr/share/fontconfig/10.conf")
    (root / "etc/shadow").write_text("secret")
    (root / "etc/localtime").symlink_to("/usr/share/zoneinfo/UTC")
    deep = root / "usr/local/lib/python3/dist-packages/numpy/core"
    deep.mkdir(parents=True)
    (deep / "x.py").write_text("x")
    (root / "usr/local/bin").mkdir()
    (root / "usr/local/bin/tool").write_text("tool")
    (root / "usr/local/man").symlink_to("share/man")
    return root


def test_the_new_system_has_the_white_list_and_no_more(image: Path, tmp_path: Path) -> None:
    facts = {
        "image": str(image),
        "folders": ["etc", "opt", "root", "usr/local"],
        "etc": ["fonts", "localtime", "missing"],
        "image_local": "/run/image/local",
    }
    before = os.umask(0o077)
    try:
        places = building._make_system(str(tmp_path / "new"), facts)
    finally:
        os.umask(before)
    new = tmp_path / "new"
    assert places["\0system:usr/local"] == str(new / "usr/local")
    assert sorted(path.name for path in (new / "etc").iterdir()) == ["fonts", "localtime"]
    assert (new / "etc/fonts/fonts.conf").read_text() == "fonts"
    assert (new / "etc/localtime").is_symlink()
    assert (new / "etc").stat().st_mode & 0o777 == 0o755
    assert (new / "root").stat().st_mode & 0o777 == 0o700


def test_software_of_the_image_is_linked_below_folders_of_one_s_own(
    image: Path, tmp_path: Path
) -> None:
    new = tmp_path / "local"
    building._lay_out(str(image / "usr/local"), str(new), "/run/image/local", 3)
    assert (new / "bin").is_dir()
    assert (new / "bin/tool").readlink() == Path("/run/image/local/bin/tool")
    assert (new / "man").readlink() == Path("share/man")
    packages = new / "lib/python3/dist-packages"
    assert packages.is_dir()
    assert not packages.is_symlink()
    assert (packages / "numpy").readlink() == Path(
        "/run/image/local/lib/python3/dist-packages/numpy"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become the artist for a moment")
def test_a_share_s_folder_in_the_home_is_the_artist_s(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o005)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 1000, 1000)
    building._make_home_folder(str(home), "films/show")
    building._make_home_folder(str(home), "films/show")
    assert (home / "films/show").stat().st_uid == 1000
    assert os.geteuid() == 0


def test_the_exit_code_of_a_failed_mount_is_the_supervisor_s() -> None:
    from soundstage.engines.sandbox.holding import supervisor  # noqa: PLC0415 -- one line of it matters.

    assert supervisor._MOUNT_FAILED == building.MOUNT_FAILED
