"""The walls as bubblewrap's arguments, without any process."""

from pathlib import Path, PurePosixPath

import msgspec
import pytest

from soundstage.engines.interface import PermanentError
from soundstage.engines.sandbox.host.gpus import Assignment
from soundstage.engines.sandbox.walls.bubblewrap import Share, Walls, draw

WALLS = Walls(
    image_root=Path("/"),
    home=Path("/data/volumes/r/0/home"),
    scratch=Path("/data/volumes/r/0/scratch"),
    stream_directory=Path("/data/workstations/r/stream"),
    desktop=Path("/code/desktop"),
    stream_environment=Path("/code/stream"),
    name="ws-1",
    machine_id="0" * 32,
    environment={"SHOW": "a b; $(c)"},
)


def following(arguments: list[str], word: str) -> list[str]:
    return [arguments[i + 1] for i, argument in enumerate(arguments) if argument == word]


def test_everything_is_unshared_and_nothing_may_be_gained() -> None:
    arguments = draw(WALLS).arguments
    assert "--unshare-all" in arguments
    assert "--share-net" not in arguments
    assert "--die-with-parent" in arguments
    assert following(arguments, "--cap-drop") == ["ALL"]
    assert following(arguments, "--seccomp") == ["\0seccomp"]


def test_only_four_folders_of_the_host_may_be_written() -> None:
    drawing = draw(WALLS)
    writable = [
        drawing.binds[int(blank.removeprefix("\0bind:"))]
        for blank in following(drawing.arguments, "--bind")
    ]
    assert writable == [
        "/data/volumes/r/0/scratch/tmp",
        "/data/volumes/r/0/scratch/var-tmp",
        "/data/volumes/r/0/home",
        "/data/workstations/r/stream",
    ]


def test_no_place_of_the_service_stands_in_the_arguments() -> None:
    assert not [word for word in draw(WALLS).arguments if "/data" in word or "/code" in word]


def test_etc_is_a_white_list() -> None:
    arguments = draw(WALLS).arguments
    made = following(arguments, "--dir")
    shown = [word for word in arguments if word.startswith("/etc/") and word not in made]
    assert "/etc/fonts" in shown
    assert not {"/etc/shadow", "/etc/ssh", "/etc/ssl", "/etc/ssl/private", "/etc"} & set(shown)
    assert "root:" in draw(WALLS).data["passwd"]


@pytest.mark.parametrize("has_system", [False, True])
def test_an_artist_may_enter_the_folders_above_all_that_is_bound(*, has_system: bool) -> None:
    """Bubblewrap makes a missing one so that only the workstation's root enters it."""
    gpus = Assignment(
        nodes=["/dev/dri/renderD128"], folders=["/sys/devices/pci0000:00/0000:00:01.0"]
    )
    shares = [Share(target="/films/show", read_only=False)]
    walls = msgspec.structs.replace(WALLS, gpus=gpus, shares=shares, has_system=has_system)
    arguments = draw(walls).arguments
    entered = {"/"}
    for number, word in enumerate(arguments):
        if word in {"--dir", "--tmpfs", "--proc", "--dev"}:
            place = PurePosixPath(arguments[number + 1])
            entered |= {str(folder) for folder in (place, *place.parents)}
        elif word.removesuffix("-try") in {"--bind", "--ro-bind", "--dev-bind"}:
            place = PurePosixPath(arguments[number + 2])
            above = {str(folder) for folder in place.parents}
            assert above <= entered, place
            entered.add(str(place))
    assert {"/films/show", "/dev/dri/renderD128", "/var/cache/fontconfig"} <= entered


def test_the_environment_begins_empty() -> None:
    arguments = draw(WALLS).arguments
    assert "--clearenv" in arguments
    at = arguments.index("SHOW")
    assert arguments[at - 1 : at + 2] == ["--setenv", "SHOW", "a b; $(c)"]


@pytest.mark.parametrize("name", ["A\0B", "A=B", "", "1A", "A B"])
def test_a_variable_may_not_become_an_argument(name: str) -> None:
    with pytest.raises(PermanentError):
        draw(msgspec.structs.replace(WALLS, environment={name: "x"}))


def test_a_value_may_not_begin_another_argument() -> None:
    with pytest.raises(PermanentError):
        draw(msgspec.structs.replace(WALLS, environment={"A": "x\0--bind\0/\0/host"}))


@pytest.mark.parametrize("name", ["", "-a", "a b", "a\nb", "../x", "x" * 64])
def test_a_host_name_is_one(name: str) -> None:
    with pytest.raises(PermanentError):
        draw(msgspec.structs.replace(WALLS, name=name))


def test_an_image_that_was_made_here_is_the_whole_root() -> None:
    drawing = draw(msgspec.structs.replace(WALLS, has_root=True, is_overlaid=True))
    arguments = drawing.arguments
    at = arguments.index("\0overlay")
    assert arguments[at - 1 : at + 2] == ["--bind", "\0overlay", "/"]
    # Nothing is laid before it, which it would cover, and nothing of the host's system over it.
    assert "--bind" not in arguments[: at - 1]
    assert "--ro-bind" not in arguments[: at - 1]
    assert not {"/usr", "/etc/fonts", "/opt/stream", "/var/cache/fontconfig"} & set(arguments)
    assert "/code/stream" not in drawing.binds
    assert set(drawing.data) == {"hosts", "hostname", "machine-id", "resolv.conf"}
    assert "--remount-ro" not in arguments


def test_an_image_of_its_own_brings_its_programs_and_settings(tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "lib64").mkdir()
    arguments = draw(msgspec.structs.replace(WALLS, image_root=tmp_path)).arguments
    assert following(arguments, str(tmp_path / "usr")) == ["/usr"]
    assert following(arguments, "usr/bin") == ["/bin"]
    assert following(arguments, str(tmp_path / "lib64")) == ["/lib64"]
    assert following(arguments, str(tmp_path / "etc/fonts")) == ["/etc/fonts"]
