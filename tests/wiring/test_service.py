"""One service from its parts: its identity, its days, its end."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy

from soundstage.client.calls import CallError
from soundstage.engines.interface import Spec, Volume
from soundstage.kit.config import Settings
from soundstage.testing.world import PERSISTENT, World, world
from soundstage.wiring.choices import gateway_settings_of
from soundstage.wiring.service import Service

ABSENT = "us-west-2:stid-0000000000000000"
SPEC = Spec(image="ami-host", instance_type="g4dn.xlarge", volume=Volume())


def launched(world: World) -> tuple[str, dict[str, Any]]:
    studio_id = world.studio()["studioId"]
    profile = world.profile(studio_id, **PERSISTENT)
    return studio_id, world.session(studio_id, profile["launchProfileId"])


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


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/2020-08-01/studios", 403, "application/json"),
        ("/2020-08-01/none/such", 403, "application/json"),
        ("/2020-08-01", 404, "text/html; charset=utf-8"),
        ("/healthz", 200, "application/json"),
        ("/none/such", 404, "text/html; charset=utf-8"),
    ],
)
def test_each_door_has_its_addresses(world: World, path: str, status: int, kind: str) -> None:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(world.service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    answer = asyncio.run(get())
    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)


def test_background_work_runs_between_start_and_end(settings: Settings) -> None:
    service = Service(settings)
    engine = service.engine
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


def test_feeds_and_pages_are_let_go_at_the_end(world: World) -> None:
    world.service.let_go()
    assert world.service.feeds._is_over
