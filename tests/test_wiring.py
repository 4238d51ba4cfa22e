"""One service from its parts: its home, its identity, its doors' questions, its end."""

import asyncio
import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy

from soundstage.api.throttling import Limits, Rate
from soundstage.client.calls import CallError, Client
from soundstage.engines.interface import Phase, Spec, Volume
from soundstage.engines.simulated import Misbehaviour, SimulatedEngine
from soundstage.gateway.upstreams import Refusal, Refused, Transferred
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.members import service as members
from soundstage.resources.operations import OPERATIONS
from soundstage.resources.quotas import Quota
from soundstage.resources.request import CallerKind
from soundstage.testing.world import ENDPOINT, PERSISTENT, Inside, World, world
from soundstage.wire.faults import NotFoundError
from soundstage.wire.ticket import Ticket
from soundstage.wiring import (
    ApiDoor,
    ApiFacts,
    Service,
    ServiceRunsError,
    api_settings_of,
    gateway_settings_of,
    has_service,
    opened,
    prepare_home,
    quotas_of,
)

ABSENT = "us-west-2:stid-0000000000000000"
SPEC = Spec(image="ami-host", instance_type="g4dn.xlarge", volume=Volume())


@pytest.fixture(name="world")
def a_world(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "home") as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home", engine="simulated", stream_environment=tmp_path / "none"
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def launched(world: World) -> tuple[str, dict[str, Any]]:
    studio_id = world.studio()["studioId"]
    profile = world.profile(studio_id, **PERSISTENT)
    return studio_id, world.session(studio_id, profile["launchProfileId"])


# ---- the home ------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o000])
def test_a_new_home_lets_workstations_through_and_nobody_look(
    settings: Settings, umask: int
) -> None:
    before = os.umask(umask)
    try:
        prepare_home(settings)
    finally:
        os.umask(before)
    assert mode(settings.home) == 0o711
    assert mode(settings.home / "keys") == 0o700
    assert mode(settings.home / "soundstage.sqlite") == 0o600


def test_a_home_that_is_there_keeps_its_mode_but_keys_are_closed(settings: Settings) -> None:
    (settings.home / "keys").mkdir(parents=True)
    settings.home.chmod(0o750)
    (settings.home / "keys").chmod(0o755)
    (settings.home / "soundstage.sqlite").touch(0o644)
    prepare_home(settings)
    assert [mode(settings.home), mode(settings.home / "keys")] == [0o750, 0o700]
    assert mode(settings.home / "soundstage.sqlite") == 0o600


def test_what_is_written_beside_the_database_is_closed_too(settings: Settings) -> None:
    service = Service(settings)
    service.prepare()
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"soundstage.sqlite", "soundstage.sqlite-wal"}
    assert [str(path) for path in files if mode(path) & 0o077] == []
    service.close()


def test_a_home_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"SOUNDSTAGE_HOME: .*/file/home can't be used"):
        prepare_home(Settings(home=tmp_path / "file" / "home"))


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("database_url", "nonsense", "SOUNDSTAGE_DATABASE_URL: this is no address"),
        ("database_url", "cloud://me:hush@db", "SOUNDSTAGE_DATABASE_URL: this is no address"),
        (
            "database_url",
            "sqlite:////proc/none/hush.sqlite",
            "SOUNDSTAGE_DATABASE_URL: the database does not answer",
        ),
        ("trusted_proxies", ["proxy.example"], "SOUNDSTAGE_TRUSTED_PROXIES: proxy.example is no"),
        ("trusted_proxies", ["10.0.0.1/8"], "SOUNDSTAGE_TRUSTED_PROXIES: 10.0.0.1/8 is no"),
    ],
)
def test_a_setting_that_only_shows_here_is_named(
    settings: Settings, setting: str, value: Any, message: str
) -> None:
    wrong = msgspec.structs.replace(settings, **{setting: value})
    with pytest.raises(ConfigError) as caught:
        Service(wrong).prepare()
    assert str(caught.value).startswith(message)
    assert "hush" not in str(caught.value)


def test_one_service_a_home(settings: Settings) -> None:
    first, second = Service(settings), Service(settings)
    first.prepare()
    assert has_service(settings)
    with pytest.raises(ServiceRunsError, match=f"A service works with {settings.home} already"):
        second.prepare()
    first.close()
    assert not has_service(settings)
    second.prepare()
    second.close()


def test_the_command_line_reads_beside_a_running_service(settings: Settings) -> None:
    service = Service(settings)
    service.prepare()
    with opened(settings) as (database, seal), database.transaction() as transaction:
        anna = members.ensure_person(transaction, "anna", service.clock())
        key_id, secret = members.ensure_access_key(transaction, anna, seal, service.clock())
    found = ApiDoor(service).secret_of(key_id)
    assert found is not None
    assert found[0] == secret
    service.close()


def test_the_secret_may_come_from_a_command(settings: Settings) -> None:
    file = settings.home / "keys" / "installation"
    with opened(settings) as (_, seal):
        closed = seal.close("hush")
    kept = file.rename(settings.home / "vault")
    with pytest.raises(ConfigError, match="installation is gone"), opened(settings):
        pass
    vaulted = msgspec.structs.replace(settings, secret_command=f"cat {kept}")
    service = Service(vaulted)
    assert service.seal.open(closed) == "hush"
    service.close()
    assert not file.exists()


def test_a_key_file_beside_a_command_is_pointed_out(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings.home / "keys" / "installation"
    Service(settings).close()
    Service(msgspec.structs.replace(settings, secret_command=f"cat {file}")).close()
    said = capsys.readouterr().out
    assert "the key file is not needed beside the secret's command" in said
    assert file.read_text().strip() not in said


def test_a_key_file_that_others_may_read_is_one_sentence(settings: Settings) -> None:
    Service(settings).close()
    (settings.home / "keys" / "installation").chmod(0o640)
    for start in (lambda: Service(settings), lambda: opened(settings).__enter__()):
        with pytest.raises(ConfigError, match=r"Others may read .* Run: chmod 600 "):
            start()


# ---- who the installation is ---------------------------------------------------------------------


def test_the_account_id_is_kept_for_ever_and_is_the_home_s_own(tmp_path: Path) -> None:
    ids = []
    for home in ("one", "one", "two"):
        with world(tmp_path / home) as made:
            ids.append(made.service.installation.account_id)
    assert ids[0] == ids[1] != ids[2]
    assert all(len(each) == 12 and each.isdecimal() for each in ids)


def test_a_restart_keeps_people_keys_and_workstations(world: World) -> None:
    studio_id, session = launched(world)
    before = world.service.installation
    world.restart()
    assert world.service.installation == before
    world.advance(timedelta(seconds=30))
    seen = world.see(session)
    assert (seen["state"], seen.get("statusMessage")) == ("READY", session.get("statusMessage"))
    assert next(iter(world.operator.pages("ListStudios")))["studioId"] == studio_id


def test_what_a_killed_service_held_is_looked_at_at_once(world: World) -> None:
    studio_id = world.studio()["studioId"]
    given = {"studioId": studio_id, "name": "n", "type": "CUSTOM"}
    made = world.operator.call("CreateStudioComponent", **given)["studioComponent"]
    (worker,) = (each for each in world.service.workers if each.name == "components")
    with world.service.database.transaction() as transaction:
        held = {"lease_token": "dead", "lease_until": world.clock() + timedelta(hours=1)}
        transaction.execute(worker.table.update().values(held))
    world.restart()
    world.settle()
    ids = {"studioId": studio_id, "studioComponentId": made["studioComponentId"]}
    found = world.operator.call("GetStudioComponent", **ids)["studioComponent"]
    assert found["state"] == "READY"


def test_what_an_engine_can_do_is_known_and_the_gateway_is_told_its_part(world: World) -> None:
    assert world.service.installation.supports_backups
    assert world.service.installation.supports_persistence
    told = gateway_settings_of(
        Settings(
            home=Path("/h"),
            public_url="https://a.example",
            trusted_proxies=["10.0.0.1"],
            upload_most_bytes=5,
        )
    )
    assert told.upload_most_bytes == 5
    assert told.public_url == "https://a.example"
    assert told.trusted_proxies == ("10.0.0.1",)


def test_quotas_and_rates_are_those_of_the_settings() -> None:
    settings = Settings(
        home=Path("/h"),
        throttle_reads_burst=7,
        throttle_failures_per_second=0,
        quota_sessions=3,
        trusted_proxies=["10.0.0.1"],
    )
    assert quotas_of(settings) == {
        Quota.SESSIONS_PER_USER: 10,
        Quota.SESSIONS: 3,
        Quota.LAUNCH_PROFILES: 50,
        Quota.CUSTOM_IMAGES: 10,
        Quota.SHARED_FILE_SYSTEMS: 10,
        Quota.ACTIVE_DIRECTORIES: 1,
        Quota.COMPONENTS: 100,
    }
    assert api_settings_of(settings).throttling == Limits(
        reads=Rate(50, 7),
        writes=Rate(10, 20),
        failures=Rate(0, 100),
        trusted_proxies=("10.0.0.1",),
    )


def test_the_service_throttles_by_default(tmp_path: Path) -> None:
    with world(tmp_path / "home", throttle_writes_per_second=10) as made:
        role = {"adminRoleArn": "a", "userRoleArn": "u", "displayName": "D"}
        for number in range(20):
            made.operator.call("CreateStudio", studioName=f"studio{number}", **role)
        with pytest.raises(CallError, match="Too many writes") as caught:
            made.operator.call("CreateStudio", studioName="onemore", **role)
        assert (caught.value.name, caught.value.status) == ("ThrottlingException", 429)
        made.clock.advance(timedelta(seconds=0.1))
        made.operator.call("CreateStudio", studioName="onemore", **role)


# ---- the API's questions -------------------------------------------------------------------------


def test_checks_come_in_their_order(world: World) -> None:
    studio_id = world.studio()["studioId"]
    wrong = {"name": "n" * 65, "type": "ODD"}

    def refusal(client: Client, studio: str) -> str:
        with pytest.raises(CallError) as caught:
            client.call("CreateStudioComponent", studioId=studio, **wrong)
        return caught.value.name

    stranger = Client(
        ENDPOINT,
        access_key_id="AKIANOBODY",
        secret_access_key="x",
        region="us-west-2",
        operations=OPERATIONS,
        http=httpx.Client(transport=Inside(world), trust_env=False),
        clock=world.clock,
    )
    assert refusal(stranger, ABSENT) == "UnrecognizedClientException"
    assert refusal(world.client("anna"), ABSENT) == "AccessDeniedException"
    assert refusal(world.client("anna"), studio_id) == "AccessDeniedException"
    assert refusal(world.operator, ABSENT) == "ResourceNotFoundException"
    assert refusal(world.operator, studio_id) == "ValidationException"


def test_who_is_behind_a_key(world: World) -> None:
    door = ApiDoor(world.service)
    kinds = {}
    for name in ("operator", "anna"):
        with world.service.database.transaction() as transaction:
            person = members.ensure_person(transaction, name, world.clock())
            key_id, secret = members.ensure_access_key(
                transaction, person, world.service.seal, world.clock()
            )
        found = door.secret_of(key_id)
        assert found is not None
        assert (found[0], found[1].principal_id) == (secret, person.id)
        kinds[name] = found[1].kind
    assert kinds == {"operator": CallerKind.OPERATOR, "anna": CallerKind.USER}
    assert door.secret_of("AKIANOBODY") is None
    assert door.now() == world.clock()


def test_facts_are_of_the_studio_in_the_path(world: World) -> None:
    studio_id, session = launched(world)
    session_id = session["sessionId"]
    where = {"studioId": studio_id, "sessionId": session_id}
    world.operator.call("StopStreamingSession", **where)
    world.advance(timedelta(minutes=1))
    (backup,) = world.operator.pages("ListStreamingSessionBackups", studioId=studio_id)
    anna = world.principal_id("anna")
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio_id,
        launchProfileId=session["launchProfileId"],
        identityStoreId="d",
        members=[{"principalId": anna, "persona": "USER"}],
    )
    owner, profile_id = session["ownedBy"], session["launchProfileId"]
    with world.service.database.transaction() as transaction:
        members.put_administrator(transaction, studio_id, anna)
        facts = ApiFacts(transaction)
        assert facts.owner_of_session(studio_id, session_id) == owner
        assert facts.owner_of_session(ABSENT, session_id) is None
        assert facts.owner_of_session(studio_id, "none") is None
        assert facts.owner_of_backup(studio_id, backup["backupId"]) == owner
        assert facts.owner_of_backup(ABSENT, backup["backupId"]) is None
        assert facts.is_member(studio_id, profile_id, anna)
        assert not facts.is_member(ABSENT, profile_id, anna)
        assert not facts.is_member(studio_id, profile_id, "ben")
        assert facts.is_administrator(studio_id, anna)
        assert not facts.is_administrator(ABSENT, anna)
        assert facts.administers_any(anna)
        assert not facts.administers_any("stranger")
        facts.require_existing({})
        facts.require_existing({**where, "streamId": "whatever"})
        for labels in ({"studioId": ABSENT}, {**where, "sessionId": "none"}):
            with pytest.raises(NotFoundError):
                facts.require_existing(labels)


# ---- the gateway's questions ---------------------------------------------------------------------


def ticket_for(world: World, where: dict[str, str]) -> Ticket:
    stream = world.operator.call("CreateStreamingSessionStream", **where)["stream"]
    world.advance(timedelta(seconds=5))
    return Ticket(stream_id=stream["streamId"], subject="anna", expires=0)


def reason(world: World, ticket: Ticket) -> str:
    with pytest.raises(Refused) as caught:
        asyncio.run(world.service.upstreams.redeem(ticket))
    return caught.value.reason


def test_a_stream_s_ticket_is_good_once_and_while_its_session_runs(world: World) -> None:
    studio_id, session = launched(world)
    where = {"studioId": studio_id, "sessionId": session["sessionId"]}
    upstreams = world.service.upstreams
    ticket = ticket_for(world, where)
    upstream = asyncio.run(upstreams.redeem(ticket))
    assert upstream.stream_id == ticket.stream_id
    assert reason(world, ticket) == Refusal.USED
    assert asyncio.run(upstreams.find(ticket.stream_id)) == upstream
    assert asyncio.run(upstreams.ended({ticket.stream_id, "unknown"})) == {"unknown"}
    assert upstream.files is None
    asyncio.run(
        upstreams.report_transfer(
            Transferred(stream_id=ticket.stream_id, is_upload=True, name="a", size=1)
        )
    )
    asyncio.run(upstreams.report_activity({ticket.stream_id}))
    asyncio.run(upstreams.report_input({ticket.stream_id, "unknown"}))
    assert asyncio.run(upstreams.countdown("unknown")) is None
    coming = asyncio.run(upstreams.countdown(ticket.stream_id))
    assert coming is not None
    assert (coming.action, coming.warn_before) == ("STOP", [900, 300, 60])
    world.operator.call("StopStreamingSession", **where)
    assert asyncio.run(upstreams.ended({ticket.stream_id})) == {ticket.stream_id}
    assert reason(world, ticket) == Refusal.ENDED
    assert reason(world, Ticket(stream_id="none", subject="", expires=0)) == Refusal.ENDED


def test_a_ticket_is_not_used_up_while_the_desktop_does_not_answer(world: World) -> None:
    studio_id, session = launched(world)
    where = {"studioId": studio_id, "sessionId": session["sessionId"]}
    ticket = ticket_for(world, where)
    world.engine.misbehave(Misbehaviour.RETRYABLE, ref=session["sessionId"])
    assert reason(world, ticket) == Refusal.UNAVAILABLE
    world.engine.crash(session["sessionId"])
    assert reason(world, ticket) == Refusal.UNAVAILABLE
    world.advance(timedelta(seconds=60))
    assert asyncio.run(world.service.upstreams.redeem(ticket)).stream_id == ticket.stream_id


# ---- its days ------------------------------------------------------------------------------------


def test_workstations_of_no_session_are_removed_and_others_left(world: World) -> None:
    _, session = launched(world)
    world.engine.ensure_running("orphan", SPEC)
    world.service.housekeep()
    world.clock.advance(timedelta(seconds=10))
    assert world.engine.observe("orphan").phase is Phase.ABSENT
    assert world.engine.observe(session["sessionId"]).phase is Phase.RUNNING


def test_troubles_are_told_in_words(world: World) -> None:
    assert world.service.troubles() == ["The reconciler has not looked for a while."]
    world.settle()
    assert world.service.troubles() == []
    world.clock.advance(timedelta(seconds=21))
    assert world.service.troubles() == ["The reconciler has not looked for a while."]
    world.settle()
    with world.service.database.transaction() as transaction:
        transaction.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = 'other'"))
    assert world.service.troubles() == ["The database has another schema than this release."]
    with world.service.database.transaction() as transaction:
        transaction.execute(sqlalchemy.text("DROP TABLE alembic_version"))
    assert world.service.troubles() == ["The database has another schema than this release."]


def test_a_database_that_is_away_is_a_trouble_and_no_crash(world: World, tmp_path: Path) -> None:
    world.settle()
    world.service.database.dispose()
    (tmp_path / "home" / "soundstage.sqlite").write_bytes(b"no database" * 100)
    assert world.service.troubles() == ["The database does not answer."]


def test_background_work_runs_between_start_and_end(settings: Settings) -> None:
    engine = SimulatedEngine(system_clock)
    service = Service(settings, engine=engine)
    service.prepare()
    engine.ensure_running("orphan", SPEC)

    async def live() -> None:
        async with service.app.router.lifespan_context(service.app):
            async with asyncio.timeout(20):
                while service.troubles() or engine.refs():  # noqa: ASYNC110 - threads set no event
                    await asyncio.sleep(0.01)

    asyncio.run(live())
    assert engine.refs() == set()
    service.close()
