"""The operations on hosts, additions to the public API: shapes, and rows that are made when it is
known what runs on hosts.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from msgspec import Meta

from soundstage.resources.hosts import service
from soundstage.resources.hosts.model import Evacuation, Host, HostState, Stage
from soundstage.resources.hosts.service import Occupants
from soundstage.resources.request import Request
from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import ClientToken, Shape

HostName = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._-]+\Z")]


class CapacityShape(Shape, frozen=True, kw_only=True):
    """Cores, memory and graphics cards."""

    cpus: float
    gpus: int
    memory_in_bytes: int


class HostSessionShape(Shape, frozen=True, kw_only=True):
    """A session whose workstation, or disk, is on a host."""

    owned_by: str
    session_id: str
    stage: Stage
    """What it needs the host for."""
    state: str
    studio_id: str


class EvacuationShape(Shape, frozen=True, kw_only=True):
    """The order to take a host out."""

    at: datetime
    """When the sessions on it begin to be stopped."""
    ordered_at: datetime
    ordered_by: str
    remaining: int
    """How many workstations still run there, or are on their way down."""
    reason: str | None = None


class HostShape(Shape, frozen=True, kw_only=True):
    """A host that workstations run on."""

    host_name: str
    is_reachable: bool
    """Whether it answers; figures are there only when it does."""
    sessions: list[HostSessionShape]
    state: HostState
    warm_workstations: int
    """How many of those on it are prepared, and nobody's yet."""
    status_message: str | None = None
    """Why it does not answer."""
    size: CapacityShape | None = None
    to_promise: CapacityShape | None = None
    """What all workstations on it together may be promised."""
    promised: CapacityShape | None = None
    free_memory_in_bytes: int | None = None
    free_disk_in_bytes: int | None = None
    evacuation: EvacuationShape | None = None
    """Of one that is taken out, or is out."""


class ListHostsInput(Shape, frozen=True, kw_only=True):
    """Nothing to choose: they are the installation's."""


class ListHostsOutput(Shape, frozen=True, kw_only=True):
    """All hosts, by their names."""

    hosts: list[HostShape]


class EvacuateHostInput(Shape, frozen=True, kw_only=True):
    """Which host, by when, and why; half an hour from now unless a moment or minutes are given."""

    host_name: HostName
    at: Annotated[datetime, Meta(tz=True)] | None = None
    client_token: ClientToken | None = None
    grace_in_minutes: Annotated[int, Meta(ge=0, le=43200)] | None = None
    reason: Annotated[str, Meta(max_length=200)] | None = None
    """What people on it are told, in a few words."""


class EvacuateHostOutput(Shape, frozen=True, kw_only=True):
    """What was ordered."""

    evacuation: EvacuationShape


class ReopenHostInput(Shape, frozen=True, kw_only=True):
    """Which host."""

    host_name: HostName
    client_token: ClientToken | None = None


class ReopenHostOutput(Shape, frozen=True, kw_only=True):
    """How it is now."""

    host_name: str
    state: HostState


def list_hosts(occupants: Occupants, request: Request, given: ListHostsInput) -> ListHostsOutput:
    """List the hosts of the installation, what is promised of each, and who is on it."""
    del given
    return ListHostsOutput(hosts=[_show(each) for each in service.list_all(request, occupants)])


def evacuate_host(
    occupants: Occupants, request: Request, given: EvacuateHostInput
) -> EvacuateHostOutput:
    """Take a host out for maintenance: nothing new starts there, and what runs there is stopped."""
    minutes = given.grace_in_minutes
    ordered = service.evacuate(
        request,
        occupants,
        given.host_name,
        at=given.at,
        grace=None if minutes is None else timedelta(minutes=minutes),
        reason=given.reason or "",
    )
    return EvacuateHostOutput(evacuation=_show_evacuation(ordered))


def reopen_host(occupants: Occupants, request: Request, given: ReopenHostInput) -> ReopenHostOutput:
    """Have a host take workstations again; whoever still counts down goes on."""
    service.reopen(request, occupants, given.host_name)
    return ReopenHostOutput(host_name=given.host_name, state=HostState.OPEN)


def _show(host: Host) -> HostShape:
    observed, room = host.observed, host.observed.room
    amounts = (
        {}
        if room is None
        else {
            name: CapacityShape(
                cpus=amount.cpus, gpus=amount.gpus, memory_in_bytes=amount.memory_bytes
            )
            for name, amount in (
                ("size", room.size),
                ("to_promise", room.to_promise),
                ("promised", room.promised),
            )
        }
    )
    return HostShape(
        host_name=observed.name,
        is_reachable=observed.is_reachable,
        sessions=[
            HostSessionShape(
                owned_by=each.owned_by,
                session_id=each.session_id,
                stage=each.stage,
                state=each.state,
                studio_id=each.studio_id,
            )
            for each in host.sessions
        ],
        state=host.state,
        warm_workstations=host.warm,
        status_message=observed.detail or None,
        free_memory_in_bytes=None if room is None else room.free_memory_bytes,
        free_disk_in_bytes=None if room is None else room.free_disk_bytes,
        evacuation=None if host.evacuation is None else _show_evacuation(host.evacuation),
        **amounts,
    )


def _show_evacuation(evacuation: Evacuation) -> EvacuationShape:
    return EvacuationShape(
        at=evacuation.at,
        ordered_at=evacuation.created_at,
        ordered_by=evacuation.created_by,
        remaining=evacuation.remaining,
        reason=evacuation.reason or None,
    )


_OPERATOR = Permission(administrator=Grant.NEVER, user=Grant.NEVER)


def operations(occupants: Occupants) -> list[Operation]:
    """Make the rows."""
    return [
        Operation(
            name="ListHosts",
            method="GET",
            path="/hosts",
            input=ListHostsInput,
            output=ListHostsOutput,
            permission=_OPERATOR,
            handler=partial(list_hosts, occupants),
            asks_engine=True,
        ),
        Operation(
            name="EvacuateHost",
            method="POST",
            path="/hosts/{hostName}/evacuate",
            input=EvacuateHostInput,
            output=EvacuateHostOutput,
            permission=_OPERATOR,
            handler=partial(evacuate_host, occupants),
            names_host=True,
        ),
        Operation(
            name="ReopenHost",
            method="POST",
            path="/hosts/{hostName}/reopen",
            input=ReopenHostInput,
            output=ReopenHostOutput,
            permission=_OPERATOR,
            handler=partial(reopen_host, occupants),
            names_host=True,
        ),
    ]
