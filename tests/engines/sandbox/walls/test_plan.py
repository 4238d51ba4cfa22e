"""What a supervisor is told."""

import json
import stat
from pathlib import Path

import pytest

from soundstage.engines.identities import Identities, identities
from soundstage.engines.images.catalogue import catalogue
from soundstage.engines.images.store import ImageStore
from soundstage.engines.interface import PermanentError, Reason, Script, Spec, Transfers, Volume
from soundstage.engines.sandbox.host.cgroups import Groups
from soundstage.engines.sandbox.host.gpus import Assignment
from soundstage.engines.sandbox.keeping.records import Record
from soundstage.engines.sandbox.settings import SandboxSettings
from soundstage.engines.sandbox.walls.plan import DESKTOP, image_of, supervisor_plan

SETTINGS = SandboxSettings(home=Path("/data"), stream_environment=Path("/code/stream"))


GROUPS = Groups(
    desktop=[Path("/groups/cpu/r/desktop"), Path("/groups/memory/r")],
    programs=[Path("/groups/cpu/r/programs")],
    all=[Path("/groups/cpu/r/desktop"), Path("/groups/cpu/r"), Path("/groups/memory/r")],
)
NO_CARDS = Assignment()
NONE_PASS = Transfers()


def plan(
    *,
    as_root: bool,
    clipboard: bool = True,
    gpus: Assignment = NO_CARDS,
    transfers: Transfers = NONE_PASS,
    ids: Identities | None = None,
    settings: SandboxSettings = SETTINGS,
    image: str = "ami-host",
    **more: object,
) -> dict[str, object]:
    spec = Spec(
        image=image,
        instance_type="g5.xlarge",
        volume=Volume(),
        attempt=4,
        clipboard=clipboard,
        transfers=transfers,
        environment={"TOKEN": "opensesame"},
        **more,  # type: ignore[arg-type]  # Of a test's own making.
    )
    record = Record(uid=777, spec=spec, wanted="running", asked_at=0.0, machine_id="1" * 32)
    return supervisor_plan(
        settings,
        record,
        spec,
        directory=Path("/data/workstations/r"),
        volume=Path("/data/volumes/r/0"),
        cgroups=GROUPS,
        as_root=as_root,
        ids=ids,
        gpus=gpus,
    )


def inner_plan(document: dict[str, object]) -> dict[str, object]:
    arguments = document["arguments"]
    assert isinstance(arguments, list)
    found: dict[str, object] = json.loads(arguments[arguments.index("SOUNDSTAGE_PLAN") + 1])
    return found


def test_it_can_be_sent_as_json() -> None:
    document = plan(as_root=True)
    assert json.loads(json.dumps(document)) == document


def test_the_supervisor_is_told_which_groups_to_enter_to_open_and_to_remove() -> None:
    document = plan(as_root=True)
    assert document["cgroups"] == ["/groups/cpu/r/desktop", "/groups/memory/r"]
    assert document["cgroups_left"] == [
        "/groups/cpu/r/desktop",
        "/groups/cpu/r",
        "/groups/memory/r",
    ]
    assert document["parts"] == {
        "desktop": "/groups/cpu/r/desktop",
        "programs": ["/groups/cpu/r/programs"],
    }


def test_a_graphics_card_encodes_the_picture_and_is_all_there_is() -> None:
    card = Assignment(
        nodes=["/dev/dri/renderD129"],
        sources=["/dev/dri/renderD129"],
        environment={"ROCR_VISIBLE_DEVICES": "0"},
        folders=["/sys/devices/card"],
        links={"/sys/dev/char/226:129": "../../devices/card/drm/renderD129"},
        render_node="/dev/dri/renderD129",
    )
    document = plan(as_root=True, gpus=card)
    arguments = document["arguments"]
    assert isinstance(arguments, list)
    told = "\n".join(arguments)
    assert document["devices"] == ["/dev/dri/renderD129"]
    assert "--dev-bind\n\0device:0\n/dev/dri/renderD129\n" in told
    assert "--ro-bind\n/sys/devices/card\n/sys/devices/card\n" in told
    assert "--symlink\n../../devices/card/drm/renderD129\n/sys/dev/char/226:129\n" in told
    assert "--setenv\nROCR_VISIBLE_DEVICES\n0\n" in told
    assert "--encode-dri=/dev/dri/renderD129" in str(inner_plan(document))
    assert "--encode-dri" not in str(inner_plan(plan(as_root=True)))


def test_only_root_changes_the_user() -> None:
    assert plan(as_root=True)["uid"] == 777
    assert plan(as_root=False)["uid"] is None


def test_with_users_of_its_own_it_begins_as_its_root() -> None:
    ids = identities(artist=777, artist_group=777, users_from=100_000)
    document = plan(as_root=True, ids=ids)
    assert document["uid"] is None
    assert document["artist"] == {"uid": 777, "gid": 777}
    assert str(document["command"]).endswith("first.py']")
    assert str(plan(as_root=True)["command"]).endswith("starter.py']")


def test_each_user_s_scripts_come_apart_and_root_s_are_told_first() -> None:
    scripts = [
        Script(component="mine", as_root=False, text="echo artist", secrets=["s1"]),
        Script(component="all", as_root=True, text="echo root", environment={"KEY": "v"}),
    ]
    ids = identities(artist=777, artist_group=777, users_from=100_000)
    told = plan(as_root=True, ids=ids, scripts=scripts)["scripts"]
    assert isinstance(told, dict)
    assert [each["component"] for each in told["list"]] == ["all", "mine"]
    assert "echo root" in told["root"]
    assert "echo root" not in told["artist"]
    assert json.loads(told["artist"])["scripts"][0]["secrets"] == ["s1"]
    assert plan(as_root=True)["scripts"] == {"root": "", "artist": "", "list": []}


def test_an_image_that_was_made_here_is_held_and_needs_no_other_system(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    (store.ensure() / "new").mkdir()
    build = store.adopt(store.ensure() / "new", "film", "1" * 64)
    settings = SandboxSettings(
        home=tmp_path,
        stream_environment=Path("/code/stream"),
        images=catalogue({"ami-film": "film"}),
    )
    ids = identities(artist=777, artist_group=777, users_from=100_000)
    root = Script(component="all", as_root=True, text="true")
    facts = {"as_root": True, "ids": ids, "settings": settings, "scripts": [root]}
    document = plan(**facts, image="ami-film")  # type: ignore[arg-type]  # As above.
    assert document["image"] == str(store.find("film").root)
    assert document["image_in_use"] == str(store.find("film").in_use)
    assert build.in_use.exists()
    assert document["system"] is None
    host = plan(**facts)  # type: ignore[arg-type]  # As above.
    assert host["image"] is None
    assert host["image_in_use"] is None


def test_an_image_that_is_not_there_is_told(tmp_path: Path) -> None:
    settings = SandboxSettings(
        home=tmp_path, stream_environment=Path("/s"), images=catalogue({"ami-film": "film"})
    )
    assert image_of(settings, "ami-host").root == Path("/")
    for ami, said in (("ami-film", "there is no image film"), ("ami-x", "known are ami-film")):
        with pytest.raises(PermanentError, match=said) as refused:
            image_of(settings, ami)
        assert refused.value.reason is Reason.IMAGE


def test_a_system_to_write_is_made_for_scripts_of_root_alone() -> None:
    ids = identities(artist=777, artist_group=777, users_from=100_000)
    root = Script(component="all", as_root=True, text="true")
    artist = Script(component="mine", as_root=False, text="true")
    assert plan(as_root=True, ids=ids, scripts=[root])["system"] is not None
    assert plan(as_root=True, ids=ids, scripts=[artist])["system"] is None


def test_nothing_secret_stands_on_the_command_line() -> None:
    assert "opensesame" not in str(plan(as_root=True)["command"])


def test_the_clipboard_follows_the_policy() -> None:
    assert "--enable-clipboard=true" in str(inner_plan(plan(as_root=True)))
    assert "--enable-clipboard=false" in str(inner_plan(plan(as_root=True, clipboard=False)))


def test_what_moves_files_runs_only_where_files_may_pass() -> None:
    assert inner_plan(plan(as_root=True))["files"] is None
    command = inner_plan(plan(as_root=True, transfers=Transfers(upload_to="$HOME/in")))["files"]
    assert isinstance(command, list)
    assert command[0] == "ionice"
    assert "/opt/soundstage/transfers.py" in command
    assert "/run/stream/files.sock" in command
    assert json.loads(command[-1]) == {"upload_to": "$HOME/in", "download_from": None}


def test_the_desktop_s_files_can_be_read_by_every_user() -> None:
    for path in DESKTOP.rglob("*"):
        if "__pycache__" not in path.parts:
            wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
            assert path.stat().st_mode & wanted == wanted, path
