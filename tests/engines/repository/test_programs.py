"""Programs that touch an artist's files run gently, with few words about them, and can be ended."""

import os
from pathlib import Path

import pytest

from soundstage.engines.repository import programs
from soundstage.kit.jobs import Cancellation


def test_a_program_is_nice_and_dies_with_its_thread() -> None:
    script = "import os, ctypes; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n));"
    out = programs.run(Cancellation(), "python3", "-c", script + "print(os.nice(0), n.value)")
    niceness, signal = out.split()
    assert int(niceness) >= min(19, os.nice(0) + 10)
    assert int(signal) == 9


def test_a_failure_names_the_program_and_its_last_words() -> None:
    with pytest.raises(programs.ProgramError, match=r"^sh: two$"):
        programs.run(Cancellation(), "sh", "-c", "echo one >&2; echo two >&2; exit 1")


def test_the_environment_holds_nothing_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDSTAGE_SECRET", "hidden")
    assert b"hidden" not in programs.run(Cancellation(), "env")


def test_a_version_is_read_from_what_a_program_says() -> None:
    assert programs.version(["sh", "-c", "echo it is 1.20.3-rc of today 7.1 >&2"]) == "1.20.3"
    for said in (["sh", "-c", "echo 1.2; exit 1"], ["true"], ["/nonexistent"]):
        assert programs.version(said) == ""


def test_a_tree_is_noted_and_mended(tmp_path: Path) -> None:
    tree, note = tmp_path / "tree", tmp_path / "note"
    tree.mkdir()
    (tree / "link").symlink_to(os.fsdecode(b"\xff"))
    (tree / "file").write_bytes(b"12345")
    assert programs.note_tree(Cancellation(), tree, note) == 5
    (tree / "link").unlink()
    (tree / "link").symlink_to("spoilt")
    programs.mend_tree(Cancellation(), tree, note)
    assert os.fsencode((tree / "link").readlink()) == b"\xff"
