"""A service with the simulated engine, people at browsers, and what axe finds on their pages."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from sqlalchemy import Connection

from soundstage.cli.launch import OwnClient, client_of
from soundstage.cli.user import sign_in_address
from soundstage.client.calls import Client
from soundstage.kit.clock import system_clock
from soundstage.kit.config import Settings
from soundstage.resources.logins import service as logins
from soundstage.resources.members import service as members
from soundstage.resources.members.model import Person
from soundstage.testing.browser import chromium_browser
from soundstage.testing.process import ServiceProcess
from soundstage.testing.whole import PERSISTENT, until
from soundstage.wiring.home import opened

REPOSITORY = Path(__file__).parents[2]
PICTURES = REPOSITORY / "artefacts" / "pages"
ROLE = "arn:aws:iam::000000000000:role/soundstage"
DESKTOP, TABLET, PHONE = (
    ViewportSize(width=width, height=height)
    for width, height in ((1280, 800), (820, 1180), (390, 844))
)
Enter = Callable[..., Page]


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
def browser(chromium: Path | None) -> Iterator[Browser]:
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


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def too_wide(page: Page, name: str) -> list[str]:
    """Name the sizes of screens at which a page must be moved sideways; how it looks, light and
    dark, is kept under its name, for people.
    """
    found = []
    for size in (PHONE, TABLET, DESKTOP):
        page.set_viewport_size(size)
        for scheme in SCHEMES if size is not PHONE else ():
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=PICTURES / f"{name}-{scheme}-{size['width']}.png")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{page.url} at {size['width']}")
    return found
