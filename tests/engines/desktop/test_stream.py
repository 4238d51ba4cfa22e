"""The stream server's shell: what it leaves out, and where it finds the pages."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-stream" / "bin" / "python3"
DESKTOP = ROOT / "src" / "soundstage" / "engines" / "desktop"


def run(code: str) -> object:
    """In the stream's environment, with the shell as `stream`."""
    script = f"import sys; sys.path.insert(0, {str(DESKTOP)!r}); import json, stream\n{code}"
    done = subprocess.run([PYTHON, "-c", script], check=True, capture_output=True, cwd="/")
    return json.loads(done.stdout)


def test_the_web_client_is_found_where_it_was_installed() -> None:
    found = run("print(json.dumps(str(stream.web_client())))")
    assert (Path(str(found)) / "index.html").is_file()


def test_webrtc_is_not_loaded_and_not_missed() -> None:
    loaded = run(
        "stream.leave_out_webrtc(); sys.argv = ['selkies']\n"
        "import selkies.__main__ as main\n"
        "main.WebRTCService(None).register_routes('', None)\n"
        "print(json.dumps(sorted(name for name in sys.modules if 'webrtc' in name)))"
    )
    assert loaded == ["selkies.webrtc_mode"]


def test_the_control_webrtc_would_be_loaded_otherwise() -> None:
    loaded = run(
        "sys.argv = ['selkies']\nimport selkies.__main__\n"
        "print(json.dumps(len([name for name in sys.modules if 'webrtc' in name])))"
    )
    assert isinstance(loaded, int)
    assert loaded > 10


# A page that said it can unpack, told something long as the stream server tells all its pages.
TELL = """
import asyncio, selkies.websockets_mode as messages
class Page:
    _ws_gz = True
    closed = False
    got = []
    async def send_str(self, data):
        self.got.append("text")
    async def send_bytes(self, data):
        self.got.append("packed" if data[0] == 5 else "bytes")
asyncio.run(messages._broadcast_to_clients({Page()}, "server_settings " * 1000))
print(json.dumps(Page.got))
"""


def test_a_long_message_is_not_packed_and_so_cannot_be_overtaken() -> None:
    assert run(f"stream.keep_messages_in_order()\n{TELL}") == ["text"]


def test_the_control_a_long_message_would_be_packed_otherwise() -> None:
    assert run(TELL) == ["packed"]


# The handler alone, with a screen that is made up in place of an X server's.
PICTURE = """
import asyncio, io, pixelflux
from PIL import Image
screen = io.BytesIO()
Image.effect_noise((2560, 1440), 80).convert("RGB").save(screen, "PNG", compress_level=1)
def screenshot(display):
    if missing:
        raise RuntimeError("no X server")
    return screen.getvalue()
pixelflux.screenshot_png = screenshot
stream.make_pictures_small()
from selkies.stream_server import CentralizedStreamServer
answer = asyncio.run(CentralizedStreamServer.handle_screenshot(None, None))
body = answer.body or b""
size = Image.open(io.BytesIO(body)).size if body else None
print(json.dumps([answer.status, answer.content_type, len(body), size]))
"""


def test_a_picture_for_the_portal_is_small_whatever_is_on_the_screen() -> None:
    made = run(f"missing = False\n{PICTURE}")
    assert isinstance(made, list)
    assert made[:2] + made[3:] == [200, "image/jpeg", [480, 270]]
    assert 10_000 < made[2] < 64 * 1024


def test_where_no_screen_is_there_is_no_picture() -> None:
    assert run(f"missing = True\n{PICTURE}") == [503, "application/octet-stream", 0, None]
