"""Both ends of a workstation's clipboard for tests: a program inside, and a bare stream client."""

import base64
import hashlib
import secrets
import struct
import threading
from contextlib import suppress
from typing import Self

from soundstage.kit.places import open_place
from soundstage.testing.workbench import Workbench

_PYTHON = "/opt/stream/bin/python3"
_PLACE = "clipboard.py"
# Runs inside, with the X library of the stream server: `own TEXT` or `read`.
_PROGRAM = """
import hashlib, sys
from selkies.Xlib import X, Xatom, display
from selkies.Xlib.protocol import event
d = display.Display()
screen = d.screen()
w = screen.root.create_window(0, 0, 1, 1, 0, screen.root_depth, event_mask=X.PropertyChangeMask)
atom = d.intern_atom
clipboard, utf8, targets, ours = map(atom, ("CLIPBOARD", "UTF8_STRING", "TARGETS", "SOUNDSTAGE"))

def own(text):
    w.set_selection_owner(clipboard, X.CurrentTime)
    d.flush()
    while (e := d.next_event()).type != X.SelectionClear:
        if e.type != X.SelectionRequest:
            continue
        if e.target == targets:
            e.requestor.change_property(e.property, Xatom.ATOM, 32, [targets, utf8])
        elif e.target == utf8:
            e.requestor.change_property(e.property, utf8, 8, text)
        is_known = e.target in (targets, utf8)
        e.requestor.send_event(event.SelectionNotify(
            time=e.time, requestor=e.requestor, selection=e.selection, target=e.target,
            property=e.property if is_known else X.NONE))
        d.flush()

def read():
    w.convert_selection(clipboard, utf8, ours, X.CurrentTime)
    text, in_parts = b"", False
    while True:
        e = d.next_event()
        if e.type == X.SelectionNotify and e.property == X.NONE:
            return text
        has_more = in_parts and e.type == X.PropertyNotify and e.state == X.PropertyNewValue
        if e.type != X.SelectionNotify and not has_more:
            continue
        found = w.get_full_property(ours, X.AnyPropertyType)
        w.delete_property(ours)
        d.flush()
        if found.property_type == atom("INCR"):
            in_parts = True
            continue
        text += bytes(found.value)
        if not in_parts or not found.value:
            return text

if sys.argv[1] == "own":
    own(sys.argv[2].encode())
else:
    print(hashlib.sha256(read()).hexdigest())
"""


class InnerClipboard:
    """The clipboard that programs in a workstation see."""

    def __init__(self, bench: Workbench, ref: str) -> None:
        """`ref` was started with a shell."""
        self._bench = bench
        self._ref = ref
        bench.lay_out(ref, _PLACE, _PROGRAM)

    def copy(self, text: str) -> None:
        """Copy as a program does, and keep it until another copies."""
        script = f'{_PYTHON} ~/{_PLACE} own "$0" >/dev/null 2>&1 &'
        code, output = self._bench.inside(self._ref, "sh", "-c", script, text)
        if code:
            raise AssertionError(output)

    def holds(self, text: str) -> bool:
        """Reports whether a program that pastes now would get this."""
        code, output = self._bench.inside(self._ref, _PYTHON, f"/home/artist/{_PLACE}", "read")
        return code == 0 and output.strip() == hashlib.sha256(text.encode()).hexdigest()


class StreamClient:
    """Speaks to a stream server as nobody's page does: no gateway, no manners."""

    def __init__(self, bench: Workbench, ref: str) -> None:
        address = bench.engine.observe(ref).address
        if address is None:
            raise AssertionError("it does not run")
        self.heard: list[str] = []
        """Every message of text."""
        self._socket = open_place(address.place, address.name, timeout=30)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            "GET /api/websockets HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            "".encode()
        )
        self._reader = self._socket.makefile("rb")
        while self._reader.readline().strip():
            pass
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def say(self, message: str) -> None:
        """Send a message, masked with zeros."""
        body = message.encode()
        if len(body) < 126:
            head = bytes((0x81, 0x80 | len(body)))
        elif len(body) < 2**16:
            head = b"\x81\xfe" + struct.pack(">H", len(body))
        else:
            head = b"\x81\xff" + struct.pack(">Q", len(body))
        self._socket.sendall(head + bytes(4) + body)

    def paste(self, text: str) -> None:
        """Put a text of any length into the workstation's clipboard, in parts."""
        body = text.encode()
        self.say(f"cws,1,{len(body)}")
        for begin in range(0, len(body), 500_000):
            part = base64.b64encode(body[begin : begin + 500_000]).decode()
            self.say(f"cwd,1,{part}")
        self.say("cwe,1")

    def heard_of_clipboard(self) -> list[str]:
        """Everything that came out of the workstation's clipboard, or says something of it."""
        return [each for each in self.heard if each.startswith("clipboard")]

    def copied(self) -> str:
        """Put together what the clipboard sent last, in one part or in many."""
        whole = b""
        for message in self.heard_of_clipboard():
            verb, _, rest = message.partition(",")
            if verb == "clipboard":
                whole = base64.b64decode(rest)
            elif verb == "clipboard_start":
                whole = b""
            elif verb == "clipboard_data":
                whole += base64.b64decode(rest)
        return whole.decode(errors="replace")

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.shutdown(2)
        self._thread.join(10)
        self._reader.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self) -> None:
        with suppress(OSError, ValueError):
            while len(head := self._reader.read(2)) == 2:
                length = head[1] & 127
                if length > 125:
                    layout = ">H" if length == 126 else ">Q"
                    (length,) = struct.unpack(layout, self._reader.read(struct.calcsize(layout)))
                body = self._reader.read(length)
                if head[0] & 15 == 1:
                    self.heard.append(body.decode())
