"""Secrets by reference: found where they are, and never repeated."""

from pathlib import Path

import msgspec
import pytest

from soundstage.client.secrets import Reference, is_reference, resolve
from soundstage.kit.config import ConfigError


def test_one_way_at_a_time() -> None:
    for wrong in ({}, {"env": "A", "file": "b"}, {"path": "x"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, Reference)
    assert is_reference({"env": "A"})
    assert not any(map(is_reference, ({}, "env", {"env": "A", "other": 1}, None)))


def test_each_way_leads_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_SECRET", "of the variable")
    (tmp_path / "secret").write_text("of the file\n")
    assert resolve(Reference(env="STUDIO_SECRET"), tmp_path, where="x") == "of the variable"
    assert resolve(Reference(file="secret"), tmp_path, where="x") == "of the file"
    command = f"cat {tmp_path}/secret"
    assert resolve(Reference(command=command), tmp_path, where="x") == "of the file"


@pytest.mark.parametrize(
    ("reference", "complaint"),
    [
        (Reference(env="NO_SUCH_VARIABLE"), "here: the variable NO_SUCH_VARIABLE is not set"),
        (Reference(file="nothing"), "here: .*/nothing can't be read"),
        (Reference(file="shared"), "here: others may read .* Run: chmod 600"),
        (Reference(file="long"), "longer than 65536 bytes"),
        (Reference(file="binary"), "no text in UTF-8"),
        (Reference(command="false"), "here: of its command: it ended with exit code 1"),
        (Reference(command="'"), "it is no command line"),
    ],
)
def test_what_is_wrong_is_named_and_the_secret_is_not(
    reference: Reference, complaint: str, tmp_path: Path
) -> None:
    for name, content in {
        "shared": b"hidden",
        "long": b"x" * 65_537,
        "binary": b"\xff\xfe",
    }.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o644 if name == "shared" else 0o600)
    with pytest.raises(ConfigError, match=complaint) as caught:
        resolve(reference, tmp_path, where="here", is_private=True)
    assert "hidden" not in str(caught.value)
