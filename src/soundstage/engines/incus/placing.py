"""Chooses the host of a workstation in a cluster, and its seat there; no I/O.

`sizing.py` asks at a first start, with all that it read: what each member is, and what those on it
were promised. A workstation stays where its home is, whatever it is asked for later.
"""

from collections.abc import Collection, Mapping
from ipaddress import IPv4Interface

import msgspec

from soundstage.engines import admission
from soundstage.engines.admission import Holding, Host, Rules
from soundstage.engines.incus.records import FILES_PORT, STREAM_PORT, Seat
from soundstage.engines.instance_types import GIB, Share
from soundstage.engines.interface import PermanentError, Reason

_FIRST_SEAT = 10
"""Addresses below are the bridge's own and the operator's."""
_FIRST_PORT = 20_000


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A member, and who is on it."""

    name: str
    host: Host | None
    """None where it can't be asked; `why_not` says why."""
    share: Share | None = None
    """What the workstation would get of it."""
    others: dict[str, Holding] = {}
    why_not: str = ""


def choose(instance_type: str, candidates: Collection[Candidate], rules: Rules) -> tuple[str, str]:
    """The member with the most room, and why. Raises PermanentError when none has enough."""
    refused: list[str] = []
    fitting: list[tuple[float, Candidate, Host]] = []
    for each in candidates:
        if each.host is None or each.share is None:
            refused.append(f"{each.name}: {each.why_not}")
            continue
        try:
            admission.admit(instance_type, each.share, each.host, each.others, rules, is_heal=False)
        except PermanentError as error:
            refused.append(f"{each.name}: {error}")
            continue
        fitting.append((_left(each.host, each.others, rules), each, each.host))
    if not fitting:
        raise PermanentError(
            f"No host has room for a workstation of type {instance_type}. {' '.join(refused)}",
            reason=Reason.CAPACITY,
        )
    _, chosen, host = max(fitting, key=lambda found: (found[0], found[1].name))
    promised = [each.promise for each in chosen.others.values()]
    cores = host.cpus_to_promise(rules) - sum(each.cpus for each in promised)
    memory = host.memory_to_promise(rules) - sum(each.memory_bytes for each in promised)
    room = f"{cores:.1f} cores and {memory / GIB:.1f} GiB to promise"
    number = f"of {len(fitting)} hosts" if len(fitting) > 1 else "the only host with room"
    why = f"with the most room {number}" if len(fitting) > 1 else number
    return chosen.name, f"on {chosen.name}, {why}: {room}"


def _left(host: Host, others: Mapping[str, Holding], rules: Rules) -> float:
    """How much of what may be promised is left, of the scarcer of both."""
    promised = [each.promise for each in others.values()]
    cores, memory = host.cpus_to_promise(rules), host.memory_to_promise(rules)
    return min(
        1 - sum(each.cpus for each in promised) / cores,
        1 - sum(each.memory_bytes for each in promised) / memory,
    )


def seat(member: str, why: str, network: IPv4Interface, taken: Collection[str]) -> Seat:
    """The first address of the member's bridge that nobody on it has."""
    for number in range(_FIRST_SEAT, network.network.num_addresses - 1):
        address = str(network.network[number])
        if address not in taken and address != str(network.ip):
            return Seat(member=member, address=address, why=why)
    raise PermanentError(
        f"The bridge of {member} has no address left in {network.network}.", reason=Reason.CAPACITY
    )


def ports(taken: Seat, network: IPv4Interface) -> tuple[int, int]:
    """Where the member listens for its stream and its files."""
    number = int(IPv4Interface(taken.address).ip) - int(network.network.network_address)
    return _FIRST_PORT + 2 * number, _FIRST_PORT + 2 * number + 1


def doors(taken: Seat, network: IPv4Interface, host: str) -> dict[str, dict[str, str]]:
    """Devices by which the member passes on what comes for the workstation: rules, no process."""
    listens = ports(taken, network)
    inside = (STREAM_PORT, FILES_PORT)
    return {
        f"door{number}": {
            "type": "proxy",
            "nat": "true",
            "listen": f"tcp:{host}:{outside}",
            "connect": f"tcp:{taken.address}:{port}",
        }
        for number, (outside, port) in enumerate(zip(listens, inside, strict=True))
    }
