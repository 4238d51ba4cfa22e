"""A studio has so much of each thing and no more, however many ask at once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from soundstage.client.calls import CallError
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.resources import quotas
from soundstage.resources.components import service as components
from soundstage.resources.images import service as images
from soundstage.resources.quotas import Quota, StudioQuotas
from soundstage.resources.request import Caller, CallerKind
from soundstage.testing.postgres import Postgres
from soundstage.testing.walks import Studio
from soundstage.testing.world import World, world
from soundstage.wire.faults import QuotaExceededError, ValidationError
from soundstage.wiring.doors import ApiDoor

LIMITS = dict.fromkeys(Quota, 3)
OPERATOR = Caller(principal_id="AROAEXAMPLE:operator", kind=CallerKind.OPERATOR)


def test_one_more_fits_or_is_refused() -> None:
    quotas.require(LIMITS, Quota.SESSIONS, used=2, studio_id="the-studio")
    for used in (3, 4):
        with pytest.raises(QuotaExceededError) as caught:
            quotas.require(LIMITS, Quota.SESSIONS, used=used, studio_id="the-studio")
        assert caught.value.message == (
            f"The quota for streaming sessions of the studio the-studio is 3; in use: {used}. "
            "UpdateStudioQuotas raises it (sessions), or the portal under Capacity."
        )
        assert caught.value.context == {
            "resourceId": "the-studio",
            "quota": "streaming sessions",
            "quotaName": "sessions",
            "value": "3",
            "used": str(used),
        }


def test_a_person_s_quota_names_the_person() -> None:
    with pytest.raises(QuotaExceededError, match="in use by ann: 3") as caught:
        quotas.require(LIMITS, Quota.SESSIONS_PER_USER, used=3, studio_id="s", user="ann")
    assert caught.value.context["principalId"] == "ann"


def test_a_quota_of_nothing_allows_nothing() -> None:
    with pytest.raises(QuotaExceededError):
        quotas.require({Quota.COMPONENTS: 0}, Quota.COMPONENTS, used=0, studio_id="s")


def test_every_quota_has_a_member_and_a_setting() -> None:
    assert set(quotas.MEMBERS) == set(Quota)
    assert quotas.together(LIMITS, quotas.shown(LIMITS)) == LIMITS


def test_a_studio_s_own_quota_comes_before_the_installation_s() -> None:
    own = StudioQuotas(sessions=5)
    assert quotas.together(LIMITS, None) == LIMITS
    assert quotas.together(LIMITS, own) == {**LIMITS, Quota.SESSIONS: 5}


@pytest.mark.parametrize(
    ("own", "wanted", "becomes"),
    [
        (None, {}, None),
        (None, {"sessions": 2}, {"sessions": 2}),
        ({"sessions": 2}, {"components": 0}, {"sessions": 2, "components": 0}),
        ({"sessions": 2}, {"sessions": 3}, None),
        ({"sessions": 9}, {"sessions": 9, "webhooks": 1}, {"sessions": 9, "webhooks": 1}),
        ({"sessions": 9}, {"sessions": 5}, {"sessions": 5}),
    ],
)
def test_administrators_change_quotas_below_what_was_given(
    own: dict[str, int] | None, wanted: dict[str, int], becomes: dict[str, int] | None
) -> None:
    """The installation gives three of each."""
    for is_operator in (True, False):
        changed = quotas.changed(
            LIMITS,
            None if own is None else StudioQuotas(**own),
            StudioQuotas(**wanted),
            is_operator=is_operator,
        )
        assert changed == (None if becomes is None else StudioQuotas(**becomes))


@pytest.mark.parametrize(("own", "most"), [(None, 3), (StudioQuotas(launch_profiles=8), 8)])
def test_only_the_operator_gives_more(own: StudioQuotas | None, most: int) -> None:
    wanted = StudioQuotas(launch_profiles=9)
    assert quotas.changed(LIMITS, own, wanted, is_operator=True) == wanted
    with pytest.raises(ValidationError, match=f"launchProfiles: 9 is more than the {most} that"):
        quotas.changed(LIMITS, own, wanted, is_operator=False)


def make_image(studio: Studio) -> dict[str, str]:
    given = {"studioId": studio.id, "name": "n", "ec2ImageId": "ami-host"}
    made = studio.world.operator.call("CreateStreamingImage", **given)["streamingImage"]
    return {"streamingImageId": made["streamingImageId"]}


def make_component(studio: Studio, kind: str = "CUSTOM") -> dict[str, str]:
    given = {"studioId": studio.id, "name": "n", "type": kind}
    made = studio.world.operator.call("CreateStudioComponent", **given)["studioComponent"]
    return {"studioComponentId": made["studioComponentId"]}


def make_file_system(studio: Studio) -> dict[str, str]:
    return make_component(studio, "SHARED_FILE_SYSTEM")


def make_session(studio: Studio) -> dict[str, str]:
    given = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    made = studio.world.operator.call("CreateStreamingSession", **given)["session"]
    return {"sessionId": made["sessionId"]}


def make_profile(studio: Studio) -> dict[str, str]:
    ids = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    known = studio.world.operator.call("GetLaunchProfile", **ids)["launchProfile"]
    given = {
        "name": "another",
        "ec2SubnetIds": [],
        "launchProfileProtocolVersions": known["launchProfileProtocolVersions"],
        "studioComponentIds": known["studioComponentIds"],
        "streamConfiguration": {
            name: known["streamConfiguration"][name]
            for name in ("clipboardMode", "ec2InstanceTypes", "streamingImageIds")
        },
    }
    made = studio.world.operator.call("CreateLaunchProfile", studioId=studio.id, **given)
    return {"launchProfileId": made["launchProfile"]["launchProfileId"]}


@pytest.mark.parametrize(
    ("settings", "make", "delete"),
    [
        ({"quota_custom_images": 3}, make_image, "DeleteStreamingImage"),
        ({"quota_components": 3}, make_component, "DeleteStudioComponent"),
        ({"quota_shared_file_systems": 2}, make_file_system, "DeleteStudioComponent"),
        ({"quota_launch_profiles": 3}, make_profile, "DeleteLaunchProfile"),
        ({"quota_sessions": 2}, make_session, "DeleteStreamingSession"),
        ({"quota_sessions_per_user": 2}, make_session, "DeleteStreamingSession"),
    ],
)
def test_what_is_deleted_makes_room_when_it_is_gone(
    studio: Studio, make: Callable[[Studio], dict[str, str]], delete: str
) -> None:
    """The studio has one image, one component and one launch profile before."""

    def is_full() -> bool:
        try:
            make(studio)
        except CallError as error:
            if (error.name, error.status) != ("ServiceQuotaExceededException", 402):
                raise
            return studio.id in str(error)
        return False

    made = [make(studio) for _ in range(2)]
    assert is_full()
    studio.world.advance(timedelta(seconds=30))
    assert is_full()
    studio.world.operator.call(delete, studioId=studio.id, **made[0])
    assert is_full()
    studio.world.advance(timedelta(seconds=30))
    assert not is_full()
    assert is_full()


@pytest.mark.parametrize("settings", [{"quota_sessions_per_user": 1}])
def test_a_person_s_sessions_are_those_that_are_theirs(studio: Studio) -> None:
    """Whoever launched them. One that failed counts until it is deleted: it may have a disk."""
    given = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    make_session(studio)
    # The engine is told of whichever comes next, so the first one must be past it.
    studio.world.settle()
    ann = studio.world.principal_id("ann")
    studio.world.engine.misbehave(Misbehaviour.OUT_OF_CAPACITY)
    hers = studio.world.operator.call("CreateStreamingSession", **given, ownedBy=ann)["session"]
    studio.world.advance(timedelta(seconds=30))
    assert studio.world.see(hers)["state"] == "CREATE_FAILED"
    with pytest.raises(CallError, match=f"in use by {ann}: 1"):
        studio.world.operator.call("CreateStreamingSession", **given, ownedBy=ann)
    bob = studio.world.principal_id("bob")
    studio.world.operator.call("CreateStreamingSession", **given, ownedBy=bob)


# ---- at once, on both databases ------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def either_world(request: pytest.FixtureRequest, home: Path) -> Iterator[World]:
    if request.param == "sqlite":
        with world(home) as made:
            yield made
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database(is_current=True) as url, world(home, url) as made:
        yield made


def test_fifty_at_once_do_not_overshoot(either_world: World) -> None:
    """They go past the door, which has fewer threads than that."""
    door = ApiDoor(either_world.service)
    studio_id = either_world.studio()["studioId"]

    def make(number: int) -> bool:
        try:
            with door.transaction(write=True) as transaction:
                images.create(
                    door.request(transaction, OPERATOR, door.now(), asks_engine=False),
                    studio_id=studio_id,
                    name=f"{number}",
                    description=None,
                    ec2_image_id="ami-host",
                    tags={},
                )
        except QuotaExceededError:
            return False
        return True

    with ThreadPoolExecutor(50) as threads:
        made = list(threads.map(make, range(50)))
    assert made.count(True) == 10
    assert len(list(either_world.operator.pages("ListStreamingImages", studioId=studio_id))) == 10


def test_a_second_maker_waits_for_the_first_and_counts_what_it_made(
    postgres: Postgres, home: Path
) -> None:
    """On PostgreSQL, where nothing but the studio's row keeps two writers apart."""
    with postgres.database(is_current=True) as url, world(home, url) as made:
        studio_id = made.studio()["studioId"]
        door = ApiDoor(made.service)
        worker: Any = next(each for each in made.service.workers if each.name == "components")
        ids = []
        for name in ("first", "second"):
            given = {"studioId": studio_id, "name": name}
            component = made.operator.call("CreateStudioComponent", **given, type="CUSTOM")
            ids.append(component["studioComponent"]["studioComponentId"])
        made.settle()
        for each in ids:
            named = {"studioId": studio_id, "studioComponentId": each}
            made.operator.call("UpdateStudioComponent", **named, type="ACTIVE_DIRECTORY")

        def settle(component_id: str, transaction: sqlalchemy.Connection) -> None:
            loaded = worker.load(transaction, component_id, made.clock())
            worker.apply(transaction, loaded, None, made.clock())

        def settle_second() -> None:
            with door.transaction(write=True) as transaction:
                settle(ids[1], transaction)

        with ThreadPoolExecutor(1) as thread:
            with door.transaction(write=True) as transaction:
                settle(ids[0], transaction)
                second = thread.submit(settle_second)
                _until(lambda: second.done() or _somebody_waits(made))
                assert not second.done()
            second.result(timeout=20)
        with door.transaction(write=False) as transaction:
            states = [components.find(transaction, studio_id, each).state for each in ids]
        assert states == ["READY", "UPDATE_FAILED"]


def _somebody_waits(made: World) -> bool:
    with made.service.database.transaction(write=False) as transaction:
        statement = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return int(transaction.exec_driver_sql(statement).scalar_one()) > 0


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)
