"""What a studio file may say, what of it is refused, and what its schema tells editors."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from soundstage.cli.studio_file.document import MARK, checked, read, schema, with_references
from soundstage.kit.config import ConfigError

HERE = Path(__file__).parent
STUDIO = {"studioName": "films", "displayName": "F", "adminRoleArn": "a", "userRoleArn": "u"}
RULES = {
    "clipboardMode": "ENABLED",
    "ec2InstanceTypes": ["g4dn.xlarge"],
    "streamingImages": ["Host"],
}
WHOLE: dict[str, Any] = {
    "studio": {**STUDIO, "administrators": ["p"], "tags": {"env": "production"}},
    "images": [{"name": "Host", "ec2ImageId": "ami-host"}],
    "components": [
        {
            "name": "Licences",
            "type": "LICENSE_SERVICE",
            "configuration": {"licenseServiceConfiguration": {"endpoint": {"env": "ENDPOINT"}}},
            "scriptParameters": [
                {"key": "PLAIN", "value": "a"},
                {"key": "HIDDEN", "value": {"command": "echo hidden"}},
            ],
            "initializationScripts": [{"script": {"file": "setup.sh"}}],
        }
    ],
    "launchProfiles": [
        {"name": "Artist", "streamConfiguration": RULES, "studioComponents": ["Licences"]}
    ],
}


@pytest.fixture(autouse=True)
def an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENDPOINT", "licences:27000")


def with_part(noun: str, **members: Any) -> dict[str, Any]:
    document = json.loads(json.dumps(WHOLE))
    part = document[noun] if noun == "studio" else document[noun][0]
    part.update(members)
    return dict(document)


def test_references_are_followed_and_remembered_beside_the_part() -> None:
    document = checked(WHOLE, HERE, "file")
    (component,) = document["components"]
    endpoint = component["configuration"]["licenseServiceConfiguration"]["endpoint"]
    assert endpoint == "licences:27000"
    assert component["scriptParameters"][1]["value"] == "hidden"
    assert component["initializationScripts"][0]["script"].startswith("#!/bin/sh\n")
    assert component["references"] == {
        f"{MARK}configuration.licenseServiceConfiguration.endpoint": "env:ENDPOINT",
        f"{MARK}scriptParameters.1.value": "command:echo hidden",
    }
    # What a map holds is no reference, whatever it is called.
    assert document["studio"]["tags"] == {"env": "production"}


def test_references_are_written_back_in_place_of_what_they_lead_to() -> None:
    (component,) = checked(WHOLE, HERE, "file")["components"]
    marks = component.pop("references")
    printed = with_references({**component, "tags": {"own": "tag", **marks}})
    assert printed["configuration"] == WHOLE["components"][0]["configuration"]
    assert printed["scriptParameters"] == WHOLE["components"][0]["scriptParameters"]
    assert printed["tags"] == {"own": "tag"}
    # Somebody else took the parameters away.
    left = with_references({"name": "Licences", "scriptParameters": [], "tags": marks})
    assert left == {"name": "Licences", "scriptParameters": []}


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], "file: it must be an object"),
        ({}, "file: studio is required"),
        ({"studios": STUDIO}, "studios: there is no such member; there are studio, images"),
        (with_part("studio", studioName="No"), r"studio\.studioName must be text"),
        (with_part("components", name="x" * 65), r"components\[0\]\.name must be .*length <= 64"),
        (
            with_part("components", type="GHOST"),
            r"components\[0\]\.type must be one of .*SHARED_FILE_SYSTEM.*; got 'GHOST'",
        ),
        (with_part("images", ec2Image="x"), r"images\[0\]\.ec2Image: there is no such member"),
        (
            with_part("launchProfiles", streamConfiguration={**RULES, "clipbordMode": "X"}),
            r"launchProfiles\[0\]\.streamConfiguration\.clipbordMode: there is no such member",
        ),
        (
            with_part("components", description={"env": "NO_SUCH_VARIABLE"}),
            r"components\[0\]\.description: the variable NO_SUCH_VARIABLE is not set",
        ),
        (
            with_part("components", description={"env": 7}),
            r"components\[0\]\.description: Expected",
        ),
        (
            with_part("components", description={"command": "echo " + "x" * 260}),
            "at most 256 characters",
        ),
        (with_part("components", tags={"a": {"env": "ENDPOINT"}}), "tags"),
        ({**WHOLE, "images": [*WHOLE["images"], *WHOLE["images"]]}, "Host stands there twice"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is(document: Any, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        checked(document, HERE, "file")
    assert "hidden" not in str(caught.value)


def test_files_are_read_beside_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "setup.sh").write_text("echo of the folder")
    file = tmp_path / "studio.json"
    file.write_text(json.dumps(WHOLE))
    (component,) = read(file)["components"]
    assert component["initializationScripts"] == [{"script": "echo of the folder"}]
    with pytest.raises(ConfigError, match=r"nothing\.yaml can't be read"):
        read(tmp_path / "nothing.yaml")
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="no text in UTF-8"):
        read(file)


def test_the_schema_allows_what_is_read_and_finds_typing_errors() -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    assert list(validator.iter_errors(WHOLE)) == []
    for wrong in (
        {},
        with_part("components", typ="CUSTOM"),
        with_part("components", type="GHOST"),
        with_part("components", name="x" * 65),
        with_part("components", name={"env": "A", "file": "b"}),
        with_part("studio", tags={"a": {"env": "ENDPOINT"}}),
        with_part("launchProfiles", streamConfiguration={"clipboardMode": "ENABLED"}),
    ):
        assert list(validator.iter_errors(wrong)), wrong
