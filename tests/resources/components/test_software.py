"""Which variables lead software to its servers."""

import subprocess
from pathlib import Path

import pytest

from soundstage.resources.components.model import StudioComponent
from soundstage.resources.components.software import (
    ANY_LICENCE,
    FARMS,
    LICENCES,
    Address,
    deadline_script,
    environment_of,
    parse,
)
from soundstage.testing import rows

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "software-variables.md"


def component(name: str, endpoint: str | None, kind: str = "LICENSE_SERVICE") -> StudioComponent:
    """Make a component that leads to a server, or to nowhere yet."""
    member = {"LICENSE_SERVICE": "licenseService", "COMPUTE_FARM": "computeFarm"}[kind]
    settings = {"endpoint": endpoint} if endpoint else {}
    configuration = {f"{member}Configuration": settings}
    return rows.component(name=name, type=kind, configuration=configuration)


@pytest.mark.parametrize(
    ("name", "endpoint", "wanted"),
    [
        ("Foundry", "lic.example", {"foundry_LICENSE": "4101@lic.example"}),
        ("Nuke floating", "5053@lic", {"foundry_LICENSE": "5053@lic"}),
        ("Maya & Arnold", "lic", {"ADSKFLEX_LICENSE_FILE": "@lic"}),
        ("autodesk", "lic:27000", {"ADSKFLEX_LICENSE_FILE": "27000@lic"}),
        ("Houdini", "1715@lic", {"SESI_LMHOST": "lic:1715"}),
        ("SideFX", "lic", {"SESI_LMHOST": "lic"}),
        ("Maxon Redshift", "lic", {"redshift_LICENSE": "5053@lic"}),
        ("Cinema 4D", "5054@lic", {"redshift_LICENSE": "5054@lic"}),
        (
            "V-Ray 6",
            "lic",
            {
                "VRAY_AUTH_CLIENT_SETTINGS": "licset://lic:30304",
                "VRAY_AUTH_CLIENT_FILE_PATH": "/null",
            },
        ),
        ("RenderMan", "9010@lic", {"PIXAR_LICENSE_FILE": "9010@lic"}),
        ("Some RLM", "lic", {"RLM_LICENSE": "5053@lic"}),
        ("FLEXlm", "27005@lic", {"LM_LICENSE_FILE": "27005@lic"}),
        ("Licences", "6200@lic", {"RLM_LICENSE": "6200@lic", "LM_LICENSE_FILE": "6200@lic"}),
        ("Nuke", None, {}),
    ],
)
def test_a_licence_service_by_its_name(
    name: str, endpoint: str | None, wanted: dict[str, str]
) -> None:
    assert environment_of([component(name, endpoint)]) == wanted


@pytest.mark.parametrize(
    ("name", "endpoint", "wanted"),
    [
        ("OpenCue", "cue.example", {"CUEBOT_HOSTS": "cue.example"}),
        ("Cuebot farm", "https://cue:8443/", {"CUEBOT_HOSTS": "cue:8443"}),
        ("Deadline", "rcs:8080", {}),
        ("Own farm", "farm", {}),
    ],
)
def test_a_farm_by_its_name(name: str, endpoint: str, wanted: dict[str, str]) -> None:
    assert environment_of([component(name, endpoint, "COMPUTE_FARM")]) == wanted


def test_several_servers_are_joined_as_their_software_wants_it() -> None:
    several = [component(name, f"5053@{name[-1]}") for name in ("nuke a", "nuke b", "nuke a")]
    assert environment_of(several) == {"foundry_LICENSE": "5053@a:5053@b"}
    houdini = [component("houdini", host) for host in ("a", "b")]
    assert environment_of(houdini) == {"SESI_LMHOST": "a;b"}
    vray = [component("vray", host) for host in ("a", "b")]
    assert environment_of(vray)["VRAY_AUTH_CLIENT_SETTINGS"] == "licset://a:30304"
    cue = [component("cue", host, "COMPUTE_FARM") for host in ("a", "b:8443")]
    assert environment_of(cue) == {"CUEBOT_HOSTS": "a,b:8443"}


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("lic", Address(host="lic", port=None)),
        ("10.0.0.7:80", Address(host="10.0.0.7", port=80)),
        ("5053@lic-1.example.org", Address(host="lic-1.example.org", port=5053)),
        ("[fd00::1]:80", Address(host="[fd00::1]", port=80)),
        ("https://farm:4433/", Address(host="farm", port=4433, is_secure=True)),
        ("HTTP://farm", Address(host="farm", port=None)),
    ],
)
def test_addresses(endpoint: str, address: Address) -> None:
    assert parse(endpoint) == address


@pytest.mark.parametrize(
    "endpoint",
    [
        *("", " ", "a b", "a\nb", "lic:0", "lic:65536", "lic:99999", "@lic", "80@", "80@a:80"),
        *("a;b", "a,b", "$(id)", "`id`", "a'b", "-a", "a-", "ftp://a", "a/b", "a\0", "a\\b"),
        "x" * 300,
    ],
)
def test_what_could_be_more_than_an_address_is_none(endpoint: str) -> None:
    assert parse(endpoint) is None
    assert environment_of([component("Nuke", endpoint or None)]) == {}


@pytest.mark.parametrize(
    ("endpoint", "root", "is_secure"),
    [
        ("rcs", "rcs:8080", "False"),
        ("rcs:8888", "rcs:8888", "False"),
        ("https://rcs", "rcs:4433", "True"),
        ("rcs:4433", "rcs:4433", "True"),
    ],
)
def test_deadline_is_led_by_its_file(
    tmp_path: Path, endpoint: str, root: str, is_secure: str
) -> None:
    text = deadline_script(component("Thinkbox Deadline", endpoint, "COMPUTE_FARM"))
    assert text is not None
    moved = text.replace("/var/lib", str(tmp_path))
    subprocess.run(["/bin/sh", "-c", moved], check=True)
    written = (tmp_path / "Thinkbox/Deadline10/deadline.ini").read_text()
    assert written == (
        f"[Deadline]\nConnectionType=Remote\nProxyRoot={root}\nProxyRoot0={root}\n"
        f"ProxyUseSSL={is_secure}\n"
    )


def test_only_a_farm_of_that_name_is_deadline() -> None:
    assert deadline_script(component("OpenCue", "a", "COMPUTE_FARM")) is None
    assert deadline_script(component("Deadline", None, "COMPUTE_FARM")) is None
    assert deadline_script(component("Deadline", "a b", "COMPUTE_FARM")) is None
    assert deadline_script(component("Deadline", "a")) is None


def test_the_reference_has_every_row() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    for row in (*LICENCES, ANY_LICENCE, *FARMS):
        for name in row.variables:
            assert f"`{name}`" in text, name
        for word in row.words:
            assert word in text, word
