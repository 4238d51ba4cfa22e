"""`soundstage capacity`: how large this machine is, what instance types get here, what is free, and
what is limited.

Asks the engine over the home folder, so it answers whether the service runs or not.
"""

from collections.abc import Sequence
from typing import Any

import click

from soundstage.cli.output import Form, output_option, show_one, show_rows
from soundstage.engines import registry
from soundstage.engines.interface import Capability, Capacity, Room, SupportsSizes
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.hosts import service as hosts
from soundstage.wiring.home import opened, prepare_home

_GIB = 1024**3


@click.command("capacity")
@output_option
@click.pass_obj
def capacity(settings: Settings, *, output: Form) -> None:
    """Say what this machine gives to workstations, and what is left."""
    prepare_home(settings)
    engine = registry.make(settings, system_clock)
    if not isinstance(engine, SupportsSizes):
        raise ConfigError("SOUNDSTAGE_ENGINE: this engine knows of no sizes.")
    with opened(settings) as (database, _), database.transaction(write=False) as transaction:
        closed = hosts.closed(transaction)
    room, limits = engine.room(avoid=closed), engine.capabilities()
    if output == "json":
        show_one(output, document(room, limits))
        return
    show_rows(output, "places", _places(room))
    if closed:
        click.echo(f"\nTaken out for maintenance, and not counted: {', '.join(closed)}.")
    click.echo(
        f"\nFree now: {_gib(room.free_memory_bytes)} GiB of memory, "
        f"{_gib(room.free_disk_bytes)} GiB of disk.\n"
    )
    show_rows(output, "types", [_row("instance type", *each) for each in room.types.items()])
    click.echo("\nWorkstations that run, or have a place kept:")
    rows = [_row("session", *each) for each in room.workstations.items()]
    show_rows(output, "workstations", rows)
    click.echo()
    show_rows(
        output,
        "limits",
        [
            {"what": one.name, "here": "yes" if one.available else "no", "detail": one.detail}
            for one in limits
        ],
    )


def document(room: Room, limits: Sequence[Capability]) -> dict[str, Any]:
    """All of it for programs."""
    return {
        "machine": _members(room.size),
        "mayBePromised": _members(room.to_promise),
        "promised": _members(room.promised),
        "freeMemoryBytes": room.free_memory_bytes,
        "freeDiskBytes": room.free_disk_bytes,
        "instanceTypes": [
            {"name": name, **_members(each), "detail": room.details[name]}
            for name, each in room.types.items()
        ],
        "workstations": [
            {"sessionId": ref, **_members(each)} for ref, each in room.workstations.items()
        ],
        "limits": [
            {"name": one.name, "available": one.available, "detail": one.detail} for one in limits
        ],
    }


def _members(capacity: Capacity) -> dict[str, Any]:
    return {
        "cpus": capacity.cpus,
        "memoryBytes": capacity.memory_bytes,
        "gpus": capacity.gpus,
    }


def _places(room: Room) -> list[dict[str, Any]]:
    left = Capacity(
        cpus=max(room.to_promise.cpus - room.promised.cpus, 0.0),
        memory_bytes=max(room.to_promise.memory_bytes - room.promised.memory_bytes, 0),
        gpus=max(room.to_promise.gpus - room.promised.gpus, 0),
    )
    return [
        _row("", "this machine", room.size),
        _row("", "may be promised", room.to_promise),
        _row("", "is promised", room.promised),
        _row("", "is left", left),
    ]


def _row(first: str, name: str, capacity: Capacity) -> dict[str, Any]:
    return {
        first: name,
        "cores": f"{capacity.cpus:g}",
        "memory GiB": _gib(capacity.memory_bytes),
        "GPUs": capacity.gpus,
    }


def _gib(number: int) -> str:
    return f"{number / _GIB:.1f}"
