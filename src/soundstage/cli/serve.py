"""Runs the service, in the foreground or in a thread of `soundstage run`."""

import faulthandler
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click
import uvicorn

from soundstage.cli.user import new_operator_link
from soundstage.kit import log
from soundstage.kit.config import ConfigError, Settings
from soundstage.wire.faults import Fault
from soundstage.wiring.service import Service

_START_SECONDS = 30.0
_THREAD_SECONDS = 0.0005
"""How long one thread may keep the interpreter while others want it. Python's own 5 ms are more
than most requests take, and a request needs it two or three times.
"""


def serve(settings: Settings) -> None:
    """Run until a signal; workstations live on."""
    # A crash of native code says where it was, in every thread.
    faulthandler.enable()
    log.configure(settings.log_format)
    with _server(settings) as (server, listener):
        _end_well_on_signals(server)
        click.echo(f"Soundstage listens on {settings.address}", err=True)
        click.echo(_way_in(settings, is_watched=sys.stderr.isatty()), err=True)
        server.run(sockets=[listener])


@contextmanager
def served(settings: Settings) -> Iterator[None]:
    """Run the service in a thread while the block lasts. Raises ConfigError, ServiceRunsError."""
    with _server(settings) as (server, listener):
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="service")
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield
        finally:
            server.should_exit = True
            thread.join()


def _way_in(settings: Settings, *, is_watched: bool) -> str:
    """Say how the operator signs in. Only a terminal gets the link itself: a log would keep it, and
    is read by others.
    """
    if not is_watched:
        return "Sign in by the link that `soundstage user link operator` prints."
    try:
        return f"Sign in (once, within ten minutes): {new_operator_link(settings)}"
    except Fault as fault:
        return f"Nobody can sign in as the operator: {fault.message}"


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[uvicorn.Server, socket.socket]]:
    sys.setswitchinterval(_THREAD_SECONDS)
    # The port before anything else, so that a taken one is said at once and plainly.
    with _listen(settings) as listener:
        service = Service(settings)
        try:
            service.prepare()
            # What is there now stays: looking through it for garbage again and again would hold up
            # every request for 70 ms or more.
            gc.collect()
            gc.freeze()
            with _pid_written(settings):
                config = uvicorn.Config(
                    service.app,
                    log_config=None,
                    lifespan="on",
                    **service.gateway.uvicorn_options(),
                )
                yield uvicorn.Server(config), listener
        finally:
            service.close()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as error:
        if (error.errno or 0) < 0:
            # The resolver's own numbers, which stand for no error of the system.
            raise ConfigError(
                f"SOUNDSTAGE_HOST: {settings.host} is no address of this machine."
            ) from None
        raise ConfigError(
            f"SOUNDSTAGE_PORT: {settings.host}:{settings.port} can't be listened on "
            f"({os.strerror(error.errno or 0)}). Name another port, or end what uses this one."
        ) from None


def _end_well_on_signals(server: uvicorn.Server) -> None:
    """Let a signal end the service with exit code 0: uvicorn ends kindly and then raises the signal
    once more, which without a handler of ours would kill the process after all.
    """

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


@contextmanager
def _pid_written(settings: Settings) -> Iterator[None]:
    """Let `soundstage clean` find this process while it runs."""
    path = settings.home / "service.pid"
    path.write_text(f"{os.getpid()}\n")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise ConfigError("The service did not start; the lines above say why.")
        time.sleep(0.02)
