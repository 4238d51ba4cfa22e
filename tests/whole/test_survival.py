"""What outlives what: the desktop its service, the stream a restart, the disk its workstation."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser

from soundstage.testing.browser import Desktop, chromium_browser
from soundstage.testing.clients import StockClient
from soundstage.testing.process import ServiceProcess
from soundstage.testing.whole import Studio, until


@pytest.fixture
def browser(chromium: Path | None) -> Iterator[Browser]:
    with chromium_browser(chromium) as started:
        yield started


@pytest.mark.timeout(180)
def test_a_killed_service_costs_a_reconnect_and_a_dead_workstation_is_healed(
    service: ServiceProcess, sdk: StockClient, browser: Browser
) -> None:
    workstation = Studio(sdk).launch()
    desktop = Desktop(browser, workstation.new_url())
    desktop.open_terminal()
    desktop.type("echo kept > proof.txt")
    assert desktop.ask("test -s proof.txt")
    before = names_of(service)
    assert {"Xorg", "openbox", "pulseaudio", "lxterminal", "bash"} <= set(before.values())

    service.kill()
    assert before.items() <= names_of(service).items()
    service.start()
    assert workstation.see()["state"] == "READY"
    assert before.items() - names_of(service).items() == set()
    until("the page reconnected by itself", lambda: types_and_sees(desktop), 30)

    desktop.page.close()
    supervisor = psutil.Process(min(before))
    supervisor.kill()
    until("the workstation is healed", lambda: "found gone" in workstation.see()["statusMessage"])
    until("it runs again", lambda: not before.keys() & names_of(service).keys())
    assert workstation.see()["state"] == "READY"
    until("a new stream opens", workstation.new_url)
    healed = Desktop(browser, workstation.new_url())
    healed.open_terminal()
    assert healed.ask("grep -q kept proof.txt")
    workstation.delete()


def names_of(service: ServiceProcess) -> dict[int, str]:
    return {process.pid: process.name() for process in service.workstation_processes()}


def types_and_sees(desktop: Desktop) -> bool:
    picture = desktop.picture()
    desktop.page.keyboard.type("echo still here; ")
    desktop.page.wait_for_timeout(700)
    return desktop.changed(picture) > 300
