"""Signing in by a real OpenID Connect provider, through the pages, and everything that must not
work.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from structlog.testing import capture_logs

from soundstage.resources.identities import service as identities
from soundstage.resources.members import service as members
from soundstage.testing.openid import CLIENT_SECRET, OpenIDProvider, led_to, world_with
from soundstage.testing.visitor import Visitor
from soundstage.testing.world import World

COOKIE = "soundstage_login"
ATTEMPT = "soundstage_sign_on"
SUBJECT = "s-100"


@pytest.fixture(name="world")
def a_world_with_a_provider(tmp_path: Path, openid_provider: OpenIDProvider) -> Iterator[World]:
    with world_with(openid_provider, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, openid_provider: OpenIDProvider
) -> Iterator[World]:
    """Give a world in which anna is linked, and whose time and people tests leave alone."""
    with world_with(openid_provider, tmp_path_factory.mktemp("shared")) as made:
        link(made, openid_provider, "anna")
        yield made


@pytest.fixture
def visitor(shared: World) -> Visitor:
    """Give a browser that nobody is signed in on, where anna is known."""
    return Visitor(shared)


def link(world: World, provider: OpenIDProvider, name: str, subject: str = SUBJECT) -> None:
    with world.service.database.transaction() as transaction:
        now = world.clock()
        person = members.ensure_person(transaction, name, now)
        identities.link(transaction, person, provider.issuer, subject, now, actor="t")


def left(visitor: Visitor, on: str = "/") -> str:
    """Press the button, and give where the browser is led."""
    page = visitor.get(f"/sign-in?next={on}")
    return led_to(visitor.submit(page, "/sign-in/openid"))


def back(visitor: Visitor, answer: dict[str, str]) -> httpx.Response:
    return visitor.get(f"/sign-in/openid?{urlencode(answer)}")


def signed_in(visitor: Visitor, provider: OpenIDProvider, subject: str = SUBJECT) -> httpx.Response:
    return back(visitor, provider.sign_in(left(visitor), subject))


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/logins").status_code == 200


# ---- the way in ----------------------------------------------------------------------------------


def test_somebody_who_is_linked_comes_in(visitor: Visitor, openid_provider: OpenIDProvider) -> None:
    page = visitor.get("/sign-in")
    assert "Sign in with Studio ID" in page.text
    answer = signed_in(visitor, openid_provider)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert is_in(visitor)
    assert "anna" in visitor.get("/logins").text
    assert ATTEMPT not in visitor.http.cookies


def test_the_front_page_leads_there(visitor: Visitor) -> None:
    assert "Sign in with Studio ID" in visitor.get("/").text


def test_who_asks_for_a_page_is_led_there_after_the_sign_in(
    visitor: Visitor, openid_provider: OpenIDProvider
) -> None:
    answer = back(visitor, openid_provider.sign_in(left(visitor, "/logins"), SUBJECT))
    assert answer.headers["Location"] == "/logins"


@pytest.mark.parametrize(
    "target", ["//evil.example", "/%5Cevil.example", "https://evil.example", "/%09/evil.example"]
)
def test_nobody_is_led_elsewhere(
    visitor: Visitor, openid_provider: OpenIDProvider, target: str
) -> None:
    answer = back(visitor, openid_provider.sign_in(left(visitor, target), SUBJECT))
    assert answer.headers["Location"] == "/"


def test_the_link_goes_on_working(visitor: Visitor) -> None:
    assert is_in(visitor.sign_in("ben"))


def test_somebody_new_is_told_what_to_have_done(
    visitor: Visitor, openid_provider: OpenIDProvider
) -> None:
    openid_provider.knows("s 7;x", preferred_username="anna", email="anna@example.org")
    answer = signed_in(visitor, openid_provider, "s 7;x")
    assert answer.status_code == 403
    assert "You are not known here yet" in answer.text
    assert "soundstage user identity link NAME &#39;s 7;x&#39;" in answer.text
    assert not is_in(visitor)


def test_somebody_new_is_made_known_where_that_is_set(
    tmp_path: Path, openid_provider: OpenIDProvider
) -> None:
    openid_provider.knows(
        "s-8",
        preferred_username="carla",
        name="Carla Example",
        email="c@example.org",
        email_verified=True,
    )
    with world_with(openid_provider, tmp_path, oidc_new_people=True) as made:
        visitor = Visitor(made)
        assert signed_in(visitor, openid_provider, "s-8").status_code == 303
        assert "Carla Example" in visitor.get("/logins").text
        assert signed_in(Visitor(made), openid_provider, "s-8").status_code == 303
        with made.service.database.transaction(write=False) as transaction:
            carla = members.find_person(transaction, "carla")
            assert (carla.email, carla.is_operator) == ("c@example.org", False)
            assert [each.subject for each in identities.of_person(transaction, carla)] == ["s-8"]


@pytest.mark.parametrize("name", ["ben", "operator", "-x"])
def test_a_name_at_the_provider_leads_to_nobody_here(
    tmp_path: Path, openid_provider: OpenIDProvider, name: str
) -> None:
    """Whoever can choose their name or address there must not become somebody by it."""
    openid_provider.knows(
        "s-9", preferred_username=name, email="ben@example.org", email_verified=True
    )
    with world_with(openid_provider, tmp_path, oidc_new_people=True) as made:
        made.principal_id("ben")
        visitor = Visitor(made)
        answer = signed_in(visitor, openid_provider, "s-9")
        assert answer.status_code == 403
        assert "Your name is taken here" in answer.text
        assert not is_in(visitor)


def test_the_disabled_do_not_come_in(world: World, openid_provider: OpenIDProvider) -> None:
    link(world, openid_provider, "anna")
    with world.service.database.transaction() as transaction:
        anna = members.find_person(transaction, "anna")
        members.set_person_active(transaction, anna, world.clock(), is_active=False, actor="t")
    answer = signed_in(Visitor(world), openid_provider)
    assert answer.status_code == 403
    assert "You may not come in" in answer.text
    assert "identity link" not in answer.text


def test_groups_give_rights_and_take_them_away(
    tmp_path: Path, openid_provider: OpenIDProvider
) -> None:
    openid_provider.knows("s-10", groups=["leads"])
    groups = {"leads": ["films"], "bosses": ["*"]}
    with world_with(openid_provider, tmp_path, oidc_administrators=groups) as made:
        films, ads = made.studio("films")["studioId"], made.studio("ads")["studioId"]
        link(made, openid_provider, "dora", "s-10")

        def administers() -> set[str]:
            assert signed_in(Visitor(made), openid_provider, "s-10").status_code == 303
            with made.service.database.transaction(write=False) as transaction:
                dora = members.find_person(transaction, "dora")
                return set(members.administered_by(transaction, dora.id))

        assert administers() == {films}
        openid_provider.knows("s-10", groups=["bosses", "others"])
        assert administers() == {films, ads}
        openid_provider.knows("s-10")
        assert administers() == set()


# ---- forged and replayed -------------------------------------------------------------------------


def test_a_replayed_answer_signs_nobody_in(
    visitor: Visitor, openid_provider: OpenIDProvider
) -> None:
    address = left(visitor)
    kept = visitor.http.cookies[ATTEMPT]
    answer = openid_provider.sign_in(address, SUBJECT)
    assert back(visitor, answer).status_code == 303
    thief = Visitor(visitor.world)
    assert back(thief, answer).status_code == 403
    thief.http.cookies.set(ATTEMPT, kept, domain="localhost.local")
    replayed = back(thief, answer)
    assert replayed.status_code == 403
    assert "Studio ID did not let you in" in replayed.text
    assert not is_in(thief)


def test_nobody_is_signed_in_by_another_s_answer(
    visitor: Visitor, openid_provider: OpenIDProvider
) -> None:
    """Login cross-site forgery: the attacker stops before the last step and has a victim take it,
    who may have begun a sign-in of their own.
    """
    attacker = Visitor(visitor.world)
    answer = openid_provider.sign_in(left(attacker), SUBJECT)
    for has_begun in (False, True):
        if has_begun:
            left(visitor)
        stopped = back(visitor, answer)
        assert stopped.status_code == 403
        assert not is_in(visitor)
    assert "so nobody was signed in" in stopped.text


@pytest.mark.parametrize("change", [{"state": "x"}, {"state": ""}, {"iss": "https://e.example"}])
def test_a_changed_answer_signs_nobody_in(
    visitor: Visitor, openid_provider: OpenIDProvider, change: dict[str, str]
) -> None:
    answer = openid_provider.sign_in(left(visitor), SUBJECT)
    changed = back(visitor, answer | change)
    assert changed.status_code == 403
    assert not is_in(visitor)
    # It is over, whatever comes after.
    assert back(visitor, answer).status_code == 403


@pytest.mark.parametrize("value", ["x", "", "gAAAAA" + "a" * 3000, "a" * 5000])
def test_a_made_up_cookie_is_none(
    visitor: Visitor, openid_provider: OpenIDProvider, value: str
) -> None:
    answer = openid_provider.sign_in(left(visitor), SUBJECT)
    visitor.http.cookies.delete(ATTEMPT)
    visitor.http.cookies.set(ATTEMPT, value, domain="localhost.local")
    late = back(visitor, answer)
    assert late.status_code == 403
    assert "This sign-in is over" in late.text


def test_an_attempt_lasts_ten_minutes(world: World, openid_provider: OpenIDProvider) -> None:
    link(world, openid_provider, "anna")
    visitor = Visitor(world)
    answer = openid_provider.sign_in(left(visitor), SUBJECT)
    kept = visitor.http.cookies[ATTEMPT]
    world.clock.set(world.clock() + timedelta(minutes=10))
    visitor.http.cookies.set(ATTEMPT, kept, domain="localhost.local")
    assert "This sign-in is over" in back(visitor, answer).text


def test_long_answers_are_not_looked_at(visitor: Visitor) -> None:
    left(visitor)
    assert back(visitor, {"state": "x" * 5000}).status_code == 403


def test_a_planted_login_is_not_taken_over(
    visitor: Visitor, openid_provider: OpenIDProvider
) -> None:
    attacker = Visitor(visitor.world).sign_in("mallory")
    planted = attacker.http.cookies[COOKIE]
    visitor.http.cookies.set(COOKIE, planted, domain="localhost.local")
    page = visitor.get("/sign-in?link=x")
    answer = openid_provider.sign_in(led_to(visitor.submit(page, "/sign-in/openid")), SUBJECT)
    came = back(visitor, answer)
    assert planted not in str(came.headers)
    assert not is_in(attacker)


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
def test_no_other_site_begins_a_sign_in(visitor: Visitor, origin: str | None) -> None:
    page = visitor.get("/sign-in")
    token = page.text.partition('name="token" value="')[2].partition('"')[0]
    given = {"token": token, "next": "/"}
    assert visitor.post("/sign-in/openid", given, origin=origin).status_code == 403
    assert visitor.post("/sign-in/openid", given | {"token": "0"}).status_code == 403
    assert visitor.http.post("/sign-in/openid", json={}).status_code == 403
    assert visitor.post("/sign-in/openid", {"x": "y" * 20_000}).status_code == 400
    assert ATTEMPT not in visitor.http.cookies
    assert visitor.post("/sign-in/openid", given).status_code == 200


def test_a_cookie_of_the_attempt_is_for_this_site_alone(visitor: Visitor) -> None:
    page = visitor.get("/sign-in")
    answer = visitor.submit(page, "/sign-in/openid")
    (cookie,) = (line for line in answer.headers.get_list("set-cookie") if line.startswith(ATTEMPT))
    assert "; HttpOnly" in cookie
    assert "; SameSite=Lax" in cookie
    assert "; Max-Age=600" in cookie


def test_no_secret_is_told_or_kept(
    world: World, openid_provider: OpenIDProvider, capfd: pytest.CaptureFixture[str]
) -> None:
    link(world, openid_provider, "anna")
    visitor = Visitor(world)
    with capture_logs() as logs:
        answer = openid_provider.sign_in(left(visitor), SUBJECT)
        came = back(visitor, answer)
        again = back(visitor, answer)
        thief = Visitor(world)
        left(thief)
        late = back(thief, answer)
    told = f"{logs}{came.headers}{again.text}{late.text}{capfd.readouterr()}"
    for secret in (answer["code"], CLIENT_SECRET):
        assert secret not in told
        for file in world.settings.home.rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes()


# ---- when it does not work -----------------------------------------------------------------------


def test_a_provider_that_is_away_is_said_to_be(
    tmp_path: Path, openid_provider: OpenIDProvider
) -> None:
    with world_with(openid_provider, tmp_path, oidc_issuer="http://localhost:9") as made:
        visitor = Visitor(made)
        answer = visitor.submit(visitor.get("/sign-in"), "/sign-in/openid")
        assert answer.status_code == 502
        assert "Studio ID does not answer" in answer.text
        assert is_in(visitor.sign_in("anna"))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("access_denied", "The sign-in was called off there"),
        ("server_error", "It gave this reason: server_error."),
    ],
)
def test_a_refusal_of_the_provider_is_told(visitor: Visitor, code: str, told: str) -> None:
    address = httpx.URL(left(visitor))
    issuer = f"{address.scheme}://{address.netloc.decode()}"
    answer = {"state": address.params["state"], "iss": issuer, "error": code}
    refused = back(visitor, answer | {"error_description": "Call this number."})
    assert refused.status_code == 403
    assert told in refused.text
    assert "Call this number" not in refused.text


def test_it_is_not_tried_without_end(tmp_path: Path, openid_provider: OpenIDProvider) -> None:
    with world_with(openid_provider, tmp_path, throttle_sign_ins_per_minute=5) as made:
        visitor = Visitor(made)
        statuses = [visitor.get("/sign-in/openid?code=x").status_code for _ in range(7)]
        assert statuses == [403] * 5 + [429] * 2
        assert visitor.post("/sign-in/openid", {}).status_code == 429


def test_links_can_be_switched_off(tmp_path: Path, openid_provider: OpenIDProvider) -> None:
    with world_with(openid_provider, tmp_path, sign_in_links=False) as made:
        link(made, openid_provider, "anna")
        visitor = Visitor(made)
        assert "user link" not in visitor.get("/").text + visitor.get("/sign-in").text
        page = visitor.get(f"/sign-in?link={visitor.link('anna')}")
        assert page.status_code == 410
        assert "Links are switched off here" in page.text
        token = page.text.partition('name="token" value="')[2].partition('"')[0]
        given = {"link": visitor.link("anna"), "token": token}
        assert visitor.post("/sign-in", given).status_code == 410
        assert signed_in(visitor, openid_provider).status_code == 303


# ---- the way out ---------------------------------------------------------------------------------


def test_who_signs_out_may_sign_out_of_the_provider_too(
    visitor: Visitor, openid_provider: OpenIDProvider
) -> None:
    signed_in(visitor, openid_provider)
    page = visitor.submit(visitor.get("/logins"), "/sign-out")
    assert page.status_code == 200
    assert f'href="{openid_provider.issuer}/session/end?client_id=soundstage' in page.text
    assert not is_in(visitor)
    visitor.sign_in("ben")
    assert visitor.submit(visitor.get("/logins"), "/sign-out").headers["Location"] == "/"


@pytest.mark.parametrize("origin", [None, "https://evil.example"])
def test_no_other_site_signs_anybody_out(
    visitor: Visitor, openid_provider: OpenIDProvider, origin: str | None
) -> None:
    signed_in(visitor, openid_provider)
    token = visitor.get("/logins").text.partition('name="token" value="')[2].partition('"')[0]
    assert visitor.post("/sign-out", {"token": token}, origin=origin).status_code == 403
    assert visitor.post("/sign-out", {"token": ""}).status_code == 403
    assert is_in(visitor)
