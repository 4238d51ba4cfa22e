"""The tables of logins and links."""

from datetime import timedelta

from soundstage.resources.logins import store
from soundstage.resources.logins.model import USUAL, Login, SignInLink
from soundstage.resources.members import service as members
from soundstage.testing.world import World


def test_a_link_is_taken_once_and_a_login_ends_once(world: World) -> None:
    now = world.clock()
    with world.service.database.transaction() as transaction:
        anna = members.ensure_person(transaction, "anna", now)
        link = SignInLink(id="l", principal_id=anna.id, created_at=now, expires_at=now)
        login = Login(
            id="a",
            token_hash="hash",
            principal_id=anna.id,
            browser="b",
            address="c",
            created_at=now,
            used_at=now,
            expires_at=now + timedelta(days=30),
        )
        store.links.insert(transaction, link)
        store.logins.insert(transaction, login)
        assert store.links_of(transaction, anna.id) == [link]
        assert [store.take_link(transaction, "l") for _ in range(2)] == [True, False]
        assert store.login_of_token(transaction, "hash") == login
        assert store.login_of_token(transaction, "a") is None
        assert store.logins_named(transaction, ["a", "b"]) == store.logins_of(transaction, anna.id)
        assert [store.end(transaction, "a") for _ in range(2)] == [True, False]


def test_what_is_over_is_purged(world: World) -> None:
    now = world.clock()
    with world.service.database.transaction() as transaction:
        anna = members.ensure_person(transaction, "anna", now)
        for name, used, ends in (("old", USUAL.idle, 1), ("over", timedelta(0), 0)):
            login = Login(
                id=name,
                token_hash=name,
                principal_id=anna.id,
                browser="",
                address="",
                created_at=now,
                used_at=now - used,
                expires_at=now + timedelta(days=ends),
            )
            store.logins.insert(transaction, login)
        link = SignInLink(id="l", principal_id=anna.id, created_at=now, expires_at=now)
        store.links.insert(transaction, link)
        store.purge(transaction, now, USUAL)
        assert store.logins_of(transaction, anna.id) == []
        assert store.links_of(transaction, anna.id) == []
