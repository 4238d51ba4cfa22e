"""What pages tell a reader to type is typed: on a service over the simulated engine, page by page.

A page's scene is what its reader has before: a studio, a person, and real names in place of those
that stand for the reader's own. A block that no test runs says why in the page itself.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from soundstage.cli import launch
from soundstage.client.calls import Client
from soundstage.kit.config import Settings
from soundstage.testing.clients import ensure_current, ensure_javascript
from soundstage.testing.process import ServiceProcess
from soundstage.testing.walkthrough import Block, Walk, blocks_of

ROOT = Path(__file__).parents[2]
RUN = {"sh", "python", "js"}
WALKED_ELSEWHERE = {
    "docs/how-to/recover-on-an-empty-machine.md": "tests/whole/test_recovery.py",
    "docs/how-to/run-as-a-service.md": "tests/kernel/test_unit.py",
    "docs/how-to/run-workstations-on-incus.md": "src/soundstage/testing/incus.py",
    "docs/how-to/run-workstations-on-a-cluster.md": "src/soundstage/testing/incus_cluster.py",
    "docs/tutorial/first-desktop.md": "tests/documentation/test_tutorial.py",
}
"""Pages whose reader needs more than a service: who does what they say."""


class Stage(msgspec.Struct, kw_only=True):
    """A service, its operator's client, and a folder in which a reader sits."""

    process: ServiceProcess
    client: Client
    folder: Path
    studio_id: str = ""
    profile_id: str = ""

    @property
    def where(self) -> dict[str, str]:
        return {"studioId": self.studio_id}

    def session(self) -> str:
        """Launch a workstation."""
        made = launch.ensure_workstation(
            self.client,  # type: ignore[arg-type]
            self.studio_id,
            self.profile_id,
            lambda _: None,
        )
        return str(made["sessionId"])

    def component(self) -> str:
        made = self.client.call("CreateStudioComponent", **self.where, name="Tools", type="CUSTOM")[
            "studioComponent"
        ]
        return str(made["studioComponentId"])


Prepare = Callable[[Stage], dict[str, str]]
"""Makes what a page counts on; gives what stands in the page and what it means here."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What a page's reader has."""

    prepare: Prepare = lambda _: {}
    settings: dict[str, str] = {}
    has_studio: bool = True
    files: dict[str, str] = {}
    """Blocks of these languages are files of the reader's, under these names."""
    before: str = ""
    """Python that the reader wrote before."""


def with_person(stage: Stage) -> dict[str, str]:
    stage.process.command("user", "create", "anna")
    return {}


def with_names_for_python(stage: Stage) -> dict[str, str]:
    names = f"studio_id = STUDIO = {stage.studio_id!r}\nprofile_id = {stage.profile_id!r}\n"
    profile = stage.client.call(
        "GetLaunchProfile", **stage.where, launchProfileId=stage.profile_id
    )["launchProfile"]
    rules = {k: v for k, v in profile["streamConfiguration"].items() if k != "sessionStorage"}
    names += f"SESSION = {stage.session()!r}\nrules = {rules!r}\n"
    (stage.folder / "names.py").write_text(names)
    return {}


def with_a_studio_file(stage: Stage) -> dict[str, str]:
    scripts = stage.folder / "scripts"
    scripts.mkdir()
    (scripts / "pipeline.sh").write_text("echo pipeline\n")
    for name in ("anna", "chris"):
        stage.process.environment(name)
    return {
        "{env: LICENCE_SERVER}": "licences.example.org",
        "{command: pass show film/token}": "secret",
    }


def with_a_workstation(stage: Stage) -> dict[str, str]:
    (stage.folder / "profile.yaml").write_text(
        json.dumps(
            {
                "name": "Lighting",
                "ec2SubnetIds": [],
                "launchProfileProtocolVersions": ["2021-03-31"],
                "studioComponentIds": [stage.component()],
                "streamConfiguration": {
                    "clipboardMode": "ENABLED",
                    "ec2InstanceTypes": ["g4dn.xlarge"],
                    "streamingImageIds": [_image(stage)],
                },
            }
        )
    )
    own = stage.process.environment()
    (stage.folder / "secret").write_text(own["AWS_SECRET_ACCESS_KEY"])
    (stage.folder / "secret").chmod(0o600)
    anna = stage.process.environment("anna")["SOUNDSTAGE_PRINCIPAL_ID"]
    component = stage.component()
    return {
        "soundstage top  ": "soundstage top --once",
        "--studio-component-id ID": f"--studio-component-id {component}",
        "--launch-profile-id ID": f"--launch-profile-id {stage.profile_id}",
        "AROA…:anna": anna,
        "https://studio.example.org": own["AWS_ENDPOINT_URL_NIMBLE"],
        "AKIA…": own["AWS_ACCESS_KEY_ID"],
        "pass show film/studio": f"cat {stage.folder}/secret",
        # A reader types what the command before told them.
        "--backup ID": "--backup $(soundstage backups list --output json"
        " | jq -r '.streamingSessionBackups[0].backupId')",
        "backups browse ID": "backups browse $(soundstage backups list --output json"
        " | jq -r '.streamingSessionBackups[0].backupId')",
        " ID ": " $(soundstage sessions list --output json | jq -r '.sessions[0].sessionId') ",
        "soundstage rm ID": "soundstage rm"
        " $(soundstage sessions list --output json | jq -r '.sessions[0].sessionId')",
        '"$id"': '"$(soundstage sessions list --output json | jq -r ".sessions[0].sessionId")"',
    }


def with_events(stage: Stage) -> dict[str, str]:
    return {
        "SESSION_ID": stage.session(),
        "soundstage events follow\n": "soundstage events follow --after 0 --limit 1\n",
        "--webhook-id ID": "--webhook-id $(soundstage webhooks list --output json"
        " | jq -r '.webhooks[0].webhookId')",
        "8412:9f…": "$(soundstage audit verify --output json | jq -r .head)",
        "/etc/soundstage/metrics-token": "metrics-token",
    }


def _image(stage: Stage) -> str:
    found = stage.client.call("ListStreamingImages", **stage.where)["streamingImages"]
    return str(found[0]["streamingImageId"])


SCENES: dict[str, Scene] = {
    "README.md": Scene(),
    "docs/how-to/build-a-workstation-image.md": Scene(
        prepare=with_names_for_python, settings={"images": '{"ami-film": "film"}'}
    ),
    "docs/how-to/harden-a-studio.md": Scene(
        prepare=lambda stage: {"/var/lib/soundstage": str(stage.process.home)}
    ),
    "docs/how-to/keep-a-studio-in-a-file.md": Scene(
        prepare=lambda stage: with_person(stage) | with_a_studio_file(stage),
        files={"yaml": "film.yaml"},
    ),
    "docs/how-to/manage-people-and-keys.md": Scene(files={"csv": "people.csv"}),
    "docs/how-to/move-files-through-the-page.md": Scene(prepare=with_names_for_python),
    "docs/how-to/run-scripts-in-workstations.md": Scene(
        prepare=with_names_for_python, before="studio = nimble"
    ),
    "docs/how-to/script-with-boto3.md": Scene(
        prepare=with_person, has_studio=False, before="import os"
    ),
    "docs/how-to/script-with-javascript.md": Scene(),
    "docs/how-to/share-folders-with-workstations.md": Scene(),
    "docs/how-to/sign-in-with-openid-connect.md": Scene(
        prepare=lambda stage: with_person(stage) | {"us-west-2:stid-…": stage.studio_id},
        # Nobody listens there, so that there is something to repair.
        settings={"oidc_issuer": "http://localhost:9", "oidc_client_id": "soundstage"},
    ),
    "docs/how-to/use-current-sdks.md": Scene(),
    "docs/how-to/use-the-command-line.md": Scene(
        prepare=lambda stage: with_person(stage) | with_a_workstation(stage)
    ),
    "docs/how-to/use-the-portal.md": Scene(prepare=with_person),
    "docs/how-to/watch-a-studio.md": Scene(prepare=with_events),
}


def pages() -> dict[str, list[Block]]:
    """Every page with blocks that are typed somewhere."""
    listed = subprocess.run(
        ["git", "ls-files", "README.md", "docs/*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    found = {
        name: [each for each in blocks_of((ROOT / name).read_text()) if each.language in RUN]
        for name in listed
    }
    return {name: blocks for name, blocks in found.items() if blocks}


def test_every_block_is_run_or_says_why_not() -> None:
    unexplained = [
        f"{name}:{block.line}"
        for name, blocks in pages().items()
        if name not in SCENES and name not in WALKED_ELSEWHERE
        for block in blocks
        if block.spared is None
    ]
    assert unexplained == []
    assert [walker for walker in WALKED_ELSEWHERE.values() if not (ROOT / walker).is_file()] == []


def test_no_block_that_is_run_installs_anything() -> None:
    """It would change what the tests run on while they run: `pip` here is the service's own."""
    installing = re.compile(r"\b(pip|npm|apt-get|apt) (install|ci)\b")
    found = [
        f"{name}:{block.line}"
        for name, blocks in pages().items()
        if name not in WALKED_ELSEWHERE
        for block in blocks
        if block.spared is None and installing.search(block.text)
    ]
    assert found == []


def test_scenes_are_of_pages_with_something_to_run() -> None:
    ran = {name for name, blocks in pages().items() if any(not each.spared for each in blocks)}
    assert sorted(SCENES.keys() - ran) == []


@pytest.fixture
def folder(home: Path) -> Path:
    """Where the reader sits; the repository's programs are where pages say they are."""
    made = home / "reader"
    made.mkdir()
    (made / ".venv").symlink_to(ROOT / ".venv")
    (made / "node_modules").symlink_to(ensure_javascript(ROOT) / "node_modules")
    return made


@contextmanager
def staged(home: Path, folder: Path, scene: Scene) -> Iterator[Stage]:
    data = home / "data"
    data.mkdir()
    process = ServiceProcess(data, engine="simulated", **scene.settings)
    settings = Settings(home=data, port=process.port)
    with process, closing(launch.client_of(settings)) as client:
        stage = Stage(process=process, client=client, folder=folder)
        if scene.has_studio:
            studio = launch.ensure_studio(client, lambda _: None)
            stage.studio_id = studio["studioId"]
            profile = launch.ensure_profile(client, stage.studio_id, lambda _: None)
            stage.profile_id = profile["launchProfileId"]
        yield stage


@pytest.mark.parametrize("page", SCENES)
def test_what_a_page_says_is_done(page: str, home: Path, folder: Path) -> None:
    scene = SCENES[page]
    with staged(home, folder, scene) as stage:
        meant = scene.prepare(stage)
        python = ensure_current(ROOT)
        node = ensure_javascript(ROOT) / "bin"
        variables: dict[str, Any] = {
            **{name: os.environ[name] for name in ("LANG",) if name in os.environ},
            # Programs of the page first: its Python, `aws`, `soundstage`, `node`.
            "PATH": f"{python.parent}:{ROOT / '.venv' / 'bin'}:{node}:{os.environ['PATH']}",
            "HOME": str(folder),
            "BROWSER": "true",
            "SOUNDSTAGE_HOME": str(stage.process.home),
            "SOUNDSTAGE_PORT": str(stage.process.port),
            "SOUNDSTAGE_ENGINE": "simulated",
            **{f"SOUNDSTAGE_{name.upper()}": value for name, value in scene.settings.items()},
        }
        with Walk(folder, variables, python) as walk:
            prepare_python(walk, scene)
            for block in blocks_of((ROOT / page).read_text()):
                act(walk, scene, folder, meant, block)


def prepare_python(walk: Walk, scene: Scene) -> None:
    """Give the shell the operator's key, and Python what the reader wrote before."""
    if scene.before or (walk.folder / "names.py").exists():
        walk.shell('eval "$(.venv/bin/soundstage env)"')
        walk.say("import boto3\nnimble = boto3.client('nimble')\n")
        if (walk.folder / "names.py").exists():
            walk.say("from names import *")
        walk.say(scene.before)


def act(walk: Walk, scene: Scene, folder: Path, meant: dict[str, str], block: Block) -> None:
    """Do what a block says, with the reader's own names in it."""
    text = block.text
    for written, here in meant.items():
        text = text.replace(written, here)
    if block.language in scene.files:
        (folder / scene.files[block.language]).write_text(text)
    if block.spared is not None or block.language not in RUN:
        return
    if block.language == "js":
        (folder / "page.js").write_text(text)
        text = "node page.js"
    run = walk.say if block.language == "python" else walk.shell
    try:
        run(text)
    except AssertionError as wrong:
        raise AssertionError(f"the block of line {block.line}: {wrong}") from wrong
