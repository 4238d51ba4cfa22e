"""Files into and out of a real workstation, from its stream's page; and it in two windows."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, Route, WebSocket

from soundstage.engines.interface import Transfers
from soundstage.gateway.upstreams import FileRules, Upstream
from soundstage.kit.places import open_place
from soundstage.testing.browser import chromium_browser
from soundstage.testing.streams import GatewayWorld, ask, gateway_world
from soundstage.testing.whole import until
from soundstage.testing.workbench import Workbench

STREAM_ENVIRONMENT = Path(__file__).parents[2] / ".venv-stream"
TAB = ".soundstage-files-open"
UP, OUT = "$HOME/from_page/uploads", "$HOME/Downloads"
WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""
DRAG = """
([kind, names]) => {
  const data = new DataTransfer();
  for (const name of names) data.items.add(new File(["content of " + name], name));
  const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  return document.querySelector("canvas, video, body").dispatchEvent(event);
}
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    made = Workbench(tmp_path_factory.mktemp("home"), STREAM_ENVIRONMENT)
    yield made
    assert made.close() == []


@pytest.fixture(scope="module")
def workstation(bench: Workbench) -> str:
    return bench.start(transfers=Transfers(upload_to=UP, download_from=OUT))


@pytest.fixture(scope="module")
def browser(chromium: Path | None) -> Iterator[Browser]:
    with chromium_browser(chromium) as started:
        yield started


@pytest.fixture
def world(bench: Workbench, workstation: str) -> Iterator[GatewayWorld]:
    with (
        tempfile.TemporaryDirectory(prefix="soundstage-test-") as home,
        gateway_world(Path(home), STREAM_ENVIRONMENT) as made,
    ):
        allow(made, bench, workstation, upload_to=UP, download_from=OUT)
        yield made


def allow(world: GatewayWorld, bench: Workbench, ref: str, **rules: str) -> None:
    address = bench.engine.observe(ref).address
    assert address is not None
    name = address.files or "files.sock"
    world.upstreams.places[world.stream] = Upstream(
        stream_id=world.stream,
        place=address.place,
        name=address.name,
        files=FileRules(name=name, **rules) if rules else None,
    )


Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, world: GatewayWorld) -> Iterator[Open]:
    with ExitStack() as stack:

        def go(scheme: str = "light") -> Page:
            context = browser.new_context(
                color_scheme="dark" if scheme == "dark" else "light",
                viewport={"width": 1280, "height": 720},
            )
            stack.callback(context.close)
            context.add_init_script(WATCH_POLICY)
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{world.port}{world.page()}?ticket={world.ticket()}")
            until("the desktop is seen", lambda: page.locator("canvas, video").count() > 0)
            return page

        yield go


def uploads(bench: Workbench, ref: str) -> Path:
    return bench.home(ref) / UP.removeprefix("$HOME/")


def choose(page: Page, *files: Path) -> None:
    page.locator(".soundstage-files-choice").set_input_files([str(file) for file in files])


def row(page: Page, name: str) -> str:
    found = page.locator(".soundstage-files-row", has_text=name)
    return found.first.inner_text() if found.count() else ""


def wait_for(page: Page, name: str, state: str) -> None:
    until(f"{name}: {state}", lambda: state in row(page, name))


def test_dropped_files_arrive_as_the_artist_s_own(
    bench: Workbench, workstation: str, opened: Open, world: GatewayWorld, tmp_path: Path
) -> None:
    grounds = set()
    for scheme in ("light", "dark"):
        page = opened(scheme)
        page.wait_for_selector(TAB, state="visible")
        # A file that is held over the page, and one that is let go.
        assert page.evaluate(DRAG, ["dragover", ["a.txt"]]) is False
        target = page.locator(".soundstage-files-target")
        until("the target is shown", target.is_visible)
        page.screenshot(path=tmp_path / f"target-{scheme}.png")
        names = [f"a-{scheme}.txt", f"ü {scheme}.exr", ".hidden"]
        assert page.evaluate(DRAG, ["drop", names]) is False
        page.wait_for_selector(".soundstage-files-target", state="hidden")
        for name in names[:2]:
            wait_for(page, name, "Arrived")
            landed = uploads(bench, workstation) / name
            assert landed.read_text() == f"content of {name}"
            assert landed.stat().st_uid == bench.home(workstation).stat().st_uid
        wait_for(page, ".hidden", "This name can't be used")
        page.screenshot(path=tmp_path / f"panel-{scheme}.png")
        panel = page.locator(".soundstage-files-panel")
        grounds.add(panel.evaluate("panel => getComputedStyle(panel).backgroundColor"))
        assert page.evaluate("window.violations") == []
        world.upstreams.used.clear()
    assert len(grounds) == 2
    assert {each.name for each in world.upstreams.transferred} >= {"a-light.txt", "ü dark.exr"}


def test_it_goes_on_after_a_break_and_after_a_reload(
    bench: Workbench, workstation: str, opened: Open, tmp_path: Path
) -> None:
    content = os.urandom(48 * 1024 * 1024)
    plate = tmp_path / "plate.exr"
    plate.write_bytes(content)
    folder = uploads(bench, workstation)
    page = opened()
    sent: list[int] = []

    def note(request: Request) -> None:
        if request.method == "PUT":
            found = re.search(r"offset%22%3A(\d+)", request.headers["soundstage-file"])
            assert found is not None
            sent.append(int(found[1]))

    page.on("request", note)

    def begun() -> int:
        return sum(part.stat().st_size for part in folder.glob(".soundstage-upload-*"))

    page.wait_for_selector(TAB, state="visible")
    # So slow that there is a middle to break it in.
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 6e6}

    def line(**facts: object) -> None:
        client.send("Network.emulateNetworkConditions", {**slow, **facts})

    line()
    choose(page, plate)
    until("some of it is there", lambda: begun() > 2_000_000)
    until("it says how long", lambda: re.search(r"\d+ %, \d+ s left", row(page, "plate.exr")))
    page.screenshot(path=tmp_path / "sending.png")
    line(offline=True)
    wait_for(page, "plate.exr", "Waiting for the connection")
    before = begun()
    sent.clear()
    line()
    until("it goes on", lambda: row(page, "plate.exr") and begun() > before)
    until("its requests are told", lambda: row(page, "plate.exr") and sent)
    assert min(sent) >= before - 2_000_000
    assert not (folder / "plate.exr").exists()

    page.reload()
    before = begun()
    assert before > 2_000_000
    sent.clear()
    line(uploadThroughput=-1)
    page.wait_for_selector(TAB, state="visible")
    choose(page, plate)
    wait_for(page, "plate.exr", "Arrived")
    assert min(sent) >= before - 2_000_000
    assert (folder / "plate.exr").read_bytes() == content
    assert begun() == 0


def test_a_folder_keeps_its_folders_and_a_proxy_s_limit_is_found(
    bench: Workbench, workstation: str, opened: Open, tmp_path: Path
) -> None:
    shot = tmp_path / "shot_010"
    (shot / "plates").mkdir(parents=True)
    (shot / "notes.txt").write_text("notes")
    (shot / ".DS_Store").write_text("nobody saw it")
    content = os.urandom(1_000_000)
    (shot / "plates/a.exr").write_bytes(content)
    page = opened()

    def as_a_proxy_would(route: Route) -> None:
        body = route.request.post_data_buffer or b""
        if len(body) > 100_000:
            route.fulfill(status=413, body="<html>too large</html>")
        else:
            route.continue_()

    page.route("**/api/uploads", as_a_proxy_would)
    page.wait_for_selector(TAB, state="visible")
    page.locator(".soundstage-files-folder").set_input_files(shot)
    wait_for(page, "shot_010/plates/a.exr", "Arrived")
    wait_for(page, "shot_010/notes.txt", "Arrived")
    landed = uploads(bench, workstation) / "shot_010"
    assert (landed / "plates/a.exr").read_bytes() == content
    assert sorted(path.name for path in landed.iterdir()) == ["notes.txt", "plates"]


def test_a_cancelled_one_is_gone(
    bench: Workbench, workstation: str, opened: Open, tmp_path: Path
) -> None:
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as file:
        file.truncate(2 * 1024**3)
    folder = uploads(bench, workstation)
    page = opened()
    page.wait_for_selector(TAB, state="visible")
    choose(page, huge)
    until("it is under way", lambda: list(folder.glob(".soundstage-upload-*")))
    page.get_by_role("button", name="Cancel huge.bin").click()
    until("it is gone", lambda: not list(folder.glob(".soundstage-upload-*")))
    assert row(page, "huge.bin") == ""
    assert not (folder / "huge.bin").exists()


def test_by_keyboard_alone_and_nothing_of_it_reaches_the_desktop(
    bench: Workbench, workstation: str, opened: Open
) -> None:
    bench.lay_out(workstation, "Downloads/notes.txt", "to take along")
    typed: list[str] = []

    def listen(connection: WebSocket) -> None:
        connection.on("framesent", lambda payload: typed.append(str(payload)))

    page = opened()
    page.on("websocket", listen)
    page.reload()
    page.wait_for_selector(TAB, state="visible")

    def was_typed(key: str) -> bool:
        # Only while the page is waited for is what it sent told.
        page.wait_for_timeout(20)
        return any(re.match(rf"k[du],{ord(key)}\b", each) for each in typed)

    page.mouse.click(640, 360)

    def has_keyboard() -> bool:
        page.keyboard.press("x")
        return was_typed("x")

    until("the desktop has the keyboard", has_keyboard)
    page.keyboard.press("Control+Alt+Shift+F")
    panel = page.get_by_role("region", name="Files")
    until("the panel is open", panel.is_visible)
    until("the file is listed", panel.get_by_role("link", name="notes.txt").is_visible)
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "notes.txt":
            break
    with page.expect_download() as taken:
        page.keyboard.press("Enter")
    assert taken.value.suggested_filename == "notes.txt"
    assert taken.value.path().read_text() == "to take along"
    page.keyboard.press("q")
    page.keyboard.press("Escape")
    until("the panel is closed", lambda: not panel.is_visible())
    page.keyboard.press("y")
    until("the desktop has the keyboard again", lambda: was_typed("y"))
    assert not was_typed("q")
    # From the bar it is the same: the panel has the focus, and the desktop after it.
    page.keyboard.press("Control+Alt+Shift+B")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until("the panel is open again", panel.is_visible)
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    until("the desktop has the keyboard once more", lambda: was_typed("z"))
    assert not was_typed("r")
    # What went down before the panel opened came up again: no key is stuck.
    for keysym in (65507, 65513, 65505):
        downs = sum(each.startswith(f"kd,{keysym}") for each in typed)
        ups = sum(each.startswith(f"ku,{keysym}") for each in typed)
        assert downs <= ups, (keysym, typed)


def test_without_the_right_the_page_shows_and_sends_nothing(
    bench: Workbench, workstation: str, opened: Open, world: GatewayWorld
) -> None:
    allow(world, bench, workstation)
    page = opened()
    with page.expect_response("**/api/transfers") as told:
        page.reload()
    assert told.value.status == 403
    assert not page.locator(TAB).is_visible()
    before = sorted(uploads(bench, workstation).parent.rglob("*"))
    # The page takes the drop from the browser, which would open the file in its place.
    assert page.evaluate(DRAG, ["drop", ["sneaky.txt"]]) is False
    page.keyboard.press("Control+Alt+Shift+F")
    assert page.locator(".soundstage-files-row").count() == 0
    assert sorted(uploads(bench, workstation).parent.rglob("*")) == before


def test_the_stream_server_s_own_transfers_stay_shut(
    bench: Workbench, workstation: str, world: GatewayWorld
) -> None:
    for path in ("/api/files/", "/api/files/a", "/api/upload"):
        answer = bench.asked(workstation, path)
        assert b"root:" not in answer
        assert b"Downloads" not in answer
        status, _, _ = ask(world.port, world.page() + path[1:], {"Cookie": world.cookie()})
        assert status == 404
    address = bench.engine.observe(workstation).address
    assert address is not None
    request = (
        "POST /api/upload HTTP/1.1\r\nHost: localhost\r\nX-Upload-Path: sneaky.txt\r\n"
        "Content-Length: 1\r\nConnection: close\r\n\r\nx"
    )
    with open_place(address.place, address.name, timeout=20) as connection:
        connection.sendall(request.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 403")


def test_a_desktop_that_was_opened_elsewhere_is_taken_back(opened: Open) -> None:
    page = opened()
    until("it is there", lambda: page.evaluate("window.selkiesTransport?.readyState === 1"))
    told = page.get_by_text("The desktop is open somewhere else")
    assert not told.is_visible()
    other = page.context.new_page()
    other.goto(page.url)
    until("it is told here", told.is_visible)
    assert page.locator("#status-display").is_hidden()
    page.get_by_role("button", name="Take it back here").click()
    until("it is told there", other.get_by_text("open somewhere else").is_visible)
    until("it is here again", lambda: page.evaluate("window.selkiesTransport?.readyState === 1"))
    assert not told.is_visible()
