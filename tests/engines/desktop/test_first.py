"""The workstation's own root before it becomes the artist; real ones are in test_scripts_inside."""

import os
from pathlib import Path

import pytest

from soundstage.engines.desktop import first


def test_descriptors_come_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDSTAGE_FDS", "steps=3 command=4 root=9")
    assert first.descriptors() == {"steps": 3, "command": 4, "root": 9}


def test_without_scripts_nothing_is_run_and_nothing_left_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    private = tmp_path / "scripts"
    private.mkdir()
    monkeypatch.setattr(first, "_PRIVATE", str(private))
    source = os.memfd_create("scripts", 0)
    first.run_scripts({"root": source, "results": -1, "steps": -1})
    assert not private.exists()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(source)


def test_a_failed_script_ends_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(first, "_PRIVATE", str(tmp_path))
    source = os.memfd_create("scripts", 0)
    text = b'{"seconds": 5, "scripts": [{"text": "exit 1", "environment": {}, "secrets": []}]}'
    os.write(source, text)
    os.lseek(source, 0, os.SEEK_SET)
    told, results = os.pipe()
    with pytest.raises(SystemExit) as ended:
        first.run_scripts({"root": source, "results": results, "steps": results})
    assert ended.value.code == 1
    os.close(results)
    os.close(source)
    with os.fdopen(told, "rb") as lines:
        assert b'"code": 1' in lines.read()
