"""Runs a program that an administrator chose and reads the little that it prints.

`kit.crypto` asks a vault's client with it. No shell is in between, time and output are bounded, and
what the program printed is never repeated: it may be a secret, also when the program failed.
"""

import os
import select
import shlex
import signal
import subprocess
import time


class CommandError(Exception):
    """The program gave nothing to use; the message says why in a few words."""


def read_output(command: str, *, seconds: float, most_bytes: int) -> bytes:
    """Run a command line and give its standard output. Raises CommandError.

    One that takes too long or prints too much is killed, with whatever it started.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CommandError(f"it is no command line ({error})") from None
    if not words:
        raise CommandError("it is no command line (it is empty)")
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a null byte in it"
        raise CommandError(f"its program can't be started ({reason})") from None
    try:
        return _output_of(process, time.monotonic() + seconds, seconds, most_bytes)
    finally:
        # One that has ended is left alone: its number may be another's by now.
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _output_of(
    process: subprocess.Popen[bytes], deadline: float, seconds: float, most_bytes: int
) -> bytes:
    if process.stdout is None:
        raise CommandError("its output can't be read")
    descriptor = process.stdout.fileno()
    output = b""
    while select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(descriptor, most_bytes + 1)
        output += part
        if len(output) > most_bytes:
            raise CommandError(f"it prints more than {most_bytes} bytes")
        if not part:
            break
    try:
        code = process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise CommandError(f"it does not end within {seconds:g} s") from None
    if code != 0:
        raise CommandError(f"it ended with exit code {code}")
    return output
