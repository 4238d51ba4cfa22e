"""An image as it is built; what all of it promises is looked for in a real one."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from soundstage.engines.images import building, furnishing
from soundstage.engines.images.building import Builder, listed, packages_of
from soundstage.engines.images.store import Build, ImageError, ImageStore
from soundstage.testing.images import export_image

REPOSITORY = Path(__file__).parents[3]
WALLS = {"bubblewrap", "libseccomp2", "uidmap"}
SHOWN = """\
Package: adduser
Version: 3.134
Architecture: all
Description: add and remove users
 Package: none
SHA256: aa

Package: zlib1g
Version: 1:1.2
Architecture: amd64
SHA256: bb

Package: adduser
Version: 3.134
Architecture: all
SHA256: aa
"""


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(ImageStore(tmp_path), lambda _: nullcontext())


def test_an_image_has_the_desktop_that_the_host_would_have() -> None:
    image = set(listed(Path(building.__file__).with_name("packages.txt")))
    host = set(listed(REPOSITORY / "requirements" / "apt-sandbox.txt"))
    assert host - WALLS <= image


def test_packages_are_noted_once_with_their_hashes() -> None:
    noted = packages_of(SHOWN)
    assert [(each.name, each.version, each.sha256) for each in noted] == [
        ("adduser", "3.134", "aa"),
        ("zlib1g", "1:1.2", "bb"),
    ]


def test_every_part_has_a_version_and_a_hash(workstation_image: Build) -> None:
    manifest = workstation_image.manifest()
    assert {"systemd-sysv", "openbox", "python3"} <= {each.name for each in manifest.packages}
    assert {"selkies"} <= {each.name for each in manifest.stream}
    assert set(manifest.asked) <= {each.name for each in manifest.packages}
    for each in (*manifest.packages, *manifest.stream):
        assert each.version
        assert len(each.sha256) == 64


def test_it_says_inside_what_it_is(workstation_image: Build) -> None:
    inside = workstation_image.root / "usr/share/soundstage/image.json"
    assert inside.read_bytes() == (workstation_image.directory / "manifest.json").read_bytes()


def test_it_is_small_enough_to_be_sent_around(workstation_image: Build) -> None:
    assert workstation_image.archive.stat().st_size < 350e6


def test_nothing_in_it_is_of_the_moment(workstation_image: Build) -> None:
    root = workstation_image.root
    youngest = max(path.lstat().st_mtime for path in root.rglob("*"))
    assert youngest <= furnishing.EPOCH
    assert (root / "etc/machine-id").read_bytes() == b""
    assert not [path for path in (root / "var/log").rglob("*") if not path.is_dir()]
    for empty in ("var/lib/apt/lists", "var/cache/apt", "dev", "run", "tmp", "proc"):
        assert not list((root / empty).iterdir()), empty


def test_it_has_all_but_the_programs_that_the_engine_brings(workstation_image: Build) -> None:
    root = workstation_image.root
    assert not list((root / "etc/systemd/system").rglob("soundstage*"))
    assert not list((root / "opt/soundstage").iterdir())
    assert (root / "opt/stream/bin/python3").is_symlink()
    assert "artist:x:1000:1000:" in (root / "etc/passwd").read_text()


@pytest.mark.timeout(300)
def test_what_was_exported_can_be_brought_in(
    builder: Builder, workstation_image: Build, tmp_path: Path
) -> None:
    export_image(workstation_image, tmp_path / "exported")
    build = builder.bring_in(tmp_path / "exported", "film")
    try:
        assert build.digest == workstation_image.digest
        assert (build.root / "usr/bin/openbox").exists()
        assert builder.store.find("film") == build
        assert not list(builder.store.ensure().glob(".new-*"))
    finally:
        builder.owner.remove(build.directory)


def test_a_damaged_image_is_not_brought_in(
    builder: Builder, workstation_image: Build, tmp_path: Path
) -> None:
    export_image(workstation_image, tmp_path / "exported")
    with (tmp_path / "exported" / "rootfs.tar.zst").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(ImageError, match="the image is damaged"):
        builder.bring_in(tmp_path / "exported", "film")
    (tmp_path / "exported" / "manifest.json").unlink()
    with pytest.raises(ImageError, match=r"manifest\.json is missing"):
        builder.bring_in(tmp_path / "exported", "film")
    assert builder.store.names() == []
    assert not list(builder.store.ensure().iterdir())


def test_a_release_that_is_not_there_is_told_and_leaves_nothing(builder: Builder) -> None:
    with pytest.raises(ImageError, match="mmdebstrap ended with code"):
        builder.build("film", release="no-such-release")
    assert builder.store.names() == []
    assert not list(builder.store.ensure().iterdir())


@pytest.mark.parametrize("name", ["", "--option", "a b", "a,b", "a;b", "A"])
def test_the_name_of_a_package_is_no_option(builder: Builder, name: str) -> None:
    with pytest.raises(ImageError, match="can't be the name of a system package"):
        builder.build("film", more=[name])


def test_what_it_takes_is_named(builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ImageError, match="apt-get install mmdebstrap zstd"):
        builder.build("film")
