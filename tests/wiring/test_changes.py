"""One watch for all pages: who is told, when, and at what cost."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy

from soundstage.portal.door import Login, Visit
from soundstage.portal.events import GoneError
from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.testing.walks import Studio
from soundstage.testing.world import World
from soundstage.wiring.changes import Changes
from soundstage.wiring.portal import PortalDoor


def signed_in(world: World, name: str = "operator") -> Login:
    door = PortalDoor(world.service, world.service.app)
    with world.service.database.transaction() as transaction:
        person = members.ensure_person(transaction, name, world.clock())
        link = logins.make_link(transaction, person, world.clock(), actor="t")
    visit = Visit(browser="", address="")
    secret = door.sign_in(link, visit)
    login = door.find(secret or "", visit)
    assert login is not None
    return login


def run(world: World, story: Callable[[Changes], Awaitable[Any]]) -> Any:
    """Tell a story beside a watch."""

    async def both() -> Any:
        changes = Changes(world.service.database, world.clock)
        watch = asyncio.create_task(changes.watch())
        try:
            async with asyncio.timeout(30):
                return await story(changes)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    return asyncio.run(both())


def test_a_change_is_told_to_its_owner_alone(world: World) -> None:
    studio = Studio(world)
    operator, anna = signed_in(world), signed_in(world, "anna")

    async def story(changes: Changes) -> tuple[str | None, bool]:
        seen = {each.id: changes.look(each) for each in (operator, anna)}
        async with changes.follow(operator) as mine, changes.follow(anna) as hers:
            assert mine is not None
            assert hers is not None
            other = asyncio.create_task(hers.change(seen[anna.id]))
            world.operator  # noqa: B018 - it is the one whose session comes
            await asyncio.to_thread(
                world.operator.call,
                "CreateStreamingSession",
                studioId=studio.id,
                launchProfileId=studio.profile_id,
            )
            told = await mine.change(seen[operator.id])
            was_told = other.done()
            other.cancel()
            return told, was_told

    told, other = run(world, story)
    assert told is not None
    assert not other


def test_the_end_of_a_login_is_told(world: World) -> None:
    anna = signed_in(world, "anna")

    async def story(changes: Changes) -> str | None:
        seen = changes.look(anna)
        async with changes.follow(anna) as page:
            assert page is not None
            with world.service.database.transaction() as transaction:
                person = members.find_person(transaction, "anna")
                now = world.clock() + timedelta(seconds=1)
                members.set_person_active(transaction, person, now, is_active=False, actor="t")
            return await page.change(seen)

    assert run(world, story) is None


def test_many_pages_cost_as_much_as_one(world: World) -> None:
    people = [signed_in(world, f"person{number}") for number in range(20)]
    statements: list[str] = []

    async def story(changes: Changes) -> int:
        async with AsyncExitStack() as pages:
            for login in people:
                for _ in range(8):
                    assert await pages.enter_async_context(changes.follow(login)) is not None
            assert await pages.enter_async_context(changes.follow(people[0])) is None

            def note(*given: Any) -> None:
                statements.append(given[2])

            engine = world.service.database.engine
            sqlalchemy.event.listen(engine, "before_cursor_execute", note)
            await changes.look_now()
            sqlalchemy.event.remove(engine, "before_cursor_execute", note)
        return len([each for each in statements if " sessions" in each or " backups" in each])

    assert run(world, story) <= 2 * 3


def test_pages_are_let_go_at_the_end(world: World) -> None:
    anna = signed_in(world, "anna")

    async def story(changes: Changes) -> None:
        async with changes.follow(anna) as page:
            assert page is not None
            waiting = asyncio.create_task(page.change(changes.look(anna)))
            await asyncio.sleep(0)
            changes.let_go()
            with pytest.raises(GoneError):
                await waiting

    run(world, story)


def test_nobody_there_nothing_asked(world: World) -> None:
    async def story(changes: Changes) -> None:
        await changes.look_now()
        assert changes._pages == set()

    run(world, story)


def test_pages_for_administrators_see_what_others_do(world: World) -> None:
    studio = Studio(world)
    operator = signed_in(world)
    anna, own = world.client("anna"), world.principal_id("anna")
    who = {"principalId": own, "persona": "USER"}
    where = {"studioId": studio.id, "launchProfileId": studio.profile_id}
    world.operator.call(
        "PutLaunchProfileMembers", **where, identityStoreId="d-soundstage", members=[who]
    )

    async def story(changes: Changes) -> bool:
        seen = changes.look(operator, of_all=True)
        async with (
            changes.follow(operator, of_all=True) as everything,
            changes.follow(operator) as mine,
        ):
            assert everything is not None
            assert mine is not None
            other = asyncio.create_task(mine.change(changes.look(operator)))
            await asyncio.to_thread(anna.call, "CreateStreamingSession", **where)
            await asyncio.to_thread(world.settle)
            assert await everything.change(seen) != seen
            was_told = other.done()
            other.cancel()
            return was_told

    assert not run(world, story)
