"""Signing in by a certified OpenID Connect provider in a real browser, with and without script."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from soundstage.cli.launch import client_of
from soundstage.client.calls import Client
from soundstage.kit.clock import system_clock
from soundstage.kit.config import Settings
from soundstage.resources.identities import service as identities
from soundstage.resources.members import service as members
from soundstage.testing.browser import barriers, chromium_browser
from soundstage.testing.clients import ensure_axe
from soundstage.testing.openid import CLIENT_SECRET, OpenIDProvider, led_to
from soundstage.testing.process import ServiceProcess
from soundstage.testing.visitor import Form
from soundstage.testing.whole import until
from soundstage.wiring.home import opened

REPOSITORY = Path(__file__).parents[2]
ROLE = "arn:aws:iam::000000000000:role/soundstage"


class Place:
    """A service, and the provider that its people sign in by."""

    def __init__(self, service: ServiceProcess, provider: OpenIDProvider) -> None:
        self.service = service
        self.provider = provider
        self._settings = Settings(home=service.home, port=service.port, engine="simulated")
        operator = client_of(self._settings, members.OPERATOR)
        made = operator.call(
            "CreateStudio",
            studioName="films",
            displayName="Aurora Pictures",
            adminRoleArn=ROLE,
            userRoleArn=ROLE,
        )["studio"]
        self.studio_id = made["studioId"]
        until("the studio is ready", lambda: self._state(operator) == "READY")
        operator.close()

    def links(self, name: str, subject: str) -> None:
        """Make somebody known whom the provider knows."""
        with opened(self._settings) as (database, _), database.transaction() as transaction:
            now = system_clock()
            person = members.ensure_person(transaction, name, now)
            identities.link(transaction, person, self.provider.issuer, subject, now, actor="test")

    def administers(self, name: str) -> list[str]:
        """Name the studios that somebody administers."""
        with opened(self._settings) as (database, _), database.transaction() as transaction:
            person = members.find_person(transaction, name)
            return members.administered_by(transaction, person.id)

    def _state(self, operator: Client) -> str:
        return str(operator.call("GetStudio", studioId=self.studio_id)["studio"]["state"])


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with (
        tempfile.TemporaryDirectory(prefix="soundstage-test-", dir="/tmp") as folder,
        tempfile.TemporaryDirectory(prefix="soundstage-provider-") as other,
    ):
        home = Path(folder)
        home.chmod(0o711)
        secret = Path(other) / "client-secret"
        secret.write_text(CLIENT_SECRET)
        secret.chmod(0o600)
        provider = OpenIDProvider(REPOSITORY, Path(other))
        service = ServiceProcess(
            home,
            engine="simulated",
            throttle_sign_ins_per_minute="0",
            oidc_client_secret_file=str(secret),
            oidc_administrators='{"leads": ["films"]}',
            **provider.settings(),
        )
        provider.expects(service.address)
        provider.start()
        try:
            with service:
                yield Place(service, provider)
        finally:
            provider.stop()


@pytest.fixture(scope="module")
def browser(chromium: Path | None) -> Iterator[Browser]:
    expect.set_options(timeout=20_000)
    with chromium_browser(chromium) as opened:
        yield opened


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context()
    yield made
    made.close()


def begin(place: Place, page: Page) -> None:
    """Go from the front page to the provider."""
    page.goto(place.service.address)
    page.get_by_role("link", name="Sign in with Studio ID").click()
    page.get_by_role("button", name="Sign in with Studio ID").click()


def sign_in(place: Place, page: Page, subject: str) -> None:
    """Sign in at the provider, where nobody is known yet in this browser."""
    begin(place, page)
    page.wait_for_url(f"{place.provider.issuer}/**")
    page.get_by_placeholder("Enter any login").fill(subject)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.wait_for_url(f"{place.service.address}/**")


def test_from_a_first_visit_to_the_way_out(place: Place, context: BrowserContext) -> None:
    axe = ensure_axe(REPOSITORY).read_text(encoding="utf-8")
    place.provider.knows("s-1", groups=["leads"])
    page = context.new_page()
    page.goto(f"{place.service.address}/sign-in")
    found = barriers(page, axe)

    # Somebody new is told what to have done, and it is done.
    sign_in(place, page, "s-1")
    expect(page.get_by_role("heading", name="You are not known here yet")).to_be_visible()
    line = page.locator("code").inner_text()
    found += barriers(page, axe)
    place.service.command("user", "create", "anna")
    words = line.replace("NAME", "anna").split()[1:]
    place.service.command(*words)

    # The provider knows the browser by now and asks nothing.
    page.get_by_role("link", name="Try again").click()
    page.get_by_role("button", name="Sign in with Studio ID").click()
    page.wait_for_url(f"{place.service.address}/")
    expect(page.get_by_role("heading", name="Workstations", exact=True)).to_be_visible()
    assert place.administers("anna") == [place.studio_id]

    # All other browsers are signed out at once.
    other = context.browser.new_context() if context.browser else None
    assert other is not None
    elsewhere = other.new_page()
    sign_in(place, elsewhere, "s-1")
    page.get_by_role("link", name="Sign-ins").click()
    found += barriers(page, axe)
    page.get_by_role("button", name="Sign out everywhere else").click()
    elsewhere.goto(f"{place.service.address}/logins")
    expect(elsewhere.get_by_role("button", name="Sign in with Studio ID")).to_be_visible()
    other.close()

    # Out, here and there; the next one to sit down is asked who they are.
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="You are signed out here")).to_be_visible()
    found += barriers(page, axe)
    page.get_by_role("link", name="Sign out of Studio ID too").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(f"{place.service.address}/")
    place.provider.knows("s-1", groups=[])
    sign_in(place, page, "s-1")
    expect(page.get_by_text("anna")).to_be_visible()
    assert place.administers("anna") == []
    assert found == []


def test_it_works_without_script(place: Place, browser: Browser) -> None:
    place.links("ben", "s-2")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(place, page, "s-2")
    page.wait_for_url(f"{place.service.address}/")
    expect(page.get_by_text("ben")).to_be_visible()
    context.close()


def test_whoever_calls_it_off_is_told(place: Place, context: BrowserContext) -> None:
    page = context.new_page()
    begin(place, page)
    page.get_by_role("link", name=re.compile("cancel", re.IGNORECASE)).click()
    expect(page.get_by_role("heading", name="Studio ID did not let you in")).to_be_visible()
    expect(page.get_by_text("access_denied")).to_be_visible()


def test_a_form_of_another_site_signs_nobody_out(place: Place, context: BrowserContext) -> None:
    place.links("carla", "s-3")
    page = context.new_page()
    sign_in(place, page, "s-3")
    evil = context.new_page()
    evil.goto(f"{place.provider.issuer}/jwks")
    evil.set_content(
        f'<form method="post" action="{place.service.address}/sign-out"><button>Go</button></form>'
    )
    evil.get_by_role("button", name="Go").click()
    expect(evil.get_by_role("heading", name="That did not come from here")).to_be_visible()
    page.goto(f"{place.service.address}/logins")
    expect(page.get_by_text("This browser")).to_be_visible()


def test_an_answer_of_another_browser_signs_nobody_in(
    place: Place, context: BrowserContext
) -> None:
    """An attacker stops before the last step, and has a victim open the address."""
    place.links("dora", "s-4")
    origin = {"Origin": place.service.address}
    with httpx.Client(base_url=place.service.address, trust_env=False) as attacker:
        forms = dict(Form(attacker.get("/sign-in").text).found)
        fields = forms["/sign-in/openid"]
        led = led_to(attacker.post("/sign-in/openid", data=fields, headers=origin))
        answer = place.provider.sign_in(led, "s-4")
        page = context.new_page()
        page.goto(f"{place.service.address}/sign-in/openid?{urlencode(answer)}")
        expect(page.get_by_role("heading", name="This sign-in is over")).to_be_visible()
        page.goto(f"{place.service.address}/logins")
        expect(page.get_by_role("button", name="Sign in with Studio ID")).to_be_visible()
        # It was a good one, in the browser that it belongs to.
        assert attacker.get("/sign-in/openid", params=answer).status_code == httpx.codes.SEE_OTHER


def test_no_secret_reaches_the_log(place: Place, context: BrowserContext) -> None:
    place.links("erik", "s-5")
    page = context.new_page()
    answers: list[str] = []
    page.on("request", lambda asked: answers.append(asked.url))
    sign_in(place, page, "s-5")
    codes = [re.search(r"[?&]code=([^&]+)", each) for each in answers]
    (code,) = {each[1] for each in codes if each}
    log = place.service.log.read_text()
    assert code not in log
    assert CLIENT_SECRET not in log
