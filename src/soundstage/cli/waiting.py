"""Waits until a resource is as it was asked to be, with a line that says how it is getting on.

What is waited for are the waiters that SDKs have, looked at more often; `commands` gives them
`--wait`, and the commands about workstations wait by themselves.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from soundstage.cli.exits import NOT_REACHED
from soundstage.cli.options import members
from soundstage.client.calls import CallError, Client
from soundstage.resources.operations import OPERATIONS
from soundstage.resources.waiters import WAITERS
from soundstage.wire.operation import Operation
from soundstage.wire.service_model import Waiter
from soundstage.words import starts
from soundstage.words.texts import Words

POLL_SECONDS = 0.5
_LEADS_TO = {
    "Create": "READY",
    "Update": "READY",
    "Start": "READY",
    "Stop": "STOPPED",
    "Delete": "DELETED",
}
_ROWS = {row.name: row for row in OPERATIONS}


def waiter_after(row: Operation) -> Waiter | None:
    """Find the waiter for what an operation begins; None where it is done at once."""
    answered = {field.encode_name for field in members(row.output)}
    for verb, state in _LEADS_TO.items():
        if row.name.startswith(verb):
            for waiter in WAITERS:
                if waiter.success == state and waiter.path.partition(".")[0] in answered:
                    return waiter
    return None


def waiter(name: str) -> Waiter:
    """Give a waiter by its name."""
    return next(each for each in WAITERS if each.name == name)


def settled(
    client: Client,
    waiter: Waiter,
    found: Mapping[str, Any],
    *,
    what: str = "",
    expected_seconds: float | None = None,
) -> dict[str, Any]:
    """Wait, and give the last answer; `found` has the ids that it is asked for by.

    The line fills up in the time that is expected, and just moves where none is; below it stand
    the steps of a start that are to come.

    Raises CallError where it ends otherwise, or not in the waiter's time.
    """
    key, _, member = waiter.path.partition(".")
    labels = {label: found[label] for label in _ROWS[waiter.operation].labels}
    seconds = waiter.delay_seconds * waiter.tries
    deadline = time.monotonic() + seconds
    is_start = waiter.success == "READY"
    with _line(what or key, expected_seconds) as tell:
        while True:
            answer = client.call(waiter.operation, **labels)
            resource = answer[key]
            state = str(resource[member])
            message = str(resource.get("statusMessage") or "")
            tell(state, message, resource if is_start else {})
            if state == waiter.success:
                return answer
            if not state.endswith("_IN_PROGRESS"):
                raise CallError(NOT_REACHED, 0, f"{what or key}: {state}. {message}".rstrip())
            if time.monotonic() > deadline:
                raise CallError(
                    NOT_REACHED, 0, f"{what or key}: still {state} after {seconds} s. {message}"
                )
            time.sleep(POLL_SECONDS)


def start_steps(resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name the steps that a start has gone through, each with its time; none of what is no start.

    The one that it failed at is not among them.
    """
    words, is_restored = Words(), "startedFromBackupId" in resource
    taken = list(resource.get("startSteps") or ())
    if taken and starts.has_failed(resource):
        taken.pop()
    return [
        (starts.name(words, step, is_restored=is_restored), starts.took(words, step["seconds"]))
        for step in taken
        if step.get("seconds") is not None
    ]


def failed_step(resource: Mapping[str, Any]) -> str:
    """Name the step that a start failed at; empty where none did."""
    taken = resource.get("startSteps") or ()
    if not taken or not starts.has_failed(resource):
        return ""
    return starts.failure(Words(), resource, taken[-1])


def steps_ahead(resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name the step that a start is at and those to come, each with its usual time if known."""
    words, is_restored = Words(), "startedFromBackupId" in resource
    going = [step for step in resource.get("startSteps") or () if step.get("seconds") is None]
    return [
        (starts.name(words, step, is_restored=is_restored), starts.usual(words, step))
        for step in [*going, *(resource.get("startStepsAhead") or ())]
    ]


class _Line(Progress):
    """A line that moves, and below it the steps that are to come."""

    ahead: Sequence[tuple[str, str]] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        """Draw them."""
        yield from super().get_renderables()
        for number, (name, usual) in enumerate(self.ahead):
            mark, style = ("▸", "") if number == 0 else ("·", "dim")
            yield Text.assemble((f"{mark} {name:<40} ", style), (usual, "dim"))


@contextmanager
def _line(what: str, expected_seconds: float | None) -> Iterator[Any]:
    """Show a line on a terminal; where nobody looks, nothing."""
    began = time.monotonic()
    console = Console(file=sys.stderr, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}", style="dim"),
    )
    with _Line(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(escape(what), total=expected_seconds, message="")
        shown_steps: set[str] = set()

        def tell(state: str, message: str, start: Mapping[str, Any]) -> None:
            for name, took in start_steps(start):
                if name not in shown_steps and not progress.disable:
                    progress.console.print(f"[green]✓[/green] {escape(name):<40} {took:>8}")
                shown_steps.add(name)
            failed = failed_step(start)
            if failed and not progress.disable:
                progress.console.print(f"[red]✗[/red] {escape(failed)}")
            progress.ahead = steps_ahead(start)
            gone, left = time.monotonic() - began, start.get("startRemainingSeconds")
            shown = state.replace("_", " ").lower()
            progress.update(
                task,
                description=escape(f"{what}: {shown}"),
                message=escape(message if left is None else starts.remaining(Words(), left)),
                total=expected_seconds if left is None else gone + left,
                completed=gone if expected_seconds or left is not None else 0,
            )

        yield tell
