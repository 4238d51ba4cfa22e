"""The main job, whole: a stock SDK launches a real desktop, a real browser works in it, and a
backup brings back what was lost.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from soundstage.testing.browser import Desktop, chromium_browser
from soundstage.testing.clients import StockClient, ensure_boto3
from soundstage.testing.incus import IncusDaemon
from soundstage.testing.process import ServiceProcess
from soundstage.testing.whole import Studio, Workstation, until

REPOSITORY = Path(__file__).parents[2]
ARTEFACTS = REPOSITORY / "artefacts"


@pytest.fixture
def browser(chromium: Path | None) -> Iterator[Browser]:
    with chromium_browser(chromium) as started:
        yield started


@pytest.mark.timeout(240)
def test_work_is_kept_by_a_backup_and_brought_back(
    service: ServiceProcess, sdk: StockClient, browser: Browser
) -> None:
    workstation = tell(sdk, browser, "desktop.png")
    until("every process of the workstation ended", lambda: not service.workstation_processes())
    volumes = service.home / "volumes"
    assert not [found for found in volumes.iterdir() if workstation.id in found.name]
    assert "ticket=" not in service.log.read_text()


@pytest.mark.incus
@pytest.mark.timeout(600)
def test_the_same_on_incus(
    incus_service: ServiceProcess, incus_daemon: IncusDaemon, browser: Browser
) -> None:
    with (
        StockClient(REPOSITORY, ensure_boto3(REPOSITORY), incus_service.environment()) as sdk,
        incus_daemon.client() as client,
    ):
        tell(sdk, browser, "desktop-incus.png")
        for things in ("/instances", "/storage-pools/default/volumes/custom"):
            until("nothing is left at Incus", lambda: not client.get(things))  # noqa: B023 -- asked at once.
    assert "ticket=" not in incus_service.log.read_text()


def tell(sdk: StockClient, browser: Browser, picture: str) -> Workstation:
    """A workstation's life, from its launch to its end."""
    studio = Studio(sdk)
    workstation = studio.launch()
    desktop = Desktop(browser, workstation.new_url())
    desktop.open_terminal()

    before = desktop.picture()
    desktop.page.keyboard.type("echo typed in the browser")
    until("the typed text is seen", lambda: desktop.changed(before) > 300)
    desktop.page.keyboard.press("Enter")
    desktop.type("echo the first version > scene.txt")
    assert desktop.ask("grep -q first scene.txt")
    assert not desktop.ask("grep -q second scene.txt")
    desktop.type("clear; ls -la; uname -sr; cat scene.txt")
    desktop.settle()
    before = desktop.picture()
    desktop.type("pcmanfm 2> /dev/null &")
    until("the file manager is seen", lambda: desktop.changed(before) > 50_000)
    desktop.settle()
    ARTEFACTS.mkdir(exist_ok=True)
    desktop.page.screenshot(path=ARTEFACTS / picture)

    workstation.stop()
    until("the page says what happened", lambda: "stopped" in desktop.page.inner_text("body"), 10)
    (first,) = studio.backups()
    assert first["state"] == "READY"
    assert first["sessionId"] == workstation.id

    workstation.start()
    desktop = Desktop(browser, workstation.new_url())
    desktop.open_terminal()
    assert desktop.ask("grep -q first scene.txt"), "a plain start keeps the disk"
    desktop.type("echo the second version > scene.txt")
    assert desktop.ask("grep -q second scene.txt")

    workstation.stop()
    assert [backup["state"] for backup in studio.backups()] == ["READY", "READY"]
    workstation.start(backupId=first["backupId"])
    assert workstation.see()["startedFromBackupId"] == first["backupId"]
    desktop = Desktop(browser, workstation.new_url())
    desktop.open_terminal()
    assert desktop.ask("grep -q first scene.txt"), "the first content is back"

    workstation.delete()
    return workstation
