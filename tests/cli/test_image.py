"""What `soundstage image` prints and refuses; a real build is looked at in tests/engines/images."""

import dataclasses
import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from soundstage.cli.image import image
from soundstage.engines.images import incus, tree
from soundstage.engines.images.store import Manifest
from soundstage.kit.config import ConfigError, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home", stream_environment=tmp_path / "none")
    return dataclasses.replace(made, sandbox="bubblewrap")


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """An image of one file, as `build --output` leaves it."""
    folder = tmp_path / "exported"
    folder.mkdir()
    owner = tree.Owner()
    owner.run("mkdir", tmp_path / "tree")
    owner.run("tee", tmp_path / "tree" / "file", content=b"content")
    owner.pack(tmp_path / "tree", folder / "rootfs.tar.zst")
    digest = tree.digest_of(folder / "rootfs.tar.zst")
    (folder / "metadata.tar.xz").write_bytes(incus.metadata("bookworm", digest))
    manifest = Manifest(
        release="bookworm", architecture="x86_64", python="3.11", asked=[], packages=[], stream=[]
    )
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return folder


def call(settings: Settings, *words: str | Path) -> Result:
    return CliRunner().invoke(image, [str(w) for w in words], obj=settings, catch_exceptions=False)


def test_an_image_comes_is_listed_and_goes(settings: Settings, exported: Path) -> None:
    assert "There are none." in call(settings, "list").output
    done = call(settings, "import", exported, "--name", "our-film")
    assert "✓ Unpacking" in done.output
    assert """SOUNDSTAGE_IMAGES='{"ami-ourfilm": "our-film"}'\n""" in done.output
    listed = json.loads(call(settings, "list", "--output", "json").output)["images"]
    assert [(each["name"], each["release"]) for each in listed] == [("our-film", "bookworm")]
    assert (settings.home / "images/our-film/root/file").read_text() == "content"
    assert call(settings, "remove", "our-film").output == "Removed our-film.\n"
    assert not list((settings.home / "images/.builds").iterdir())


def test_what_runs_on_it_is_not_taken_away(settings: Settings, exported: Path) -> None:
    import fcntl  # noqa: PLC0415 - this test is the workstation.

    call(settings, "import", exported, "--name", "film")
    with (settings.home / "images/film/in-use").open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert "Workstations run on it" in call(settings, "remove", "film").output
        assert list((settings.home / "images/.builds").iterdir())


def test_a_folder_without_an_image_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"image: .* holds no image: rootfs\.tar\.zst is missing"):
        call(settings, "import", tmp_path)


@pytest.mark.parametrize("words", [("build", "--name", "../x"), ("remove", "../x")])
def test_a_name_is_no_path(settings: Settings, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="can't be the name of an image"):
        call(settings, *words)


def test_what_is_not_there_is_not_removed(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="there is no image film"):
        call(settings, "remove", "film")


def test_a_build_that_fails_shows_where(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="mmdebstrap ended with code"):
        call(settings, "build", "--release", "no-such-release")
    assert not list((settings.home / "images/.builds").iterdir())
