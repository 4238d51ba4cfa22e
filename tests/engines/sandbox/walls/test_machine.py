"""Whether this machine lets us build sandboxes, and the advice where one does not."""

import os
import re
from pathlib import Path

import pytest

from soundstage.engines.sandbox.walls import machine


def settings(proc: Path, **values: str) -> Path:
    for name, value in values.items():
        path = proc / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")
    return proc


def test_this_machine_is_fit() -> None:
    assert machine.missing_programs() == []
    assert machine.refusal(200_000 if os.geteuid() == 0 else None) is None


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "openbox" in machine.missing_programs()
    assert machine.refusal(None) == "bubblewrap is not installed: apt-get install bubblewrap"


def test_a_refusal_is_noticed_and_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "bwrap"
    stand_in.write_text("#!/bin/sh\necho 'bwrap: No permissions' >&2\nexit 1\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    said = machine.refusal(None, proc=settings(tmp_path, user__max_user_namespaces="0"))
    assert said is not None
    assert "bwrap: No permissions" in said
    assert "sysctl -w user.max_user_namespaces=15000" in said


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        (
            "kernel__unprivileged_userns_clone",
            "0",
            "sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        ("user__max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
        (
            "kernel__apparmor_restrict_unprivileged_userns",
            "1",
            "apparmor_parser -r /etc/apparmor.d/bwrap",
        ),
    ],
)
def test_each_known_cause_has_its_change(
    tmp_path: Path, name: str, value: str, advice: str
) -> None:
    said = machine.explain("bwrap: no", settings(tmp_path, **{name: value}), "6.1")
    assert advice in said
    assert "this kernel (6.1)" in said


def test_without_a_known_cause_it_thinks_of_a_container(tmp_path: Path) -> None:
    fine = settings(
        tmp_path,
        kernel__unprivileged_userns_clone="1",
        user__max_user_namespaces="1000",
        kernel__apparmor_restrict_unprivileged_userns="0",
    )
    said = machine.explain("bwrap: no", fine, "6.1")
    assert "--security-opt" in said
    assert "sysctl" not in said


def test_programs_say_their_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch(r"bubblewrap \d+\.\d[\d.]*, Xorg \d+\.\d[\d.]*", machine.versions())
    assert machine.stream_version(tmp_path) == f"{tmp_path} holds no selkies: run `make setup`"
    monkeypatch.setenv("PATH", "/nonexistent")
    assert machine.versions() == "bubblewrap of an unknown version, Xorg of an unknown version"
