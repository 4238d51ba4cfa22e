"""The AWS command line as a person types it: the last that knows the service, and its own ways with
pages, waiting, output and errors.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from soundstage.testing.clients import StockClient, ensure_boto3

ROOT = Path(__file__).parents[2]

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def studio_id(boto3: StockClient) -> str:
    """Make a studio with three components."""
    given = {"studioName": "typed", "displayName": "T", "adminRoleArn": "a", "userRoleArn": "u"}
    made = str(boto3.call("create_studio", **given)["studio"]["studioId"])
    boto3.wait("studio_ready", studioId=made)
    for name in ("one", "two", "three"):
        boto3.call("create_studio_component", studioId=made, name=name, type="CUSTOM")
    return made


def aws(environment: dict[str, str], line: str, studio_id: str) -> Done:
    """Run a line with a shell's splitting; `$S` is the studio's id."""
    return subprocess.run(
        [ensure_boto3(ROOT).with_name("aws"), "nimble", *line.replace("$S", studio_id).split()],
        env={
            "PATH": os.environ["PATH"],
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            **environment,
        },
        check=False,
        capture_output=True,
        text=True,
    )


def test_pages_are_cut_and_gone_on_with_as_is_asked(
    environment: dict[str, str], studio_id: str
) -> None:
    line = "list-studio-components --studio-id $S --page-size 1 --max-items 2"
    first = json.loads(aws(environment, line, studio_id).stdout)
    names = [each["name"] for each in first["studioComponents"]]
    assert len(names) == 2
    rest = aws(environment, f"{line} --starting-token {first['NextToken']}", studio_id)
    last = json.loads(rest.stdout)
    assert "NextToken" not in last
    names += [each["name"] for each in last["studioComponents"]]
    assert sorted(names) == ["one", "three", "two"]
    line = "list-studio-components --studio-id $S --query studioComponents[].name --output text"
    assert aws(environment, line, studio_id).stdout.split() == names


def test_waiting_ends_at_once_for_what_is_there_and_fails_for_what_is_not(
    environment: dict[str, str], studio_id: str
) -> None:
    done = aws(environment, "wait studio-ready --studio-id $S", studio_id)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = aws(environment, "wait studio-deleted --studio-id us-west-2:stid-none", studio_id)
    assert done.returncode == 255
    assert "ResourceNotFoundException" in done.stderr


def test_a_refusal_is_a_line_and_an_exit_status(
    environment: dict[str, str], studio_id: str
) -> None:
    line = "get-launch-profile --studio-id $S --launch-profile-id none"
    done = aws(environment, line, studio_id)
    assert (done.returncode, done.stdout) == (255, "")
    assert done.stderr.strip() == (
        "An error occurred (ResourceNotFoundException) when calling the GetLaunchProfile "
        "operation: There is no launch profile none."
    )
