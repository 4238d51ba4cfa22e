"""The sources of apt on a machine, as they are taken over."""

from pathlib import Path

import pytest

from soundstage.engines.images.sources import of_machine

OWN = """\
Types: deb deb-src
# a remark
URIs: http://mirror.example.org/debian
Suites: trixie trixie-updates trixie-backports
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example.org/debian-security
Suites: trixie-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
OF_OTHERS = """\
Types: deb
URIs: https://download.example.com/linux
Suites: trixie
Components: main
Signed-By: /etc/apt/keyrings/somebody.asc
"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "os-release").write_text('ID=debian\nVERSION_CODENAME="trixie"\n')
    return tmp_path


def test_the_release_and_its_sources_are_the_machine_s(etc: Path) -> None:
    (etc / "apt/sources.list.d/debian.sources").write_text(OWN)
    (etc / "apt/sources.list.d/other.sources").write_text(OF_OTHERS)
    found = of_machine(etc=etc)
    assert found.release == "trixie"
    assert found.text.split("\n\n")[0].splitlines() == [
        "Types: deb",
        "URIs: http://mirror.example.org/debian",
        "Suites: trixie trixie-updates",
        "Components: main contrib",
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
    ]
    assert "trixie-security" in found.text
    assert "example.com" not in found.text


def test_the_older_form_is_read_too(etc: Path) -> None:
    (etc / "apt/sources.list").write_text(
        "# deb http://off.example.org/debian trixie main\n"
        "deb-src http://mirror.example.org/debian trixie main\n"
        "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
        "http://mirror.example.org/debian trixie  main  contrib # mine\n"
        "deb http://mirror.example.org/debian bookworm main\n"
    )
    assert of_machine(etc=etc).text.splitlines() == [
        "Types: deb",
        "URIs: http://mirror.example.org/debian",
        "Suites: trixie",
        "Components: main contrib",
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
    ]


def test_what_is_switched_off_is_left_out(etc: Path) -> None:
    (etc / "apt/sources.list.d/debian.sources").write_text("Enabled: no\n" + OWN)
    assert "debian\n" not in of_machine(etc=etc).text


def test_a_key_may_stand_inside(etc: Path) -> None:
    inline = "Types: deb\nURIs: http://m.example.org/d\nSuites: trixie\nComponents: main\n"
    inline += "Signed-By:\n -----BEGIN PGP-----\n .\n line-archive-line\n -----END PGP-----\n"
    (etc / "apt/sources.list.d/debian.sources").write_text(inline)
    assert "\n -----BEGIN PGP-----\n .\n" in of_machine(etc=etc).text


def test_another_release_has_none_of_these_sources(etc: Path) -> None:
    (etc / "apt/sources.list.d/debian.sources").write_text(OWN)
    assert of_machine("bookworm", etc=etc).text == ""
    assert of_machine("bookworm", etc=etc).release == "bookworm"


def test_a_machine_that_is_neither_gets_debian_s_own(etc: Path) -> None:
    (etc / "os-release").write_text("ID=fedora\nVERSION_CODENAME=\n")
    assert of_machine(etc=etc).release == "trixie"
    (etc / "os-release").unlink()
    assert of_machine(etc=etc).release == "trixie"
