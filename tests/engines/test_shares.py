"""Folders that may be shared, and where in a workstation a share may be."""

import os
from pathlib import Path

import pytest

from soundstage.engines.shares import (
    Place,
    RefusedError,
    SharedFolder,
    check,
    check_target,
    find,
    open_beneath,
    parse,
)

FILMS = SharedFolder(name="films", path=Path("/srv/films"))
LIBRARY = SharedFolder(name="library", path=Path("/srv/films/library"), read_only=True)


def test_the_setting_names_folders() -> None:
    assert parse(["/srv/films", "lib=/srv/x/library:ro", "/srv/books:ro"]) == [
        FILMS,
        SharedFolder(name="lib", path=Path("/srv/x/library"), read_only=True),
        SharedFolder(name="books", path=Path("/srv/books"), read_only=True),
    ]


@pytest.mark.parametrize(
    "entries",
    [["films"], ["/"], ["/srv/../etc"], ["a b=/srv"], ["=/srv"], ["/srv/a", "/x/a"], [""]],
)
def test_a_setting_that_is_no_folder_is_refused(entries: list[str]) -> None:
    with pytest.raises(RefusedError):
        parse(entries)


@pytest.mark.parametrize(
    ("wanted", "folder", "below"),
    [
        ("films", FILMS, "."),
        ("films/show/shot", FILMS, "show/shot"),
        ("/srv/films", FILMS, "."),
        ("/srv/films/", FILMS, "."),
        ("/srv/films/show", FILMS, "show"),
        ("/srv/films/library/x", LIBRARY, "x"),
        ("library", LIBRARY, "."),
    ],
)
def test_a_share_is_named_by_folder_or_path(wanted: str, folder: SharedFolder, below: str) -> None:
    assert find([FILMS, LIBRARY], wanted) == Place(folder=folder, below=below)


@pytest.mark.parametrize(
    "wanted",
    ["/etc", "/srv", "/srv/filmsx", "/srv/films/../x", "films/..", "other", "", "films/\0"],
)
def test_what_is_not_allowed_is_refused_and_what_is_named(wanted: str) -> None:
    with pytest.raises(RefusedError, match=r"allowed are films \(/srv/films\), library \(.*only\)"):
        find([FILMS, LIBRARY], wanted)


def test_where_nothing_is_allowed_the_setting_is_named() -> None:
    with pytest.raises(RefusedError, match="SOUNDSTAGE_SHARED_FOLDERS"):
        find([], "films")


def test_no_link_below_the_folder_leads_anywhere(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "real" / "deep").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (top / "out").symlink_to(tmp_path / "secret")
    (top / "in").symlink_to("real")
    (top / "file").write_text("x")
    folders = [SharedFolder(name="top", path=top)]
    for wanted in ("top", "top/real/deep", f"{top}/real"):
        place = check(folders, wanted)
        descriptor = open_beneath(place)
        assert os.path.samestat(os.fstat(descriptor), (top / place.below).stat())
        os.close(descriptor)
    for wanted in ("top/out", "top/in", "top/in/deep", "top/file", "top/missing"):
        with pytest.raises(RefusedError, match="no step to it a link"):
            check(folders, wanted)


def test_the_allowed_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "films").symlink_to("disk")
    assert check([SharedFolder(name="films", path=tmp_path / "films")], "films").below == "."


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- a folder of numbers.
    for wanted in ("top", "top/missing/x"):
        try:
            check([SharedFolder(name="top", path=tmp_path)], wanted)
        except RefusedError:
            continue
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 -- as above.


@pytest.mark.parametrize(
    ("target", "tidy"),
    [
        ("/mnt/films", "/mnt/films"),
        ("/films/", "/films"),
        ("//films", "/films"),
        ("/srv", "/srv"),
        ("/opt/tools", "/opt/tools"),
        ("/home/artist/x", "/home/artist/x"),
        ("$HOME/films", "$HOME/films"),
        ("$HOME//a/b/", "$HOME/a/b"),
    ],
)
def test_a_place_for_a_share(target: str, tidy: str) -> None:
    assert check_target(target) == tidy


@pytest.mark.parametrize(
    "target",
    [
        *("", "/", "films", "/usr", "/usr/local", "/etc/x", "/proc/1", "/dev", "/run/x", "/lib64"),
        *("/home", "/home/artist", "$HOME", "$HOME/", "$HOME/..", "/mnt/../etc", "/opt"),
        *("/opt/soundstage", "/opt/stream/x", "/sys", "/boot", "/bin", "/tmp/.X11-unix"),
        *("/./etc", "/mnt/./../etc", "$HOME/a/../.."),
    ],
)
def test_the_system_is_not_covered(target: str) -> None:
    with pytest.raises(RefusedError):
        check_target(target)
