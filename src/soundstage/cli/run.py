"""`soundstage run`: from nothing to a desktop's address, with each step and its time."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import datetime

import click
import httpx
from rich.console import Console
from rich.markup import escape

from soundstage.cli import launch
from soundstage.cli.serve import served
from soundstage.cli.user import new_operator_link
from soundstage.cli.waiting import start_steps
from soundstage.client.calls import CallError
from soundstage.kit import log
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.wiring import reaching
from soundstage.wiring.home import has_service, prepare_home

_HEALTH_SECONDS = 2.0
_HEARD_SECONDS = 1.0
"""A signal that comes just before a sleep begins does not end it: it is heard after it."""


@click.command("run")
@click.option("--once", is_flag=True, help="End when the workstation is ready.")
@click.pass_obj
def run_command(settings: Settings, *, once: bool) -> None:
    """Start a studio and one workstation.

    The studio is found or made, the workstation found, started or launched, and the address of its
    desktop printed. The service goes on until Ctrl-C, unless one was running already.
    """
    run(settings, once=once)


def run(settings: Settings, *, once: bool) -> None:
    """Start the service unless it runs, launch a workstation, print its address, and stay."""
    prepare_home(settings)
    # SIGTERM comes from `soundstage clean`; a shell's background jobs begin with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # The terminal is for people here; what the service has to say goes to a file.
    path = settings.home / "service.log"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "a", buffering=1, encoding="utf-8") as file:
        log.configure(settings.log_format, file)
        _run(settings, once=once)


def _run(settings: Settings, *, once: bool) -> None:
    console = Console(highlight=False)
    console.print("[bold]Soundstage[/bold]")
    is_running = _answers(settings)
    if is_running and not has_service(settings):
        raise ConfigError(
            f"SOUNDSTAGE_PORT: the service at {reaching.local_address(settings)} has another home "
            f"than {settings.home}. Name another port, or its home in SOUNDSTAGE_HOME."
        )
    service = nullcontext() if is_running else served(settings)
    with _step(console, "Service" + (" (runs already)" if is_running else "")):
        service.__enter__()
    try:
        with closing(launch.client_of(settings)) as client:
            _launch(console, client)
            if is_running or not once:
                _show_way_in(console, settings)
            if not once and not is_running:
                _stay(console, lambda: launch.fresh_address(client))
    finally:
        service.__exit__(None, None, None)


def _launch(console: Console, client: launch.OwnClient) -> None:
    with _step(console, "Studio") as tell:
        studio = launch.ensure_studio(client, tell)
    with _step(console, "Launch profile") as tell:
        profile = launch.ensure_profile(client, studio["studioId"], tell)
    # What the API says of moments is in whole seconds.
    began_at = system_clock().replace(microsecond=0)
    with _step(console, "Workstation") as tell:
        session = launch.ensure_workstation(
            client, studio["studioId"], profile["launchProfileId"], tell
        )
    # One that was found running was started some other day.
    is_new = any(
        datetime.fromisoformat(step["beganAt"]) >= began_at
        for step in session.get("startSteps") or ()
    )
    for name, took in start_steps(session) if is_new else ():
        console.print(f"    {escape(name):<26} {took:>7}", style="dim")
    with _step(console, "Stream"):
        address = launch.new_address(client, studio["studioId"], session["sessionId"])
    _show(console, address)


def _show(console: Console, address: str) -> None:
    console.print("\nOpen the desktop in a browser (once, within the hour):\n")
    # Plain, so that no terminal breaks it into lines.
    console.file.write(f"  {address}\n\n")
    console.file.flush()


def _show_way_in(console: Console, settings: Settings) -> None:
    console.print("Or sign in to the portal (once, within ten minutes):\n")
    console.file.write(f"  {new_operator_link(settings)}\n\n")
    console.file.flush()


def _stay(console: Console, fresh: Callable[[], str]) -> None:
    try:
        # Within, for whoever reads this may press it at once.
        console.print(
            "Ctrl-C ends the service; the workstation lives on and `make run` finds it again."
        )
        if not sys.stdin.isatty():
            while True:
                time.sleep(_HEARD_SECONDS)
        console.print("Enter prints a fresh address.")
        while sys.stdin.readline():
            try:
                _show(console, fresh())
            except CallError as error:
                # Somebody may have stopped the workstation; others may be at work in theirs.
                console.print(f"[red]✗[/red] {escape(str(error))}")
    except KeyboardInterrupt:
        pass
    console.print("\nThe service ends. The workstation lives on.")


@contextmanager
def _step(console: Console, name: str) -> Iterator[launch.Tell]:
    """Show a step with what it is doing, and its time at the end."""
    began = time.perf_counter()
    with console.status(name) as status:

        def tell(doing: str) -> None:
            status.update(f"{name}: {escape(doing)}" if doing else name)

        try:
            yield tell
        except BaseException:
            console.print(f"[red]✗[/red] {name}")
            raise
    console.print(f"[green]✓[/green] {name:<28} {time.perf_counter() - began:5.1f} s")


def _answers(settings: Settings) -> bool:
    """Reports whether a service of ours listens there; whatever else does is told with the port."""
    try:
        answer = httpx.get(
            f"{reaching.local_address(settings)}/healthz",
            timeout=_HEALTH_SECONDS,
            trust_env=False,
            verify=reaching.trust_of(settings) or True,
        )
        document = answer.json()
    except (httpx.HTTPError, ValueError):
        return False
    return answer.is_success and isinstance(document, dict) and document.get("status") == "ok"
