"""Runs the stream server (Selkies) inside a workstation, with what it never uses left out.

Started by `starter.py` with the stream environment's Python, at the same time as the X server: it
imports first and waits for the X server afterwards, which takes the imports out of the start's
longest path. The last argument but one are the lines to the pen and the eraser; the last is the
descriptor on which the display's name comes, or -1.
"""

import asyncio
import importlib
import importlib.util
import io
import os
import sys
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pen  # type: ignore[import-not-found]
import tablet  # type: ignore[import-not-found]

_PICTURE_SIZE = (480, 300)
"""The most that a picture for the portal is wide and high."""


def leave_out_webrtc() -> None:
    """Put an empty module in place of the WebRTC service.

    Only WebSocket mode is ever asked for; the other's modules are a sixth of the imports' time
    and 22 MB of memory.
    """
    module = types.ModuleType("selkies.webrtc_mode")

    class WebRTCService:
        def __init__(self, server: object) -> None:
            self.server = server

        def register_routes(self, prefix: str, router: object) -> None:
            """Nothing of it is served."""

    module.WebRTCService = WebRTCService  # type: ignore[attr-defined]
    sys.modules["selkies.webrtc_mode"] = module


def keep_messages_in_order() -> None:
    """Have every message of text sent as it is, however long.

    Selkies compresses long ones for a page that can unpack them. Its page (2.1.0) unpacks beside
    the video that arrives meanwhile, and lets later texts wait for it. When the text that waits is
    PIPELINE_RESETTING, the page drops its decoder after the key frame that was meant for the new
    one; on a still screen no other comes, and the desktop stands still until something moves.
    """
    messages = importlib.import_module("selkies.websockets_mode")
    messages.WS_GZIP_MIN_BYTES = sys.maxsize  # type: ignore[attr-defined]


def make_pictures_small() -> None:
    """Answer `/api/screenshot` with a small JPEG in place of a PNG of the whole screen.

    The portal shows it to the artist. It is made when somebody asks and at no other time; a screen
    that moved nothing costs the same as one that did, some hundredths of a second.
    """
    server = importlib.import_module("selkies.stream_server")

    async def small(_self: object, _request: object) -> object:
        made = await asyncio.to_thread(_picture)
        if made is None:
            return server.web.Response(status=503)
        return server.web.Response(body=made, content_type="image/jpeg")

    server.CentralizedStreamServer.handle_screenshot = small


def add_pen(lines: str) -> None:
    """Have a pen served at an address of its own, by these lines to the X server."""
    server = importlib.import_module("selkies.websockets_mode").DataStreamingServer
    register = server.register_routes
    inherited = tablet.inherited(lines)

    def register_more(self: object, prefix: str, router: object) -> None:
        register(self, prefix, router)
        pen.add_to(self, router, inherited)

    server.register_routes = register_more


def _picture() -> bytes | None:
    pixelflux = importlib.import_module("pixelflux")
    image = importlib.import_module("PIL.Image")
    try:
        whole = image.open(io.BytesIO(pixelflux.screenshot_png(0)))
        small = whole.convert("RGB")
        small.thumbnail(_PICTURE_SIZE, reducing_gap=2.0)
    except (RuntimeError, OSError):
        return None
    made = io.BytesIO()
    small.save(made, "JPEG", quality=70, optimize=True)
    return made.getvalue()


def web_client() -> Path:
    """The folder of the web client in the installed package."""
    package = importlib.util.find_spec("selkies")
    if package is None or not package.submodule_search_locations:
        sys.exit("selkies is not in this environment")
    return Path(package.submodule_search_locations[0]) / "selkies_web"


def main() -> None:
    go, pens = int(sys.argv.pop()), sys.argv.pop()
    sys.argv[0] = "selkies"
    leave_out_webrtc()
    # Told where its own pages lie it does not copy 2,000 files to /tmp at each start.
    sys.argv.append(f"--web-root={web_client()}")
    # After the lines above, and from the stream's environment, which is not the service's.
    serve = importlib.import_module("selkies.__main__").main
    keep_messages_in_order()
    make_pictures_small()
    add_pen(pens)
    if go >= 0:
        os.environ["DISPLAY"] = os.read(go, 16).decode().strip()
        os.close(go)
    serve()


if __name__ == "__main__":
    main()
