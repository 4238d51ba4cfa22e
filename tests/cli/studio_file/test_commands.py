"""`pull`, `plan` and `apply` as they are typed, and what they end with."""

import json
from pathlib import Path
from typing import Any

import pytest

Typed = Any

FILE = """\
studio:
  studioName: films
  displayName: Films
  adminRoleArn: arn:aws:iam::000000000000:role/soundstage
  userRoleArn: arn:aws:iam::000000000000:role/soundstage
images:
  - {name: Host, ec2ImageId: ami-host}
components:
  - name: Licences
    type: LICENSE_SERVICE
    configuration:
      licenseServiceConfiguration: {endpoint: {env: ENDPOINT}}
    initializationScripts:
      - launchProfileProtocolVersion: "2021-03-31"
        platform: LINUX
        runContext: USER_INITIALIZATION
        script: {file: hello.sh}
launchProfiles:
  - name: Artist
    studioComponents: [Licences]
    streamConfiguration:
      clipboardMode: ENABLED
      ec2InstanceTypes: [g4dn.xlarge]
      streamingImages: [Host]
      idleStopInMinutes: 30
"""
SECRET = {"ENDPOINT": "licences:27000"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "hello.sh").write_text("#!/bin/sh\necho hello\n")
    made = tmp_path / "studio.yaml"
    made.write_text(FILE)
    return made


def test_a_file_is_planned_applied_pulled_and_planned_again(
    typed: Typed, file: Path, tmp_path: Path
) -> None:
    assert typed("plan", str(file), code=2, **SECRET).stdout.splitlines() == [
        "+ studio films",
        "+ image Host",
        "+ component Licences",
        "+ launch profile Artist",
    ]
    assert typed("studios", "list").stdout == "There are none.\n"
    applied = typed("apply", str(file), **SECRET).stdout
    assert applied.endswith("+ launch profile Artist\n4 changes.\n")
    assert typed("plan", str(file), **SECRET).stdout == "No changes.\n"
    assert typed("apply", str(file), **SECRET).stdout == "No changes.\n"

    printed = typed("pull").stdout
    assert SECRET["ENDPOINT"] not in printed
    assert "endpoint:\n        env: ENDPOINT\n" in printed
    assert "script: |" in printed
    assert "echo hello\n" in printed
    assert "\nstudio:\n  studioName: films\n  displayName: Films\n" in printed
    pulled = tmp_path / "pulled.yaml"
    pulled.write_text(printed)
    assert typed("plan", str(pulled), "--prune", **SECRET).stdout == "No changes.\n"

    file.write_text(FILE.replace("idleStopInMinutes: 30", "idleStopInMinutes: 60"))
    found = typed("plan", str(file), "--output", "json", code=2, **SECRET).stdout
    assert json.loads(found) == {
        "changes": [
            {
                "action": "update",
                "kind": "launchProfiles",
                "name": "Artist",
                "changes": ["streamConfiguration.idleStopInMinutes 30 → 60"],
            }
        ]
    }
    file.write_text(FILE.replace("Films\n", "Films\n  quotas: {sessions: 9, components: 0}\n", 1))
    assert typed("apply", str(file), **SECRET).stdout == (
        "~ studio films: quotas.sessions 500 → 9, quotas.components 100 → 0\n1 change.\n"
    )
    assert "sessions: 9\n" in typed("pull").stdout
    assert typed("studios", "get-quotas", "--output", "json").stdout.count(": 9") == 1
    other = "catalogue:\n  instanceTypes:\n    - {ec2InstanceType: g5.xlarge, cpus: 8}\n"
    file.write_text(FILE + other)
    said = typed("plan", str(file), code=1, **SECRET).stderr
    assert "g5.xlarge: cpus 4 → 8. The catalogue is the installation's" in said
    less = tmp_path / "less.yaml"
    less.write_text(FILE.partition("launchProfiles")[0] + "launchProfiles: []\n")
    assert typed("plan", str(less), **SECRET).stdout == "No changes.\n"
    assert typed("apply", str(less), "--prune", **SECRET).stdout == (
        "- launch profile Artist\n1 change.\n"
    )
    assert " DELETED " in typed("launch-profiles", "list").stdout


def test_a_wrong_file_does_not_end_as_a_difference(typed: Typed, file: Path) -> None:
    said = typed("plan", str(file), code=1).stderr
    assert said.startswith("soundstage: ")
    assert "the variable ENDPOINT is not set" in said
    file.write_text("studio: [")
    assert f"{file}, line 1" in typed("apply", str(file), code=1).stderr
    assert "can't be read" in typed("plan", "/nonexistent", code=1).stderr
    file.write_text(FILE)
    said = typed("plan", str(file), code=7, SOUNDSTAGE_PORT="1", **SECRET).stderr
    assert "does not answer" in said
