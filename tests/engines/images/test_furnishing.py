"""A bare system becomes a workstation; what that makes of a real one, test_building.py looks at."""

import os
from pathlib import Path

import pytest

from soundstage.engines.images.furnishing import EPOCH, Tree

OLD = EPOCH - 5000


class Recorded(Tree):
    """One whose programs are only noted: there is no system to run them in."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.ran: list[str] = []

    def run(self, *words: str) -> str:
        self.ran.append(" ".join(words))
        return "3.11"


@pytest.fixture
def bare(tmp_path: Path) -> Recorded:
    for name in ("etc/passwd-", "var/log/apt/history.log", "var/lib/apt/lists/x", "etc/old"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    os.utime(tmp_path / "etc/old", (OLD, OLD))
    (tmp_path / "etc/resolv.conf").symlink_to("/run/nowhere")
    return Recorded(tmp_path)


@pytest.fixture
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream")
    (folder / "selkies").mkdir(mode=0o700)
    (folder / "selkies/page.js").write_text("")
    (folder / "selkies/page.js").chmod(0o600)
    return folder


def test_what_is_of_the_moment_is_forgotten(bare: Recorded, stream: Path) -> None:
    bare.furnish(stream, "{}")
    root = bare.root
    assert not (root / "etc/passwd-").exists()
    assert (root / "var/log/apt").is_dir()
    assert not (root / "var/log/apt/history.log").exists()
    assert not list((root / "var/lib/apt/lists").iterdir())
    assert max(path.lstat().st_mtime for path in root.rglob("*")) == EPOCH
    assert (root / "etc/old").stat().st_mtime == OLD


def test_files_are_plain_even_where_links_were(bare: Recorded, stream: Path) -> None:
    bare.furnish(stream, '{"packages": []}')
    assert not (bare.root / "etc/resolv.conf").is_symlink()
    assert (bare.root / "usr/share/soundstage/image.json").read_text() == '{"packages": []}'


def test_everybody_inside_may_read_what_streams(bare: Recorded, stream: Path) -> None:
    bare.furnish(stream, "{}")
    packages = bare.root / "opt/stream/lib/python3.11/site-packages"
    assert (packages / "selkies").stat().st_mode & 0o777 == 0o755
    assert (packages / "selkies/page.js").stat().st_mode & 0o777 == 0o644


def test_the_artist_is_made_and_no_service_of_ours(bare: Recorded, stream: Path) -> None:
    bare.furnish(stream, "{}")
    assert any(line.startswith("useradd") and line.endswith(" artist") for line in bare.ran)
    assert not [line for line in bare.ran if "soundstage" in line and "systemctl" in line]
    # Only after the last change of a folder of fonts do programs believe the list of them.
    assert bare.ran[-1].startswith("fc-cache")
