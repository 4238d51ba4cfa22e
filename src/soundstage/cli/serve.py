"""Runs the service, in the foreground or in a thread of `soundstage run`."""

import dataclasses
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
from typing import Any
from urllib.parse import urlsplit

import click
import structlog
import uvicorn

from soundstage.cli.user import new_operator_link
from soundstage.kit import log
from soundstage.kit.config import ConfigError, Settings
from soundstage.portal import welcome
from soundstage.wire.faults import Fault
from soundstage.wiring.service import Service
from soundstage.wiring.tls import Tls, tls_of

_START_SECONDS = 30.0
_RENEW_SECONDS = 60.0
_THREAD_SECONDS = 0.0005
"""How long one thread may keep the interpreter while others want it. Python's own 5 ms are more
than most requests take, and a request needs it two or three times.
"""


_log = structlog.get_logger("soundstage")


@click.command("serve")
@click.option("--tls", is_flag=True, help="Speak https, as the setting tls does.")
@click.pass_obj
def serve_command(settings: Settings, *, tls: bool) -> None:
    """Run the service in the foreground."""
    serve(dataclasses.replace(settings, tls=tls or settings.tls))


def serve(settings: Settings) -> None:
    """Run until a signal; workstations live on."""
    # A crash of native code says where it was, in every thread.
    faulthandler.enable()
    log.configure(settings.log_format)
    with _server(settings) as (server, listener):
        _end_well_on_signals(server)
        click.echo(f"Soundstage listens on {settings.address}", err=True)
        if settings.speaks_tls and settings.http_port:
            host = urlsplit(settings.address).hostname
            click.echo(f"http://{host}:{settings.http_port} leads there", err=True)
        click.echo(_way_in(settings, is_watched=sys.stderr.isatty()), err=True)
        server.run(sockets=[listener])


@contextmanager
def served(settings: Settings) -> Iterator[None]:
    """Run the service in a thread while the block lasts. Raises ConfigError."""
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


class _Server(uvicorn.Server):
    """A server that has pages and feeds let go before it waits for their connections to end."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        self._service.let_go()
        await super().shutdown(sockets)


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[uvicorn.Server, socket.socket]]:
    sys.setswitchinterval(_THREAD_SECONDS)
    # The port before anything else, so that a taken one is said at once and plainly.
    with _listen(settings.host, settings.port, "PORT") as listener:
        service = Service(settings)
        try:
            service.prepare()
            # What is there now stays: looking through it for garbage again and again would hold up
            # every request for 70 ms or more.
            gc.collect()
            gc.freeze()
            tls = tls_of(settings, service.clock)
            options = service.gateway.uvicorn_options()
            config = uvicorn.Config(
                service.app,
                log_config=None,
                lifespan="on",
                **options,
                **({} if tls is None else tls.uvicorn_options()),
            )
            with _pid_written(settings), _certified(settings, tls, config, options):
                yield _Server(config, service), listener
        finally:
            service.close()


@contextmanager
def _certified(
    settings: Settings, tls: Tls | None, config: uvicorn.Config, options: dict[str, Any]
) -> Iterator[None]:
    """Have the certificate looked at again while the block lasts, and http lead to https."""
    if tls is None:
        yield
        return
    config.load()
    is_over = threading.Event()

    def keep_renewing() -> None:
        while not is_over.wait(_RENEW_SECONDS):
            if config.ssl is not None:
                tls.renew(config.ssl)

    threading.Thread(target=keep_renewing, name="certificate", daemon=True).start()
    try:
        with _welcoming(settings, tls, options):
            yield
    finally:
        is_over.set()


@contextmanager
def _welcoming(settings: Settings, tls: Tls, options: dict[str, Any]) -> Iterator[None]:
    own = tls.own()
    if own is not None:
        _log.info(
            "tls.own_certificate",
            certificate=own.fingerprint,
            authority=own.authority_fingerprint,
        )
    if settings.http_port == 0:
        yield
        return
    with _listen(settings.host, settings.http_port, "HTTP_PORT") as listener:
        page = uvicorn.Config(
            welcome.app(settings.address, own), log_config=None, lifespan="off", **options
        )
        server = uvicorn.Server(page)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="welcome")
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join()


def _listen(host: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        if (error.errno or 0) < 0:
            # The resolver's own numbers, which stand for no error of the system.
            raise ConfigError(f"SOUNDSTAGE_HOST: {host} is no address of this machine.") from None
        raise ConfigError(
            f"SOUNDSTAGE_{setting}: {host}:{port} can't be listened on "
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
