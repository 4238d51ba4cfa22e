"""The program of the how-to page follows a real service, and goes on where it ended."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from soundstage.testing.process import ServiceProcess

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "watch-a-studio.md"
ROLE = "arn:aws:iam::123456789012:role/studio"


@pytest.fixture
def service() -> Iterator[ServiceProcess]:
    folder = Path(tempfile.mkdtemp(prefix="soundstage-test-"))
    home = folder / "home"
    home.mkdir()
    try:
        with ServiceProcess(home, engine="simulated") as process:
            yield process
    finally:
        shutil.rmtree(folder)


def test_the_program_of_the_page_prints_events_while_they_happen(service: ServiceProcess) -> None:
    (program,) = re.findall(r"```python\n(import os\n.*?)```", PAGE.read_text(), re.DOTALL)
    # The page says where the header belongs.
    program = program.replace('event-stream"}', 'event-stream", "Last-Event-ID": "0"}')
    made = service.command(
        *("studios", "create", "--studio-name", "films", "--display-name", "Films"),
        *("--admin-role-arn", ROLE, "--user-role-arn", ROLE, "--output", "json"),
    )
    studio_id = json.loads(made)["studio"]["studioId"]
    variables = {
        **service.environment(),
        "SOUNDSTAGE_STUDIO": studio_id,
        "PATH": os.environ["PATH"],
    }
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program], env=variables, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = (json.loads(line) for line in process.stdout if line.strip())
        first = next(lines)
        assert (first["type"], first["data"]["operation"]) == (
            "soundstage.studios.CREATE_IN_PROGRESS",
            "CreateStudio",
        )
        service.command("studios", "update", "--display-name", "Newer")
        assert any(event["data"].get("operation") == "UpdateStudio" for event in lines)
        # The end of the service is the end of the stream: nobody waits for those who follow.
        service.stop()
        assert process.wait(20) == 0
