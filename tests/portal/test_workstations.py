"""An artist's whole day by forms and links alone, and whose workstations one sees and changes."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.portal import workstations as module
from soundstage.resources.members.service import IDENTITY_STORE_ID
from soundstage.testing.visitor import Visitor
from soundstage.testing.walks import Studio
from soundstage.testing.world import PERSISTENT, World
from soundstage.testing.world import world as a_world

DOWNLOADS: dict[str, Any] = {"sessionDownload": {}, "idleStopInMinutes": 60, "sessionShare": {}}


class Stage:
    """A studio with two artists in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.studio = Studio(world, **PERSISTENT, **DOWNLOADS)
        self.anna = self.artist("anna")

    def artist(self, name: str) -> Visitor:
        visitor = Visitor(self.world).sign_in(name)
        self.world.operator.call(
            "PutLaunchProfileMembers",
            studioId=self.studio.id,
            launchProfileId=self.studio.profile_id,
            identityStoreId=IDENTITY_STORE_ID,
            members=[{"principalId": self.world.principal_id(name), "persona": "USER"}],
        )
        return visitor

    @property
    def launch_path(self) -> str:
        return f"/launch/{self.studio.id.replace(':', '%3A')}/{self.studio.profile_id}"

    def launch(self, visitor: Visitor) -> str:
        """Launch by the first page's button; give the workstation's path."""
        answer = visitor.submit(visitor.get("/"), self.launch_path)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    def later(self, seconds: float = 30) -> None:
        self.world.advance(timedelta(seconds=seconds))

    def sessions(self) -> list[dict[str, Any]]:
        found = self.world.operator.pages("ListStreamingSessions", studioId=self.studio.id)
        return [each for each in found if each["state"] != "DELETED"]


@pytest.fixture(name="stage", scope="module")
def a_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("stage") / "home"
    with a_world(home, throttle_sign_ins_per_minute=0) as made:
        yield Stage(made)


@pytest.fixture
def desk(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Give the stage with nothing on it; a page that waits makes time go on."""
    monkeypatch.setattr(module, "_wait", lambda _: stage.world.settle())
    yield stage
    for session in stage.sessions():
        stage.world.operator.call(
            "DeleteStreamingSession", studioId=stage.studio.id, sessionId=session["sessionId"]
        )
    stage.later()


def test_who_has_nothing_is_told_what_to_do(desk: Stage) -> None:
    nobody = Visitor(desk.world).sign_in("nobody").get("/")
    assert "You have no studio yet" in nobody.text
    page = desk.anna.get("/").text
    assert "Nothing is running" in page
    assert "Launch Workstation" in page
    assert "4 cores · 16.0 GiB" in page
    assert "Room for" in page
    for words in ("Runs up to 11 h 30 min", "Last 2 backups kept", "Stops after 1 h without work"):
        assert words in page


def test_launch_open_stop_start_and_delete_by_forms_alone(desk: Stage) -> None:
    anna = desk.anna
    path = desk.launch(anna)
    page = anna.get(path)
    assert "Starting" in page.text
    assert "Room found" in page.text
    assert '<meta http-equiv="refresh"' in page.text
    desk.later()
    page = anna.get(path)
    assert "Running" in page.text
    assert "Stops in" in page.text
    assert "http-equiv" not in page.text
    opened = anna.submit(page, f"{path}/open")
    assert opened.status_code == 303
    assert re.match(r"http://localhost:8080/streams/\S+/\?ticket=", opened.headers["Location"])
    assert anna.submit(page, f"{path}/extend").headers["Location"] == path
    asked = anna.get(f"{path}/stop")
    assert "what is not saved is lost" in asked.text
    assert anna.submit(asked, f"{path}/stop").headers["Location"] == path
    assert "Programs close" in anna.get(path).text
    desk.later()
    page = anna.get(path)
    assert "Stopped" in page.text
    assert "Complete" in page.text
    assert anna.submit(page, f"{path}/start").headers["Location"] == path
    desk.later()
    asked = anna.get(f"{path}/delete")
    assert "Everything on it is lost" in asked.text
    assert "Its backup stays for 7 days" in asked.text
    assert anna.submit(asked, f"{path}/delete").headers["Location"] == "/"
    desk.later()
    assert anna.get(path).status_code == 410
    left = anna.get("/")
    assert "Backups of deleted workstations" in left.text


def test_a_picture_of_the_desktop_is_for_its_owner_and_is_nothing_but_a_picture(
    desk: Stage,
) -> None:
    anna = desk.anna
    path = desk.launch(anna)
    assert f'src="{path}/picture"' not in anna.get(path).text
    desk.later()
    for page in ("/", path):
        assert f'src="{path}/picture"' in anna.get(page).text
    picture = anna.get(f"{path}/picture")
    assert picture.content.startswith(b"\xff\xd8\xff")
    told = {name: picture.headers[name] for name in ("Content-Type", "Cache-Control")}
    assert told == {"Content-Type": "image/jpeg", "Cache-Control": "no-store"}
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert picture.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert picture.headers["Content-Security-Policy"].startswith("default-src 'none'")
    operator = Visitor(desk.world).sign_in("operator")
    assert f'src="{path}/picture"' not in operator.get(path).text
    bea = desk.artist("bea")
    assert bea.get(f"{path}/picture").status_code == 403
    desk.world.engine.misbehave(Misbehaviour.RETRYABLE, ref=path.rpartition("/")[2])
    none = anna.get(f"{path}/picture")
    assert (none.status_code, none.headers["Content-Type"]) == (200, "image/svg+xml")


def test_an_artist_lets_others_look_on_and_ends_that(desk: Stage) -> None:
    anna = desk.anna
    path = desk.launch(anna)
    desk.later()
    page = anna.get(path)
    assert "Let others look on" in page.text
    wish = {"lengthInMinutes": "15", "maxViewers": "2"}
    assert anna.submit(page, f"{path}/share", **wish).headers["Location"] == path
    page = anna.get(path)
    assert "0 of 2 look on" in page.text
    assert re.search(r'value="http://localhost:8080/streams/\S+/\?ticket=\S+" readonly', page.text)
    operator = Visitor(desk.world).sign_in("operator")
    assert "Let others look on" not in operator.get(path).text
    assert anna.submit(page, f"{path}/unshare").headers["Location"] == path
    assert "0 of 2 look on" not in anna.get(path).text


def test_a_start_from_a_backup_is_a_start_from_that_one(desk: Stage) -> None:
    anna = desk.anna
    path = desk.launch(anna)
    desk.later()
    for _ in range(2):
        anna.submit(anna.get(f"{path}/stop"), f"{path}/stop")
        desk.later()
        anna.submit(anna.get(path), f"{path}/start")
        desk.later()
    page = anna.get(path)
    assert "stop the workstation first" in page.text
    anna.submit(anna.get(f"{path}/stop"), f"{path}/stop")
    desk.later()
    page = anna.get(path)
    backups = re.findall(r'name="backupId" value="([^"]+)"', page.text)
    assert len(backups) == 2
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token is not None
    answer = anna.post(f"{path}/start", {"token": token[1], "backupId": backups[1]})
    assert answer.status_code == 303
    desk.later()
    (session,) = desk.sessions()
    assert session["startedFromBackupId"] == backups[1]
    assert "Started from this one" in anna.get(path).text


def test_what_a_start_from_a_backup_costs_is_said_where_the_last_one_failed(desk: Stage) -> None:
    anna = desk.anna
    path = desk.launch(anna)
    desk.later()
    anna.submit(anna.get(f"{path}/stop"), f"{path}/stop")
    desk.later()
    assert "The stop before made a backup of it." in anna.get(path).text
    anna.submit(anna.get(path), f"{path}/start")
    desk.later()
    desk.world.engine.misbehave(Misbehaviour.FAILS_BACKUP, ref=path.rpartition("/")[2])
    anna.submit(anna.get(f"{path}/stop"), f"{path}/stop")
    desk.later()
    page = anna.get(path).text
    assert "The stop before made a backup of it." not in page
    assert "what is on the disk is lost then" in page


def test_a_new_workstation_is_launched_from_what_is_left(desk: Stage) -> None:
    anna = desk.anna
    path = desk.launch(anna)
    desk.later()
    anna.submit(anna.get(f"{path}/stop"), f"{path}/stop")
    desk.later()
    anna.submit(anna.get(f"{path}/delete"), f"{path}/delete")
    desk.later()
    page = anna.get("/")
    backup = re.search(r'name="backupId" value="([^"]+)"', page.text)
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert backup is not None
    assert token is not None
    made = anna.post(desk.launch_path, {"token": token[1], "backupId": backup[1]})
    assert made.status_code == 303
    desk.later()
    assert [each["state"] for each in desk.sessions()] == ["READY"]


def test_pressing_launch_twice_launches_once(desk: Stage) -> None:
    page = desk.anna.get("/")
    first, second = (desk.anna.submit(page, desk.launch_path) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(desk.sessions()) == 1


def test_a_backup_is_made_on_demand(desk: Stage) -> None:
    path = desk.launch(desk.anna)
    desk.later()
    answer = desk.anna.submit(desk.anna.get(path), f"{path}/backup")
    assert answer.status_code == 303
    assert "Being made" in desk.anna.get(path).text
    desk.later()
    assert "Complete" in desk.anna.get(path).text


def test_a_refusal_says_what_to_do_next(desk: Stage) -> None:
    path = desk.launch(desk.anna)
    desk.later()
    page = desk.anna.get(path)
    desk.anna.submit(desk.anna.get(f"{path}/stop"), f"{path}/stop")
    late = desk.anna.submit(page, f"{path}/open")
    assert late.status_code == 409
    assert "That did not work" in late.text
    assert "decide anew" in late.text
    desk.later()


def test_no_room_is_said_before_and_after(desk: Stage) -> None:
    desk.world.engine.most_workstations = 0
    try:
        assert "No room now" in desk.anna.get("/").text
        path = desk.launch(desk.anna)
        desk.later(120)
        page = desk.anna.get(path).text
        assert "Could not start" in page
        assert "Delete Workstation…" in page
    finally:
        desk.world.engine.most_workstations = None


@pytest.mark.parametrize("action", ["open", "start", "stop", "extend", "backup", "delete"])
def test_nobody_touches_another_s_workstation(desk: Stage, action: str) -> None:
    path = desk.launch(desk.anna)
    desk.later()
    ben = desk.artist("ben")
    assert ben.get(path).status_code == 403
    page = ben.get("/")
    assert path not in page.text
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token is not None
    refused = ben.post(f"{path}/{action}", {"token": token[1]})
    assert refused.status_code == 403
    assert "not allowed" in refused.text
    assert desk.anna.post(f"{path}/{action}", {"token": token[1]}).status_code == 403
    foreign = desk.anna.post(f"{path}/{action}", {"token": "x"}, origin="https://evil.example")
    assert foreign.status_code == 403
    (session,) = desk.sessions()
    assert session["state"] == "READY"


@pytest.mark.parametrize("action", ["open", "start", "extend", "backup"])
def test_no_link_changes_a_workstation(desk: Stage, action: str) -> None:
    path = desk.launch(desk.anna)
    assert desk.anna.get(f"{path}/{action}").status_code == 405
    assert desk.anna.get(desk.launch_path).status_code == 405


def test_who_is_taken_out_of_a_profile_launches_nothing(desk: Stage) -> None:
    carl = desk.artist("carl")
    page = carl.get("/")
    desk.world.operator.call(
        "DeleteLaunchProfileMember",
        studioId=desk.studio.id,
        launchProfileId=desk.studio.profile_id,
        principalId=desk.world.principal_id("carl"),
    )
    refused = carl.submit(page, desk.launch_path)
    assert refused.status_code == 403
    assert "Ask an administrator" in refused.text


@pytest.mark.parametrize(
    "path",
    ["/workstations/x/y", "/workstations/us-west-2%3Astid-0000000000000000/y", "/eulas/x/y"],
)
def test_what_is_not_there_is_said_and_nothing_breaks(desk: Stage, path: str) -> None:
    assert desk.anna.get(path).status_code in {400, 403, 404}
    strange = desk.anna.get(path.replace("y", "%3Cscript%3E%22..%2F"))
    assert strange.status_code in {307, 400, 403, 404}
    assert "<script>" not in strange.text


def test_names_from_the_studio_are_text(desk: Stage) -> None:
    name = "<b>&\"'</b>{{7*7}}"
    desk.world.operator.call(
        "UpdateLaunchProfile",
        studioId=desk.studio.id,
        launchProfileId=desk.studio.profile_id,
        name=name,
        description="<script>alert(1)</script>",
    )
    desk.world.settle()
    path = desk.launch(desk.anna)
    for page in (desk.anna.get("/"), desk.anna.get(path), desk.anna.get(f"{path}/delete")):
        assert page.status_code == 200
        assert "<b>" not in page.text
        assert "{{7*7}}" in page.text
        assert "<script>alert" not in page.text
    desk.world.operator.call(
        "UpdateLaunchProfile",
        studioId=desk.studio.id,
        launchProfileId=desk.studio.profile_id,
        name="Workstation",
    )
    desk.world.settle()


def test_a_page_is_small(desk: Stage) -> None:
    for _ in range(5):
        desk.launch(desk.anna)
    desk.later()
    page: httpx.Response = desk.anna.get("/")
    assets = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text)
    sizes = [len(desk.anna.get(each).content) for each in set(assets)]
    assert len(page.content) + sum(sizes) < 150_000


def test_a_full_first_page_is_small_and_everything_on_it_is_found(tmp_path: Path) -> None:
    with a_world(
        tmp_path / "home",
        throttle_sign_ins_per_minute=0,
        quota_sessions_per_user=100,
        quota_launch_profiles=100,
    ) as made:
        stage = Stage(made)
        where = {"studioId": stage.studio.id}
        first = made.operator.call(
            "GetLaunchProfile", **where, launchProfileId=stage.studio.profile_id
        )["launchProfile"]
        same = ("ec2SubnetIds", "launchProfileProtocolVersions", "studioComponentIds")
        rules = {name: first[name] for name in (*same, "streamConfiguration")}
        ids = [
            made.operator.call(
                "CreateLaunchProfile",
                **where,
                name=f"Show {number:02} & <Ünïcödé> 漫画 {'w' * 30}",
                description="d" * 256,
                **rules,
            )["launchProfile"]["launchProfileId"]
            for number in range(60)
        ]
        made.settle()
        who = {"principalId": made.principal_id("anna"), "persona": "USER"}
        for profile in ids:
            made.operator.call(
                "PutLaunchProfileMembers",
                **where,
                launchProfileId=profile,
                identityStoreId=IDENTITY_STORE_ID,
                members=[who],
            )
        for number in range(40):
            made.operator.call(
                "CreateStreamingSession",
                **where,
                launchProfileId=ids[number],
                ownedBy=who["principalId"],
            )
            # Of two that were made in one moment, either may stand first.
            made.clock.advance(timedelta(seconds=1))
        stage.later()
        gone = stage.sessions()[0]
        for operation in ("StopStreamingSession", "DeleteStreamingSession"):
            made.operator.call(operation, **where, sessionId=gone["sessionId"])
            stage.later()
        page = stage.anna.get("/")
        assets = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text))
        sizes = [len(stage.anna.get(each).content) for each in assets]
        assert len(page.content) + sum(sizes) < 150_000
        last = stage.anna.get("/?page=3&workstations=3")
        assert "Page 3 of 3" in last.text
        assert 'href="/?page=3&amp;workstations=2"' in last.text
        # The last launched stand first.
        assert f"Show {1:02}" in last.text
        assert f"Show {39:02}" not in last.text
        # What a deleted one left is launched from, though its profile's card is on another page.
        assert f"/launch/{stage.studio.id.replace(':', '%3A')}/{gone['launchProfileId']}" in (
            last.text
        )
        found = stage.anna.get("/?find=sHOW+39")
        assert len(re.findall(r'data-key="w-', found.text)) == 1
        assert len(re.findall(r'data-key="p-', found.text)) == 1
        assert 'value="sHOW 39"' in found.text
        assert "Nothing matches" in stage.anna.get('/?find="><script>').text
        assert "<script>" not in stage.anna.get('/?find="><script>').text.partition("<main")[2]


def test_eulas_are_accepted_by_administrators_alone(tmp_path: Path) -> None:
    with a_world(tmp_path / "home", throttle_sign_ins_per_minute=0) as made:
        stage = Stage(made)
        (image,) = made.operator.pages("ListStreamingImages", studioId=stage.studio.id)
        (eula, *_) = made.operator.pages("ListEulas")
        with made.service.database.transaction() as transaction:
            # No operation gives an image EULAs: the public service's own images had them.
            from soundstage.resources.images import store  # noqa: PLC0415

            changes = {"eula_ids": [eula["eulaId"]]}
            store.images.update(transaction, image["streamingImageId"], changes)
        page = stage.anna.get("/")
        assert "licences must be accepted" in page.text
        assert f'action="{stage.launch_path}"' not in page.text
        where = stage.launch_path.replace("/launch/", "/eulas/")
        asked = stage.anna.get(where)
        assert eula["name"] in asked.text
        assert "Only an administrator" in asked.text
        token = re.search(r'name="token" value="([^"]+)"', asked.text)
        assert token is not None
        tried = {"token": token[1], "eulaIds": eula["eulaId"]}
        assert stage.anna.post(where, tried).status_code == 403
        operator = Visitor(made).sign_in("operator")
        asked = operator.get(where)
        assert operator.submit(asked, where, eulaIds="another").headers["Location"] == "/"
        assert operator.get(where).status_code == 200
        assert operator.submit(asked, where).headers["Location"] == "/"
        assert operator.get(where).headers["Location"] == "/"
        assert stage.launch(stage.anna).startswith("/workstations/")
