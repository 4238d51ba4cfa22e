"""Runs the service, in the foreground or in a thread of `soundstage run`."""

import asyncio
import dataclasses
import faulthandler
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import click
import structlog
import uvicorn

from soundstage.cli.user import new_operator_link
from soundstage.gateway.accepting import Acceptor
from soundstage.kit import garbage, log
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


class _SecureServer(_Server):
    """A server of https that shows those who came without it the way there."""

    def __init__(self, config: uvicorn.Config, service: Service, plain: uvicorn.Config) -> None:
        super().__init__(config, service)
        self._plain = plain
        self._acceptors: list[Acceptor] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup([])
        assert self.config.ssl is not None  # noqa: S101 - there is a certificate
        self._acceptors = [
            Acceptor(
                listener,
                secure=partial(self._protocol, self.config),
                plain=partial(self._protocol, self._plain),
                context=self.config.ssl,
                settings=self._service.gateway.settings,
            )
            for listener in sockets or []
        ]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End."""
        for acceptor in self._acceptors:
            acceptor.close()
        await super().shutdown(sockets)

    def _protocol(self, config: uvicorn.Config) -> asyncio.Protocol:
        made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[uvicorn.Server, socket.socket]]:
    sys.setswitchinterval(_THREAD_SECONDS)
    # The port before anything else, so that a taken one is said at once and plainly.
    with (
        _listen(settings.host, settings.port, "PORT") as listener,
        closing(_prepared(settings)) as service,
    ):
        tls = tls_of(settings, service.clock)
        options = {"log_config": None, **service.gateway.uvicorn_options()}
        if tls is None:
            config = uvicorn.Config(service.app, lifespan="on", **options)
            with _pid_written(settings):
                yield _Server(config, service), listener
            return
        config = uvicorn.Config(service.app, lifespan="on", **options, **tls.uvicorn_options())
        plain = _plain(settings, tls, options)
        with _pid_written(settings), _renewed(tls, config), _welcoming(settings, plain):
            yield _SecureServer(config, service, plain), listener


def _prepared(settings: Settings) -> Service:
    # To look for garbage in what is made here would hold up every request for 70 ms or more.
    with garbage.kept_for_good():
        service = Service(settings)
        try:
            service.prepare()
        except BaseException:
            service.close()
            raise
    return service


def _plain(settings: Settings, tls: Tls, options: dict[str, Any]) -> uvicorn.Config:
    """What answers those who came without TLS: it knows the way, and no desktop."""
    own = tls.own()
    if own is not None:
        _log.info(
            "tls.own_certificate",
            certificate=own.fingerprint,
            authority=own.authority_fingerprint,
        )
    page = welcome.app(settings.address, own)
    config = uvicorn.Config(page, lifespan="off", **{**options, "ws": "none"})
    config.load()
    return config


@contextmanager
def _renewed(tls: Tls, config: uvicorn.Config) -> Iterator[None]:
    """Have the certificate looked at again while the block lasts."""
    config.load()
    is_over = threading.Event()

    def keep_renewing() -> None:
        while not is_over.wait(_RENEW_SECONDS):
            if config.ssl is not None:
                tls.renew(config.ssl)

    threading.Thread(target=keep_renewing, name="certificate", daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


@contextmanager
def _welcoming(settings: Settings, plain: uvicorn.Config) -> Iterator[None]:
    """Have http lead to https, on a port of its own, while the block lasts."""
    if settings.http_port == 0:
        yield
        return
    with _listen(settings.host, settings.http_port, "HTTP_PORT") as listener:
        server = uvicorn.Server(plain)
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
