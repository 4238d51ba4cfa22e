"""An X client that tells what pointers do: a line of JSON for each event of each device.

Run with the stream environment's Python, beside a desktop's programs. It sees what every program
there can see: raw events of the X Input extension, by the device that they come from.
"""

import json
import struct
import sys
import time
from typing import Any

from selkies.Xlib import display  # type: ignore[import-not-found]
from selkies.Xlib.ext import ge, xinput  # type: ignore[import-not-found]

KINDS = {
    xinput.RawButtonPress: "press",
    xinput.RawButtonRelease: "release",
    xinput.RawMotion: "motion",
}
HEAD = struct.Struct("<HIIHHI4x")
AXES = {0: "x", 1: "y", 4: "pressure"}


def told(kind: str, data: bytes, names: dict[int, str]) -> dict[str, Any] | None:
    """Read a raw event: what has changed is named in a mask, and follows it. None for what is told
    once more by the pointer that several devices move.
    """
    device, _, detail, source, words, _ = HEAD.unpack_from(data)
    if device != source:
        return None
    mask = int.from_bytes(data[HEAD.size : HEAD.size + 4 * words], "little")
    at = HEAD.size + 4 * words
    axes = {}
    for axis in range(32 * words):
        if mask >> axis & 1:
            whole, part = struct.unpack_from("<iI", data, at)
            axes[AXES.get(axis, str(axis))] = whole + part / 2**32
            at += 8
    return {"kind": kind, "device": names[device], "button": detail, "at": time.time(), **axes}


def say(row: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(row)}\n")
    sys.stdout.flush()


def main() -> None:
    client = display.Display()
    client.xinput_query_version()
    names = {each.deviceid: each.name for each in client.xinput_query_device(0).devices}
    mask = xinput.RawButtonPressMask | xinput.RawButtonReleaseMask | xinput.RawMotionMask
    client.screen().root.xinput_select_events([(xinput.AllDevices, mask)])
    client.sync()
    say({"kind": "listens"})
    while True:
        event = client.next_event()
        if event.type == ge.GenericEventCode and event.evtype in KINDS:
            row = told(KINDS[event.evtype], bytes(event.data), names)
            if row is not None:
                say(row)


if __name__ == "__main__":
    main()
