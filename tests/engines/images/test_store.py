"""Where images are kept, and for how long."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from soundstage.engines.images.store import ImageError, ImageStore, checked_name


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path)


def made(store: ImageStore, content: str) -> Path:
    folder = store.ensure() / f".new-{content}"
    (folder / "root").mkdir(parents=True)
    (folder / "root/what").write_text(content)
    return folder


def test_a_name_means_the_build_that_came_last(store: ImageStore) -> None:
    assert store.names() == []
    store.adopt(made(store, "one"), "film", "1" * 64)
    assert store.find("film").digest == "1" * 64
    store.adopt(made(store, "two"), "film", "2" * 64)
    assert store.names() == ["film"]
    assert (store.find("film").root / "what").read_text() == "two"


def test_only_its_owner_may_enter(store: ImageStore) -> None:
    store.adopt(made(store, "one"), "film", "1" * 64)
    assert store.root.stat().st_mode & 0o777 == 0o700


def test_the_same_build_again_changes_nothing(store: ImageStore) -> None:
    before = store.adopt(made(store, "one"), "film", "1" * 64).root.stat().st_ino
    assert store.adopt(made(store, "one"), "film", "1" * 64).root.stat().st_ino == before


def test_what_is_run_on_is_not_swept_away(store: ImageStore) -> None:
    old = store.adopt(made(store, "one"), "film", "1" * 64)
    held = os.open(old.in_use, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)
    store.adopt(made(store, "two"), "film", "2" * 64)
    assert store.sweep(shutil.rmtree) == [old.directory]
    assert (old.root / "what").read_text() == "one"
    os.close(held)
    assert store.sweep(shutil.rmtree) == []
    assert not old.directory.exists()
    assert (store.find("film").root / "what").read_text() == "two"


def test_a_build_under_way_is_not_swept_away(store: ImageStore) -> None:
    folder = made(store, "one")
    assert store.sweep(shutil.rmtree) == []
    assert folder.exists()


def test_a_name_can_be_forgotten(store: ImageStore) -> None:
    build = store.adopt(made(store, "one"), "film", "1" * 64)
    store.forget("film")
    assert store.names() == []
    store.sweep(shutil.rmtree)
    assert not build.directory.exists()


def test_what_is_not_there_is_told_with_what_is(store: ImageStore) -> None:
    with pytest.raises(ImageError, match=r"there are: none.*build --name film"):
        store.find("film")
    store.adopt(made(store, "one"), "other", "1" * 64)
    with pytest.raises(ImageError, match="there are: other"):
        store.forget("film")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "-a", "a-", "A", "a" * 64, ".builds", "a\n"]
)
def test_a_name_is_no_path(name: str) -> None:
    with pytest.raises(ImageError, match="can't be the name of an image"):
        checked_name(name)
