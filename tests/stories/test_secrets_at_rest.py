"""What may be a secret can't be found in the database, its log, or the copy beside the backups."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alembic.command
import msgspec
import pytest
import sqlalchemy

from soundstage.kit.database import Database, Document, metadata, migration_config, sqlite_url
from soundstage.resources.backups import safekeeping
from soundstage.testing.walks import Studio
from soundstage.testing.world import World, world
from soundstage.wire.kinds import bare

SECRET = "five-secret-words"
"""In every value here, so that one search finds all of them."""
MEMBERS: dict[str, Any] = {
    "name": "Licences",
    "type": "LICENSE_SERVICE",
    "configuration": {"licenseServiceConfiguration": {"endpoint": f"5053@{SECRET}"}},
    "scriptParameters": [{"key": "LICENCE", "value": SECRET}],
    "initializationScripts": [
        {
            "launchProfileProtocolVersion": "2021-03-31",
            "platform": "LINUX",
            "runContext": "USER_INITIALIZATION",
            "script": f"login --password {SECRET}",
        }
    ],
}
SHOWN = ("configuration", "scriptParameters", "initializationScripts")
OPEN = {
    "launch_profiles.stream_configuration": "a folder's name, which its artists see",
    "launch_profiles.wished": "a folder's name, which its artists see",
}
"""Columns that hold members which the API calls sensitive, and which are no secrets."""


def bytes_of(home: Path) -> bytes:
    """All that lies on the disk of a home's database."""
    return b"".join(path.read_bytes() for path in home.glob("soundstage.sqlite*"))


def create(made: World, studio_id: str) -> dict[str, Any]:
    found: dict[str, Any] = made.operator.call(
        "CreateStudioComponent", studioId=studio_id, clientToken="once", **MEMBERS
    )["studioComponent"]
    return found


def see(made: World, component: dict[str, Any], studio_id: str) -> dict[str, Any]:
    where = {"studioId": studio_id, "studioComponentId": component["studioComponentId"]}
    found: dict[str, Any] = made.operator.call("GetStudioComponent", **where)["studioComponent"]
    return found


@pytest.fixture
def made(home: Path) -> Iterator[World]:
    with world(home) as found:
        yield found


def test_nothing_of_it_is_on_the_disk(made: World, home: Path) -> None:
    studio_id = made.studio()["studioId"]
    component = create(made, studio_id)
    # What an update wishes lies in a column of its own until the update is done.
    where = {"studioId": studio_id, "studioComponentId": component["studioComponentId"]}
    made.settle()
    made.operator.call(
        "UpdateStudioComponent", **where, clientToken="again", **{**MEMBERS, "name": "Others"}
    )
    assert SECRET.encode() not in bytes_of(home)
    made.settle()
    assert SECRET.encode() not in bytes_of(home)
    safekeeping.keep_studio(made.engine, made.service.database)
    copy = io.BytesIO()
    made.engine.newest_studio(copy)
    assert component["studioComponentId"].encode() in copy.getvalue()
    assert SECRET.encode() not in copy.getvalue()
    # And yet it is there for who may see it.
    found = see(made, component, studio_id)
    assert {name: found[name] for name in SHOWN} == {name: MEMBERS[name] for name in SHOWN}
    assert found["name"] == "Others"


def test_a_repeated_request_still_gets_its_answer(made: World) -> None:
    studio_id = made.studio()["studioId"]
    component = create(made, studio_id)
    assert create(made, studio_id) == component
    assert component["scriptParameters"] == MEMBERS["scriptParameters"]


def test_the_second_database_shows_none_of_it_either(either_studio: Studio) -> None:
    made = either_studio.world
    create(made, either_studio.id)
    with made.service.database.transaction(write=False) as transaction:
        for table in ("components", "client_tokens"):
            every = sqlalchemy.text("*")
            statement = sqlalchemy.select(every).select_from(sqlalchemy.table(table))
            rows = transaction.execute(statement).all()
            assert rows
            assert SECRET not in str(rows)


def before_the_step(url: str) -> Database:
    """Make a database as the release before left it."""
    database = Database(url)
    config = migration_config()
    with database.transaction() as transaction:
        config.attributes["connection"] = transaction
        alembic.command.upgrade(config, "0009")
    return database


ROW = {
    "studio_id": "us-west-2:stid-aaaaaaaaaaaaaaaa",
    "name": "Licences",
    "type": "LICENSE_SERVICE",
    "subtype": "CUSTOM",
    "configuration": msgspec.json.encode(MEMBERS["configuration"]).decode(),
    "ec2_security_group_ids": "[]",
    "initialization_scripts": msgspec.json.encode(MEMBERS["initializationScripts"]).decode(),
    "script_parameters": msgspec.json.encode(MEMBERS["scriptParameters"]).decode(),
    "tags": "{}",
    "state": "READY",
    "status_code": "STUDIO_COMPONENT_CREATED",
    "status_message": "The studio component has been created.",
    "created_at": "2026-11-21 12:00:00.000000",
    "created_by": "somebody",
    "updated_at": "2026-11-21 12:00:00.000000",
    "updated_by": "somebody",
    "wished": None,
}
STUDIO = {
    "id": ROW["studio_id"],
    "studio_name": "before",
    "display_name": "Before",
    "home_region": "us-west-2",
    "sso_client_id": "x",
    "admin_role_arn": "arn:aws:iam::1:role/a",
    "user_role_arn": "arn:aws:iam::1:role/u",
    "studio_encryption_configuration": '{"keyType": "AWS_OWNED_KEY"}',
    "tags": "{}",
    "state": "READY",
    "status_code": "STUDIO_CREATED",
    "status_message": "The studio has been created.",
    "created_at": "2026-11-21 12:00:00.000000",
    "updated_at": "2026-11-21 12:00:00.000000",
}


def insert(transaction: sqlalchemy.Connection, table: str, row: dict[str, Any]) -> None:
    columns: list[sqlalchemy.ColumnClause[Any]] = [sqlalchemy.column(name) for name in row]
    transaction.execute(sqlalchemy.table(table, *columns).insert().values(row))


def test_a_database_of_before_is_sealed_when_the_service_starts(home: Path) -> None:
    database = before_the_step(sqlite_url(home / "soundstage.sqlite"))
    with database.transaction() as transaction:
        insert(transaction, "studios", STUDIO)
        insert(transaction, "components", {"id": "a" * 22, **ROW})
        # Many that are gone: what they held lies on pages that are free.
        for number in range(200):
            insert(transaction, "components", {"id": f"{number:022}", **ROW})
        answer = {"digest": "d", "status": 200, "body": f'{{"is": "{SECRET}"}}'}
        key = {"principal_id": "p", "operation": "o", "studio_id": "s", "token": "t"}
        at = {"created_at": "2026-11-21 12:00:00.000000"}
        insert(transaction, "client_tokens", {**key, **answer, **at})
    with database.transaction() as transaction:
        transaction.exec_driver_sql("DELETE FROM components WHERE id LIKE '0%'")
    database.dispose()
    assert SECRET.encode() in bytes_of(home)
    with world(home) as made:
        assert SECRET.encode() not in bytes_of(home)
        found = see(made, {"studioComponentId": "a" * 22}, str(ROW["studio_id"]))
        assert {name: found[name] for name in SHOWN} == {name: MEMBERS[name] for name in SHOWN}
        with made.service.database.transaction(write=False) as transaction:
            kept = transaction.execute(sqlalchemy.select(metadata.tables["client_tokens"])).one()
        assert msgspec.to_builtins(kept.kept) == answer


def test_every_column_with_a_sensitive_member_is_sealed_or_named_here() -> None:
    found = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, Document) and holds_sensitive(column.type.kind)
    }
    assert found == set(OPEN)


def holds_sensitive(kind: Any) -> bool:
    """Reports whether a member somewhere in a type is marked as sensitive."""

    def look(found: msgspec.inspect.Type) -> bool:
        inner, is_sensitive = bare(found)
        if is_sensitive:
            return True
        if isinstance(inner, msgspec.inspect.StructType):
            return any(look(field.type) for field in inner.fields)
        if isinstance(inner, msgspec.inspect.ListType):
            return look(inner.item_type)
        return isinstance(inner, msgspec.inspect.DictType) and look(inner.value_type)

    return look(msgspec.inspect.type_info(kind))
