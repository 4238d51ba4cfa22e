"""Reads the Range header of a request for a part of a file; `files` calls it."""

import re

import msgspec

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z", re.ASCII)


class UnsatisfiableError(Exception):
    """The part begins behind the file's end."""


class Part(msgspec.Struct, frozen=True):
    """Which bytes are sent: from `first` up to but without `end`."""

    first: int
    end: int
    is_partial: bool


def part_of(header: str | None, size: int) -> Part:
    """Find the part that is asked for; several at once, or what is not understood, is the whole.

    Raises UnsatisfiableError.
    """
    found = _RANGE.match(header or "")
    if found is None or found.groups() == ("", ""):
        return Part(0, size, is_partial=False)
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return Part(0, size, is_partial=False)
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
    if begin >= size:
        raise UnsatisfiableError
    return Part(begin, end, is_partial=True)
