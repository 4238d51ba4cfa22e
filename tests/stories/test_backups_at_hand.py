"""Backups that people ask for, look into, and begin new sessions with."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest

from soundstage.client.calls import CallError, Client
from soundstage.engines.interface import PermanentError, RetryableError
from soundstage.engines.simulated import Misbehaviour
from soundstage.testing.walks import Studio


def ask(studio: Studio, session: dict[str, Any], **members: Any) -> dict[str, Any]:
    answer = studio.call("CreateStreamingSessionBackup", session, **members)
    backup: dict[str, Any] = answer["streamingSessionBackup"]
    return backup


def backup_of(studio: Studio, backup: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = studio.world.operator.call(
        "GetStreamingSessionBackup", studioId=studio.id, backupId=backup["backupId"]
    )["streamingSessionBackup"]
    return found


def write(studio: Studio, session: dict[str, Any], content: bytes) -> None:
    studio.world.engine.write(session["sessionId"], "show/shot.blend", content)


def read(studio: Studio, session: dict[str, Any]) -> bytes | None:
    return studio.world.engine.read(session["sessionId"], "show/shot.blend")


def member(studio: Studio, name: str) -> Client:
    """Make somebody who may use the launch profile."""
    client = studio.world.client(name)
    who = [{"persona": "USER", "principalId": studio.world.principal_id(name)}]
    studio.world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio.id,
        launchProfileId=studio.profile_id,
        identityStoreId="d-0000000000",
        members=who,
    )
    return client


def fetch(studio: Studio, url: str, method: str = "GET") -> httpx.Response:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(studio.world.service.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            return await client.request(method, url)

    return anyio.run(get)


def test_a_running_session_is_backed_up_and_goes_on(studio: Studio) -> None:
    session = studio.launch()
    write(studio, session, b"as it was")
    backup = ask(studio, session, clientToken="once")
    assert backup["state"] == "CREATE_IN_PROGRESS"
    assert ask(studio, session, clientToken="once")["backupId"] == backup["backupId"]
    assert studio.later(session)["state"] == "READY"
    assert backup_of(studio, backup)["state"] == "READY"
    assert len(studio.backups()) == 1
    write(studio, session, b"later")
    studio.stop(session)
    studio.start(session, backupId=backup["backupId"])
    assert read(studio, session) == b"as it was"


def test_a_stopped_session_is_backed_up_and_rotation_counts_it(studio: Studio) -> None:
    session = studio.launch()
    studio.stop(session)
    first = studio.backups("READY")[0]
    second = ask(studio, session)
    studio.later(session)
    assert len(studio.backups("READY")) == 2
    third = ask(studio, session)
    # The oldest goes only when the new one is there.
    assert backup_of(studio, first)["state"] == "READY"
    studio.later(session)
    ready = [backup["backupId"] for backup in studio.backups("READY")]
    assert ready == [second["backupId"], third["backupId"]]
    assert backup_of(studio, first)["state"] == "DELETED"


def test_one_at_a_time_and_only_when_there_is_a_disk_to_copy(studio: Studio) -> None:
    session = studio.launch()
    ask(studio, session)
    with pytest.raises(CallError, match="Another backup"):
        ask(studio, session)
    studio.later(session)
    studio.call("StopStreamingSession", session, volumeRetentionMode="DELETE")
    with pytest.raises(CallError, match="STOP_IN_PROGRESS"):
        ask(studio, session)
    assert studio.later(session)["state"] == "STOPPED"
    with pytest.raises(CallError, match="no disk"):
        ask(studio, session)


def test_a_profile_without_backups_has_none_on_demand_either(studio: Studio) -> None:
    profile = studio.world.profile(studio.id, sessionPersistenceMode="ACTIVATED")
    session = studio.world.session(studio.id, profile["launchProfileId"])
    with pytest.raises(CallError, match="maxBackupsToRetain"):
        ask(studio, session)


def test_a_store_that_comes_back_in_time_is_waited_for(studio: Studio) -> None:
    session = studio.launch()
    studio.world.engine.misbehave(Misbehaviour.LOSES_STORE, times=3)
    studio.call("StopStreamingSession", session)
    waiting = studio.later(session, 20)
    assert waiting["state"] == "STOP_IN_PROGRESS"
    assert studio.later(session, 60)["state"] == "STOPPED"
    assert [backup["state"] for backup in studio.backups()] == ["READY"]


def test_a_store_that_stays_away_fails_the_backup_and_keeps_the_disk(studio: Studio) -> None:
    session = studio.launch()
    write(studio, session, b"only here")
    studio.world.engine.misbehave(Misbehaviour.LOSES_STORE, times=1000)
    studio.call("StopStreamingSession", session, volumeRetentionMode="DELETE")
    stopped = studio.later(session, 400)
    assert stopped["state"] == "STOPPED"
    assert "does not answer" in stopped["statusMessage"]
    assert [backup["state"] for backup in studio.backups()] == ["CREATE_FAILED"]
    studio.start(session)
    assert read(studio, session) == b"only here"


def test_a_deleted_session_s_work_begins_a_new_one_while_its_backups_are_kept(
    studio: Studio,
) -> None:
    session = studio.launch()
    write(studio, session, b"nearly lost")
    studio.stop(session)
    (backup,) = studio.backups("READY")
    studio.delete(session)
    studio.world.advance(timedelta(days=6))
    again = studio.launch(backupId=backup["backupId"])
    assert (again["state"], again["startedFromBackupId"]) == ("READY", backup["backupId"])
    assert read(studio, again) == b"nearly lost"
    # From here on it is a session like any other.
    write(studio, again, b"went on")
    studio.stop(again)
    studio.start(again)
    assert read(studio, again) == b"went on"
    studio.world.advance(timedelta(days=2))
    with pytest.raises(CallError, match=r"DELETED|no streaming session backup"):
        studio.launch(backupId=backup["backupId"])


def test_a_restore_that_takes_long_is_no_late_launch(studio: Studio) -> None:
    session = studio.launch()
    studio.stop(session)
    (backup,) = studio.backups("READY")
    studio.world.engine.backup_seconds = 3600
    again = studio.launch(backupId=backup["backupId"])
    assert again["state"] == "CREATE_IN_PROGRESS"
    assert studio.later(again, 3700)["state"] == "READY"


def test_a_new_session_keeps_to_the_rules_of_today(studio: Studio) -> None:
    session = studio.launch()
    studio.stop(session)
    (backup,) = studio.backups("READY")
    for wrong in ({"ec2InstanceType": "g3.4xlarge"}, {"streamingImageId": "x" * 22}):
        with pytest.raises(CallError, match="allows"):
            studio.launch(backupId=backup["backupId"], **wrong)
    with pytest.raises(CallError, match="no streaming session backup"):
        studio.launch(backupId="x" * 22)


def test_people_begin_with_their_own_backups_only(studio: Studio) -> None:
    ann, ben = member(studio, "ann"), member(studio, "ben")
    launch = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    session = ann.call("CreateStreamingSession", **launch)["session"]
    studio.later(session)
    studio.stop(session)
    (backup,) = studio.backups("READY")
    where = {"studioId": studio.id, "backupId": backup["backupId"]}
    refusals = []
    for backup_id in (backup["backupId"], "x" * 22):
        with pytest.raises(CallError) as raised:
            ben.call("CreateStreamingSession", **launch, backupId=backup_id)
        refusals.append((raised.value.name, str(raised.value).replace(backup_id, "")))
    # Whether there is such a backup can't be told from the answer.
    assert refusals[0] == refusals[1]
    assert refusals[0][0] == "AccessDeniedException"
    for call in ("ListStreamingSessionBackupFiles", "GetStreamingSessionBackupFile"):
        with pytest.raises(CallError) as raised:
            ben.call(call, **where, path="show/shot.blend")
        assert raised.value.name == "AccessDeniedException"
    with pytest.raises(CallError) as raised:
        ben.call("CreateStreamingSessionBackup", studioId=studio.id, sessionId=session["sessionId"])
    assert raised.value.name == "AccessDeniedException"
    own = ann.call("CreateStreamingSession", **launch, backupId=backup["backupId"])["session"]
    assert studio.later(own)["state"] == "READY"
    studio.world.operator.call(
        "DeleteLaunchProfileMember",
        studioId=studio.id,
        launchProfileId=studio.profile_id,
        principalId=studio.world.principal_id("ann"),
    )
    with pytest.raises(CallError) as raised:
        ann.call("CreateStreamingSession", **launch, backupId=backup["backupId"])
    assert raised.value.name == "AccessDeniedException"


def listed(studio: Studio, backup: dict[str, Any], path: str | None = None) -> list[dict[str, Any]]:
    where = {"studioId": studio.id, "backupId": backup["backupId"], "path": path}
    return list(studio.world.operator.pages("ListStreamingSessionBackupFiles", **where))


def kept(studio: Studio) -> dict[str, Any]:
    session = studio.launch()
    write(studio, session, b"b" * 700_000)
    studio.world.engine.write(session["sessionId"], "notes é.txt", b"notes")
    for number in range(600):
        studio.world.engine.write(session["sessionId"], f"frames/{number:04d}.exr", b"x")
    studio.stop(session)
    return studio.backups("READY")[0]


def test_a_backup_is_listed_folder_by_folder_in_pages(studio: Studio) -> None:
    backup = kept(studio)
    assert [(file["path"], file["type"]) for file in listed(studio, backup)] == [
        ("frames", "FOLDER"),
        ("notes é.txt", "FILE"),
        ("show", "FOLDER"),
    ]
    assert [file["path"] for file in listed(studio, backup, "show/")] == ["show/shot.blend"]
    frames = [file["path"] for file in listed(studio, backup, "frames")]
    assert frames == [f"frames/{number:04d}.exr" for number in range(600)]
    for path in ("none", "..", "show/../..", "show/shot.blend"):
        with pytest.raises(CallError, match="path"):
            listed(studio, backup, path)


def file_of(studio: Studio, backup: dict[str, Any], path: str) -> dict[str, Any]:
    return studio.world.operator.call(
        "GetStreamingSessionBackupFile",
        studioId=studio.id,
        backupId=backup["backupId"],
        path=path,
    )


def test_one_file_is_fetched_by_an_address_that_expires(studio: Studio) -> None:
    backup = kept(studio)
    found = file_of(studio, backup, "show/shot.blend")
    assert found["file"]["sizeInBytes"] == 700_000
    answer = fetch(studio, found["url"])
    assert (answer.status_code, answer.content) == (200, b"b" * 700_000)
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''shot.blend"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    odd = fetch(studio, file_of(studio, backup, "notes é.txt")["url"])
    assert odd.headers["content-disposition"].endswith("notes%20%C3%A9.txt")
    assert fetch(studio, found["url"], "HEAD").status_code == 405
    assert fetch(studio, found["url"] + "x").status_code == 403
    assert fetch(studio, found["url"].partition("?")[0]).status_code == 403
    studio.world.clock.advance(timedelta(minutes=2))
    assert fetch(studio, found["url"]).status_code == 410


def test_an_address_opens_nothing_once_the_backup_is_going(studio: Studio) -> None:
    backup = kept(studio)
    found = file_of(studio, backup, "show/shot.blend")
    (session,) = list(studio.world.operator.pages("ListStreamingSessions", studioId=studio.id))
    for _ in range(2):
        studio.call("CreateStreamingSessionBackup", session)
        studio.world.advance(timedelta(seconds=10))
    assert fetch(studio, found["url"]).status_code == 404


def test_a_stream_s_ticket_is_no_file_s(studio: Studio) -> None:
    session = studio.launch()
    stream = studio.stream(session)
    ticket = urlsplit(stream["url"]).query
    assert fetch(studio, f"http://localhost:8080/backup-files/?{ticket}").status_code == 403


@pytest.mark.parametrize("path", ["show", "no", "show/none"])
def test_only_a_file_that_is_there_has_an_address(studio: Studio, path: str) -> None:
    with pytest.raises(CallError):
        file_of(studio, kept(studio), path)


def test_what_can_not_be_read_just_now_is_said(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = kept(studio)
    url = file_of(studio, backup, "show/shot.blend")["url"]

    def busy(*_: object) -> None:
        raise RetryableError("Too many.", after_seconds=7)

    def gone(*_: object) -> None:
        raise PermanentError("Gone.")

    monkeypatch.setattr(studio.world.engine, "open_backup_file", busy)
    monkeypatch.setattr(studio.world.engine, "list_backup", busy)
    assert fetch(studio, url).status_code == 503
    with pytest.raises(CallError) as raised:
        listed(studio, backup)
    assert raised.value.name == "ThrottlingException"
    monkeypatch.setattr(studio.world.engine, "open_backup_file", gone)
    monkeypatch.setattr(studio.world.engine, "list_backup", gone)
    assert fetch(studio, url).status_code == 404
    with pytest.raises(CallError, match="Gone"):
        listed(studio, backup)
