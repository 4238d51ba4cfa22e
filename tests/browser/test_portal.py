"""The portal in a real browser, before a real service with the simulated engine: live pages, the
keyboard alone, no script at all, small and dark screens, and what bars somebody's way.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Connection

from soundstage.cli.launch import OwnClient, client_of
from soundstage.cli.user import sign_in_address
from soundstage.client.calls import Client
from soundstage.kit.clock import system_clock
from soundstage.kit.config import Settings
from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.resources.members.model import Person
from soundstage.testing.browser import barriers, chromium_browser
from soundstage.testing.clients import ensure_axe
from soundstage.testing.process import ServiceProcess
from soundstage.testing.whole import PERSISTENT, until
from soundstage.wiring.home import opened

REPOSITORY = Path(__file__).parents[2]
ROLE = "arn:aws:iam::000000000000:role/soundstage"
DESKTOP, TABLET, PHONE = (
    {"width": width, "height": height} for width, height in ((1280, 800), (820, 1180), (390, 844))
)


class Studio:
    """A service with a studio and three launch profiles in it."""

    def __init__(self, service: ServiceProcess) -> None:
        self.service = service
        self._settings = Settings(home=service.home, port=service.port, engine="simulated")
        self._clients: list[Client] = []
        self.operator = self.client(members.OPERATOR)
        studio = self.operator.call(
            "CreateStudio",
            studioName="films",
            displayName="Aurora Pictures",
            adminRoleArn=ROLE,
            userRoleArn=ROLE,
        )["studio"]
        self.where = {"studioId": studio["studioId"]}
        self._settled("GetStudio", "studio")
        image = self.operator.call(
            "CreateStreamingImage", **self.where, name="Debian 12 desktop", ec2ImageId="ami-host"
        )["streamingImage"]["streamingImageId"]
        self._settled("GetStreamingImage", "streamingImage", streamingImageId=image)
        basics = self.operator.call(
            "CreateStudioComponent", **self.where, name="Basics", type="CUSTOM"
        )["studioComponent"]["studioComponentId"]
        self._settled("GetStudioComponent", "studioComponent", studioComponentId=basics)
        self.profiles = [
            self._profile(name, image, basics, rules)
            for name, rules in (
                ("Animation", {**PERSISTENT, "idleStopInMinutes": 45}),
                ("Compositing", {**PERSISTENT, "ec2InstanceTypes": ["g4dn.xlarge", "g5.xlarge"]}),
                ("Review room", {"clipboardMode": "DISABLED"}),
            )
        ]

    def client(self, user: str) -> OwnClient:
        """Make a client of somebody, who is made known if need be."""
        client = client_of(self._settings, user)
        self._clients.append(client)
        return client

    def link(self, name: str) -> str:
        """Have a link made that signs somebody in."""
        with self._people(name) as (transaction, person):
            token = logins.make_link(transaction, person, system_clock(), actor="test")
        return sign_in_address(self._settings, token)

    def disable(self, name: str) -> None:
        """Shut somebody out."""
        with self._people(name) as (transaction, person):
            now = system_clock()
            members.set_person_active(transaction, person, now, is_active=False, actor="test")

    @contextmanager
    def _people(self, name: str) -> Iterator[tuple[Connection, Person]]:
        """Work on the database beside the service, as the command line does."""
        with opened(self._settings) as (database, _), database.transaction() as transaction:
            yield transaction, members.find_person(transaction, name)

    def close(self) -> None:
        """Let go of all connections."""
        for client in self._clients:
            client.close()

    def artist(self, name: str) -> Client:
        """Make somebody known and a member of all launch profiles."""
        client = self.client(name)
        for profile in self.profiles:
            self.operator.call(
                "PutLaunchProfileMembers",
                **self.where,
                launchProfileId=profile,
                identityStoreId="d-soundstage",
                members=[{"principalId": client.principal_id, "persona": "USER"}],
            )
        return client

    def launched(self, client: Client, number: int = 0) -> dict[str, str]:
        """Launch a workstation and wait for it."""
        made = client.call(
            "CreateStreamingSession", **self.where, launchProfileId=self.profiles[number]
        )["session"]
        self._settled("GetStreamingSession", "session", sessionId=made["sessionId"])
        return {**self.where, "sessionId": made["sessionId"]}

    def stopped(self, client: Client, number: int = 0) -> dict[str, str]:
        """Launch one, and stop it with a backup."""
        names = self.launched(client, number)
        client.call("StopStreamingSession", **names)
        self._settled("GetStreamingSession", "session", sessionId=names["sessionId"])
        return names

    def path(self, names: dict[str, str]) -> str:
        return f"{self.service.address}/workstations/{names['studioId']}/{names['sessionId']}"

    def _profile(self, name: str, image: str, basics: str, rules: dict[str, Any]) -> str:
        made = self.operator.call(
            "CreateLaunchProfile",
            **self.where,
            name=name,
            description="A desktop for tests.",
            ec2SubnetIds=[],
            launchProfileProtocolVersions=["2021-03-31"],
            studioComponentIds=[basics],
            streamConfiguration={
                "clipboardMode": "ENABLED",
                "ec2InstanceTypes": ["g4dn.xlarge"],
                "streamingImageIds": [image],
                **rules,
            },
        )["launchProfile"]["launchProfileId"]
        self._settled("GetLaunchProfile", "launchProfile", launchProfileId=made)
        return str(made)

    def _settled(self, operation: str, key: str, **names: str) -> None:
        def is_settled() -> bool:
            found = self.operator.call(operation, **self.where, **names)[key]
            return not found["state"].endswith("_IN_PROGRESS")

        until(f"{key} is settled", is_settled)


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    with tempfile.TemporaryDirectory(prefix="soundstage-test-", dir="/tmp") as folder:
        home = Path(folder)
        home.chmod(0o711)
        limits = {"throttle_sign_ins_per_minute": "0"}
        with ServiceProcess(home, engine="simulated", **limits) as service:
            made = Studio(service)
            yield made
            made.close()


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    # The machine that tests run on may be busy.
    expect.set_options(timeout=20_000)
    with chromium_browser(chromium) as opened:
        yield opened


@pytest.fixture
def enter(studio: Studio, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Give a function that signs somebody in, in a browser of their own, and gives the page.

    Whatever the browser complains of on the way, a refused script or style say, fails the test.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def sign_in(name: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text)
                if said.type == "error" and not said.text.startswith("Failed to load resource")
                else None
            ),
        )
        page.goto(studio.link(name))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{studio.service.address}/")
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert complaints == []


def test_a_launch_is_followed_live_to_an_open_desktop(
    studio: Studio, enter: Callable[..., Page]
) -> None:
    studio.artist("anna")
    page = enter("anna")
    expect(page.get_by_role("heading", name="Nothing is running")).to_be_visible()
    page.get_by_role("button", name="Launch Animation").click()
    expect(page.get_by_role("heading", name="Animation", level=1)).to_be_visible()
    page.evaluate("window.isTheSamePage = true")
    expect(page.get_by_role("status").get_by_text("Running")).to_be_visible(timeout=30_000)
    assert page.evaluate("window.isTheSamePage")
    expect(page.get_by_text("Stops in")).to_be_visible()
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Open Animation").click()
    opened.value.wait_for_url(f"{studio.service.address}/streams/**")


def test_what_others_do_is_seen_without_a_reload(
    studio: Studio, enter: Callable[..., Page]
) -> None:
    bea = studio.artist("bea")
    page = enter("bea")
    page.evaluate("window.isTheSamePage = true")
    names = studio.launched(bea, 1)
    expect(page.get_by_role("link", name="Compositing", exact=True)).to_be_visible()
    expect(page.get_by_text("Running")).to_be_visible()
    bea.call("StopStreamingSession", **names)
    expect(page.get_by_text("Backup is made")).to_be_visible()
    expect(page.get_by_role("button", name="Start Compositing")).to_be_visible(timeout=30_000)
    assert page.evaluate("window.isTheSamePage")


def test_a_change_leaves_the_reader_s_hands_alone(
    studio: Studio, enter: Callable[..., Page]
) -> None:
    cleo = studio.artist("cleo")
    page = enter("cleo")
    page.get_by_text("Image and size").click()
    page.get_by_label("Size").select_option("g5.xlarge")
    page.get_by_label("Size").focus()
    studio.launched(cleo)
    expect(page.get_by_role("button", name="Open Animation")).to_be_visible()
    assert page.get_by_label("Size").input_value() == "g5.xlarge"
    expect(page.get_by_label("Size")).to_be_focused()


def test_a_disabled_person_is_out_within_five_seconds(
    studio: Studio, enter: Callable[..., Page]
) -> None:
    studio.artist("dora")
    page = enter("dora")
    # Only a page whose events are on their way is told; one that opens just then is led to the
    # sign-in. The empty page in between ends the events of the first one.
    page.goto("about:blank")
    with page.expect_response("**/events?*"):
        page.goto(f"{studio.service.address}/")
    studio.disable("dora")
    expect(page.get_by_text("You are signed out here")).to_be_visible(timeout=5_000)
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_service_that_went_away_is_told_and_comes_back(
    studio: Studio, enter: Callable[..., Page]
) -> None:
    edda = studio.artist("edda")
    page = enter("edda", java_script_enabled=False)
    studio.service.stop()
    studio.service.start()
    # The cookie outlives the restart.
    page.reload()
    expect(page.get_by_role("heading", name="Launch a workstation")).to_be_visible()
    studio.launched(edda)
    page.reload()
    expect(page.get_by_role("button", name="Open Animation")).to_be_visible()


def test_everything_is_done_without_script(studio: Studio, enter: Callable[..., Page]) -> None:
    studio.artist("finn")
    page = enter("finn", java_script_enabled=False)
    page.get_by_role("button", name="Launch Animation").click()

    def becomes(state: str) -> None:
        """Wait: a page on which something is in progress loads itself anew."""
        expect(page.locator(".workstation .status")).to_have_text(state, timeout=30_000)

    becomes("Running")
    page.get_by_role("button", name="Extend").click()
    page.get_by_role("link", name="Stop Animation…").click()
    page.get_by_role("button", name="Stop it").click()
    becomes("Stopped")
    page.get_by_role("link", name="Browse").click()
    expect(page.get_by_role("heading", name="Backup of")).to_be_visible()
    page.get_by_role("link", name="Back to the workstation").click()
    page.get_by_role("button", name="Start from the backup").click()
    becomes("Running")
    page.get_by_role("link", name="Delete Animation…").click()
    expect(page.get_by_text("Its backup stays for 7 days")).to_be_visible()
    page.get_by_role("button", name="Delete it for good").click()
    expect(page.get_by_role("heading", name="Your workstations")).to_be_visible()


def test_the_keyboard_alone_is_enough(studio: Studio, enter: Callable[..., Page]) -> None:
    studio.artist("gus")
    page = enter("gus")

    def tab_to(name: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "document.activeElement.ariaLabel || document.activeElement.innerText"
            )
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert ring == "solid", f"no ring around {focused}"
            if focused == name:
                return
        pytest.fail(f"{name} is not reached")

    tab_to("Launch Animation")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("Running")).to_be_visible(timeout=30_000)
    tab_to("Stop Animation…")
    page.keyboard.press("Enter")
    page.wait_for_url("**/stop")
    tab_to("Cancel")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith("/stop"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_bars_the_way_and_everything_fits(
    studio: Studio, enter: Callable[..., Page], scheme: str
) -> None:
    hana = studio.artist("hana")
    running, stopped = studio.launched(hana, 2), studio.stopped(hana)
    axe = ensure_axe(REPOSITORY).read_text(encoding="utf-8")
    page = enter("hana", color_scheme=scheme)
    address = studio.service.address
    places = [
        address,
        f"{address}/logins",
        studio.path(running),
        studio.path(stopped),
        f"{studio.path(stopped)}/delete",
        f"{address}/workstations/{studio.where['studioId']}/nothing",
    ]
    found, too_wide = [], []
    for place in places:
        page.goto(place)
        for size in (DESKTOP, TABLET, PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                too_wide.append(f"{place} at {size['width']}")
        found += barriers(page, axe)
    page.get_by_role("button", name="Sign out").click()
    for place in (address, f"{address}/sign-in"):
        page.goto(place)
        found += barriers(page, axe)
    assert (found, too_wide) == ([], [])
