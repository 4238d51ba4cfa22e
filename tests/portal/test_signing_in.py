"""Signing in by a link, and everything that must not work."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.testing.visitor import Visitor
from soundstage.testing.world import ENDPOINT, World
from soundstage.testing.world import world as a_world

SignedIn = Callable[[str], Visitor]
COOKIE = "soundstage_login"


def is_in(visitor: Visitor) -> bool:
    answer = visitor.get("/logins")
    return answer.status_code == 200


def offered(visitor: Visitor, name: str = "anna", more: str = "") -> httpx.Response:
    return visitor.get(f"/sign-in?link={visitor.link(name)}{more}")


# ---- the way in ----------------------------------------------------------------------------------


def test_a_link_and_a_button_sign_somebody_in(visitor: Visitor) -> None:
    page = offered(visitor)
    assert page.status_code == 200
    assert "Sign in as anna" in page.text
    assert not is_in(visitor)
    answer = visitor.submit(page, "/sign-in")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert is_in(visitor)


def test_looking_at_a_link_does_not_use_it_up(visitor: Visitor) -> None:
    link = visitor.link("anna")
    for _ in range(3):
        page = visitor.get(f"/sign-in?link={link}")
    visitor.http.head(f"/sign-in?link={link}")
    assert visitor.submit(page, "/sign-in").status_code == 303


def test_a_link_is_good_once(visitor: Visitor) -> None:
    other = Visitor(visitor.world)
    link = visitor.link("anna")
    pages = [each.get(f"/sign-in?link={link}") for each in (visitor, other)]
    assert visitor.submit(pages[0], "/sign-in").status_code == 303
    late = other.submit(pages[1], "/sign-in")
    assert late.status_code == 410
    assert "no longer valid" in late.text
    assert not is_in(other)
    assert other.get(f"/sign-in?link={link}").status_code == 410


def test_a_link_lasts_ten_minutes(world: World) -> None:
    visitor = Visitor(world)
    page = offered(visitor)
    world.clock.set(world.clock() + timedelta(minutes=10))
    assert visitor.submit(page, "/sign-in").status_code == 410
    assert not is_in(visitor)


@pytest.mark.parametrize("link", ["x", "%00", "a" * 5000, "%F0%9F%8E%AC", "'; drop table logins"])
def test_a_made_up_link_is_none(visitor: Visitor, link: str) -> None:
    assert visitor.get(f"/sign-in?link={link}").status_code == 410


def test_the_link_is_kept_as_a_hash_only(world: World) -> None:
    visitor = Visitor(world)
    link = visitor.link("anna")
    secret = visitor.sign_in("anna").http.cookies[COOKIE]
    for file in world.settings.home.rglob("*"):
        if file.is_file():
            kept = file.read_bytes()
            assert link.encode() not in kept
            assert secret.encode() not in kept


def test_whoever_is_signed_in_is_somebody_else_afterwards(world: World) -> None:
    visitor = Visitor(world)
    visitor.sign_in("anna")
    page = offered(visitor, "ben")
    assert "You are signed in as anna here; that ends." in page.text
    visitor.submit(page, "/sign-in")
    shown = visitor.get("/logins").text
    assert "ben" in shown
    with visitor.world.service.database.transaction() as transaction:
        anna = members.find_person(transaction, "anna")
        assert logins.of_person(transaction, anna, visitor.world.clock()) == []


def test_who_asks_for_a_page_is_led_there_after_the_sign_in(visitor: Visitor) -> None:
    asked = visitor.get("/logins")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/sign-in?next=%2Flogins")
    assert "You need a link" in visitor.follow(asked).text
    page = offered(visitor, more="&next=%2Flogins")
    assert visitor.submit(page, "/sign-in").headers["Location"] == "/logins"
    assert visitor.get("/sign-in?next=/logins").headers["Location"] == "/logins"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "/%09/evil.example",
        "%09//evil.example",
        "/%0d%0aSet-Cookie:%20a=b",
        "javascript:alert(1)",
        "logins",
        "/" + "a" * 2000,
    ],
)
def test_nobody_is_led_elsewhere(visitor: Visitor, target: str) -> None:
    page = offered(visitor, more=f"&next={target}")
    answer = visitor.submit(page, "/sign-in")
    assert answer.headers["Location"] == "/"
    forged = offered(visitor)
    answer = visitor.submit(forged, "/sign-in", next=httpx.URL(f"?n={target}").params["n"])
    assert answer.headers["Location"] == "/"


# ---- the cookie ----------------------------------------------------------------------------------


def cookies_of(answer: httpx.Response) -> dict[str, str]:
    lines = answer.headers.get_list("set-cookie")
    return {line.partition("=")[0]: line for line in lines}


def test_the_cookie_is_for_this_site_alone(visitor: Visitor) -> None:
    answer = visitor.submit(offered(visitor), "/sign-in")
    cookie = cookies_of(answer)[COOKIE]
    assert "; HttpOnly" in cookie
    assert "; SameSite=Lax" in cookie
    assert "; Path=/;" in cookie
    assert "Domain" not in cookie
    assert f"Max-Age={30 * 24 * 3600}" in cookie
    assert "Secure" not in cookie


def test_the_cookie_of_a_secure_address_is_bound_to_its_host(tmp_path: Path) -> None:
    address = "https://studio.example.org"
    with a_world(tmp_path / "home", public_url=address) as made:
        visitor = Visitor(made)
        visitor.http.base_url = httpx.URL(address)
        page = offered(visitor)
        fields = {"link": "", "next": "/", "token": ""}
        for name in fields:
            found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
            assert found is not None
            fields[name] = found[1]
        answer = visitor.post("/sign-in", fields, origin=address)
        cookie = cookies_of(answer)[f"__Host-{COOKIE}"]
        assert "; Secure" in cookie
        assert "; Path=/;" in cookie
        assert is_in(visitor)


def test_a_planted_cookie_is_not_taken_over(shared: World) -> None:
    """Fixation: what an attacker put there before is worth nothing after the sign-in."""
    attacker = Visitor(shared).sign_in("mallory")
    planted = attacker.http.cookies[COOKIE]
    victim = Visitor(shared)
    victim.http.cookies.set(COOKIE, planted, domain="localhost.local")
    page = offered(victim)
    answer = victim.submit(page, "/sign-in")
    fresh = cookies_of(answer)[COOKIE].partition("=")[2].partition(";")[0]
    assert fresh != planted
    attacker.http.cookies.clear()
    attacker.http.cookies.set(COOKIE, planted, domain="localhost.local")
    assert not is_in(attacker)


@pytest.mark.parametrize("value", ["x", "a" * 4000, "' or 1=1", "../../etc/passwd"])
def test_a_made_up_cookie_opens_nothing(visitor: Visitor, value: str) -> None:
    answer = visitor.get("/logins", Cookie=f"{COOKIE}={value}")
    assert answer.status_code == 303


# ---- forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://localhost",
        "http://localhost:8081",
        "https://localhost:8080",
        "http://localhost:8080.evil.example",
        "http://evil.localhost:8080",
    ],
)
def test_a_form_of_another_site_does_nothing(shared: World, origin: str | None) -> None:
    visitor = Visitor(shared)
    page = offered(visitor)
    fields = {
        name: found[1]
        for name in ("token", "link", "next")
        if (found := re.search(rf'name="{name}" value="([^"]*)"', page.text))
    }
    assert visitor.post("/sign-in", fields, origin=origin).status_code == 403
    assert visitor.post("/sign-in", fields).status_code == 303
    found = re.search(r'name="token" value="([^"]*)"', visitor.get("/logins").text)
    assert found is not None
    assert visitor.post("/sign-out", {"token": found[1]}, origin=origin).status_code == 403
    assert is_in(visitor)
    assert visitor.post("/sign-out", {"token": found[1]}).status_code == 303
    assert not is_in(visitor)


def test_a_form_s_token_is_good_in_its_own_browser_only(shared: World) -> None:
    anna, ben = Visitor(shared).sign_in("anna"), Visitor(shared).sign_in("ben")
    found = re.search(r'name="token" value="([^"]*)"', ben.get("/logins").text)
    assert found is not None
    for token in (found[1], "", "0" * 64, "é"):
        assert anna.post("/sign-out", {"token": token}).status_code == 403
    assert anna.post("/sign-out", {"x": "y"}).status_code == 403
    assert is_in(anna)


def test_a_stranger_can_not_be_signed_in_by_another_s_form(shared: World) -> None:
    """Login cross-site forgery: the attacker has a link of their own, and the token of a form."""
    attacker, victim = Visitor(shared), Visitor(shared)
    page = offered(attacker, "mallory")
    assert victim.submit(page, "/sign-in").status_code == 403
    assert not is_in(victim)


def test_only_small_forms_are_read(visitor: Visitor) -> None:
    visitor.sign_in("anna")
    assert visitor.post("/sign-out", {"token": "x" * 70_000}).status_code == 400
    many = {f"f{number}": "1" for number in range(260)}
    assert visitor.post("/sign-out", many).status_code == 400
    assert Visitor(visitor.world).post("/sign-in", {"token": "x" * 20_000}).status_code == 400
    as_json = visitor.http.post("/sign-out", json={"token": "x"}, headers={"Origin": ENDPOINT})
    assert as_json.status_code == 400
    assert is_in(visitor)


@pytest.mark.parametrize("path", ["/sign-out", "/logins/end"])
def test_a_link_changes_nothing(visitor: Visitor, path: str) -> None:
    visitor.sign_in("anna")
    assert visitor.get(path).status_code == 405
    assert is_in(visitor)


# ---- the way out ---------------------------------------------------------------------------------


def test_signing_out_ends_the_login_itself(visitor: Visitor) -> None:
    visitor.sign_in("anna")
    secret = visitor.http.cookies[COOKIE]
    answer = visitor.submit(visitor.get("/logins"), "/sign-out")
    assert "Max-Age=0" in cookies_of(answer)[COOKIE]
    assert visitor.get("/logins", Cookie=f"{COOKIE}={secret}").status_code == 303


def test_people_see_and_end_their_own_logins(world: World) -> None:
    laptop, tablet = Visitor(world).sign_in("anna"), Visitor(world, agent="curl/8").sign_in("anna")
    Visitor(world).sign_in("ben")
    page = laptop.get("/logins")
    assert "Firefox on Linux" in page.text
    assert "This browser" in page.text
    assert page.text.count("Last used") == 2
    assert "ben" not in page.text
    assert laptop.submit(page, "/logins/end").status_code == 303
    assert is_in(laptop)
    assert not is_in(tablet)
    assert laptop.submit(page, "/logins/end").status_code == 404


def test_nobody_ends_another_s_login(shared: World) -> None:
    anna, ben = Visitor(shared).sign_in("anna"), Visitor(shared).sign_in("ben")
    with shared.service.database.transaction() as transaction:
        person = members.find_person(transaction, "ben")
        login = logins.of_person(transaction, person, shared.clock())[0]
    found = re.search(r'name="token" value="([^"]*)"', anna.get("/logins").text)
    assert found is not None
    answer = anna.post("/logins/end", {"token": found[1], "login": login.id})
    assert answer.status_code == 404
    assert is_in(ben)


def test_the_operator_sees_and_ends_anybody_s(world: World) -> None:
    anna = Visitor(world).sign_in("anna")
    operator = Visitor(world).sign_in("operator")
    page = operator.get("/logins")
    assert "anna" in page.text
    assert operator.submit(page, "/logins/end").status_code == 303
    assert not is_in(anna)
    assert is_in(operator)


def test_people_end_all_their_other_logins_at_once(world: World) -> None:
    here, *others = (Visitor(world).sign_in("anna") for _ in range(3))
    ben = Visitor(world).sign_in("ben")
    page = here.get("/logins")
    assert "Sign out everywhere else" in page.text
    assert here.submit(page, "/logins/end-others").status_code == 303
    assert is_in(here)
    assert is_in(ben)
    assert not any(is_in(each) for each in others)
    assert "Sign out everywhere else" not in here.get("/logins").text


def test_nobody_ends_all_logins_of_another(shared: World) -> None:
    anna, ben = Visitor(shared).sign_in("anna"), Visitor(shared).sign_in("ben")
    page = anna.get("/logins")
    whose = shared.principal_id("ben")
    assert anna.submit(page, "/logins/end-others", of=whose).status_code == 404
    assert anna.submit(page, "/logins/end-others", of="x").status_code == 404
    assert is_in(ben)
    assert "ben" not in anna.get(f"/logins?of={whose}").text


def test_the_operator_sees_one_person_s_and_ends_them_all(world: World) -> None:
    browsers = [Visitor(world).sign_in("anna") for _ in range(2)]
    ben, operator = Visitor(world).sign_in("ben"), Visitor(world).sign_in("operator")
    assert "Sign out everywhere else" not in operator.get("/logins").text
    page = operator.get(f"/logins?of={world.principal_id('anna')}")
    assert page.text.count("Last used") == 2
    assert "Sign anna out everywhere" in page.text
    assert "ben" not in page.text
    assert operator.submit(page, "/logins/end-others").status_code == 303
    assert not any(is_in(each) for each in browsers)
    assert is_in(ben)
    assert is_in(operator)


@pytest.mark.parametrize(
    ("limit", "length"),
    [({"sign_in_idle_hours": 2}, timedelta(hours=2)), ({"sign_in_days": 1}, timedelta(days=1))],
)
def test_what_is_set_ends_a_login(tmp_path: Path, limit: dict[str, Any], length: timedelta) -> None:
    with a_world(tmp_path / "home", throttle_sign_ins_per_minute=0, **limit) as made:
        visitor = Visitor(made)
        page = offered(visitor)
        if "sign_in_idle_hours" in limit:
            assert "until nobody used it for 2 h" in page.text
        visitor.submit(page, "/sign-in")
        made.clock.set(made.clock() + length - timedelta(minutes=2))
        assert is_in(visitor)
        made.clock.set(made.clock() + length)
        assert not is_in(visitor)


def set_active(world: World, name: str, *, is_active: bool) -> None:
    with world.service.database.transaction() as transaction:
        person = members.find_person(transaction, name)
        now = world.clock()
        members.set_person_active(transaction, person, now, is_active=is_active, actor="t")


def test_a_disabled_person_is_out_at_once(world: World, signed_in: SignedIn) -> None:
    anna = signed_in("anna")
    page = anna.get("/logins")
    set_active(world, "anna", is_active=False)
    assert not is_in(anna)
    assert anna.submit(page, "/sign-out").headers["Location"] == "/sign-in"
    set_active(world, "anna", is_active=True)
    assert is_in(anna)


def test_a_link_made_before_opens_nothing_for_the_disabled(world: World) -> None:
    visitor = Visitor(world)
    page = offered(visitor)
    set_active(world, "anna", is_active=False)
    assert visitor.submit(page, "/sign-in").status_code == 410


def test_a_login_ends_by_itself(world: World, signed_in: SignedIn) -> None:
    idle, busy = signed_in("anna"), signed_in("anna")
    for _ in range(5):
        world.clock.set(world.clock() + timedelta(days=6))
        assert is_in(busy) is (_ < 4)
    assert not is_in(idle)


def test_a_login_outlives_a_restart(world: World, signed_in: SignedIn) -> None:
    anna = signed_in("anna")
    world.restart()
    assert is_in(anna)
    page = anna.get("/logins")
    assert anna.submit(page, "/sign-out").status_code == 303


# ---- bounds --------------------------------------------------------------------------------------


def test_the_sign_in_pages_are_not_asked_for_without_end(tmp_path: Path) -> None:
    with a_world(tmp_path / "home", throttle_sign_ins_per_minute=5) as made:
        visitor = Visitor(made)
        statuses = [visitor.get("/sign-in?link=x").status_code for _ in range(7)]
        assert statuses == [410] * 5 + [429] * 2
        late = visitor.post("/sign-in", {"link": "x"})
        assert late.status_code == 429
        assert int(late.headers["Retry-After"]) in range(1, 14)
        made.clock.set(made.clock() + timedelta(seconds=13))
        assert visitor.get("/sign-in?link=x").status_code == 410
        # What is for people who are signed in goes on.
        assert visitor.get("/healthz").status_code == 200


def test_somebody_has_so_many_logins_at_the_most(world: World, signed_in: SignedIn) -> None:
    browsers = []
    for _ in range(22):
        browsers.append(signed_in("anna"))
        world.clock.set(world.clock() + timedelta(seconds=1))
    assert [is_in(each) for each in browsers] == [False] * 2 + [True] * 20
