"""Runs the service, in the foreground or in a thread of `soundstage run`."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
import uvicorn

from soundstage.kit import log
from soundstage.kit.config import ConfigError, Settings
from soundstage.wiring import Service

_START_SECONDS = 30.0


def serve(settings: Settings) -> None:
    """Run until a signal; workstations live on."""
    log.configure(settings.log_format)
    server, listener = _server(settings)
    with listener:
        click.echo(f"Soundstage listens on {settings.address}", err=True)
        server.run(sockets=[listener])


@contextmanager
def served(settings: Settings) -> Iterator[None]:
    """Run the service in a thread while the block lasts. Raises ConfigError, ServiceRunsError."""
    server, listener = _server(settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="service")
    with listener:
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield
        finally:
            server.should_exit = True
            thread.join()


def _server(settings: Settings) -> tuple[uvicorn.Server, socket.socket]:
    listener = _listen(settings)
    service = Service(settings)
    service.prepare()
    _write_pid(settings)
    config = uvicorn.Config(
        service.app,
        log_config=None,
        lifespan="on",
        **service.gateway.uvicorn_options(),
    )
    return uvicorn.Server(config), listener


def _listen(settings: Settings) -> socket.socket:
    # Before anything else starts, so that a taken port is said at once and plainly.
    try:
        return socket.create_server((settings.host, settings.port), backlog=512)
    except OSError as error:
        raise ConfigError(
            f"SOUNDSTAGE_PORT: {settings.host}:{settings.port} can't be listened on "
            f"({os.strerror(error.errno or 0)}). Name another port, or end what uses this one."
        ) from None


def _write_pid(settings: Settings) -> None:
    (settings.home / "service.pid").write_text(f"{os.getpid()}\n")


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise ConfigError("The service did not start; the lines above say why.")
        time.sleep(0.02)
