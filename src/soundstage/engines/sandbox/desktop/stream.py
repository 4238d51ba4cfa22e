"""Runs the stream server (Selkies) inside a workstation, with what it never uses left out.

Started by `starter.py` with the stream environment's Python, at the same time as the X server: it
imports first and waits for the X server afterwards, which takes the imports out of the start's
longest path. The last argument is the descriptor to wait on, or -1.
"""

import os
import sys
import types


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


def main() -> None:
    go = int(sys.argv.pop())
    sys.argv[0] = "selkies"
    leave_out_webrtc()
    from selkies.__main__ import main as serve  # noqa: PLC0415 -- after the line above.

    if go >= 0:
        os.read(go, 16)
        os.close(go)
    serve()


if __name__ == "__main__":
    main()
