"""`soundstage hosts`: which hosts there are and who is on them, and taking one out for maintenance.

`evacuate` and `reopen` come from the operation table; the list has a table of its own.
"""

from typing import Any

import click

from soundstage.cli.commands import noun_group
from soundstage.cli.connection import Connection, with_connection
from soundstage.cli.output import Form, output_option, show_document, show_rows

_GIB = 1024**3

hosts = noun_group("hosts")


@hosts.command("list")
@output_option
@with_connection
def list_command(connection: Connection, *, output: Form) -> None:
    """List the hosts, what is promised of each, who is on it, and when it is taken out."""
    found = connection.client.call("ListHosts")["hosts"]
    if output != "table":
        show_document(output, {"hosts": found})
        return
    show_rows("table", "hosts", [row(each) for each in found])
    for each in found:
        said = sentence(each)
        if said:
            click.echo(f"\n{said}")


def row(host: dict[str, Any]) -> dict[str, Any]:
    """Say in figures what there is of a host, and what is promised of it."""
    running = sum(each["stage"] != "RESTING" for each in host["sessions"])
    return {
        "host": host["hostName"],
        "state": host["state"] if host["isReachable"] else f"{host['state']}, AWAY",
        "cores": _of(host, "cpus", 1, "g"),
        "memory GiB": _of(host, "memoryInBytes", _GIB, ".0f"),
        "GPUs": _of(host, "gpus", 1, "g"),
        "sessions": running,
        "stopped": len(host["sessions"]) - running,
        "prepared": host["warmWorkstations"],
    }


def sentence(host: dict[str, Any]) -> str:
    """Say what goes on with a host that is not as usual; empty where nothing is to be said."""
    name, order = host["hostName"], host.get("evacuation")
    said = []
    if not host["isReachable"]:
        said.append(f"{name} does not answer: {host.get('statusMessage', '')}.")
    if order is not None:
        why = f" ({order['reason']})" if "reason" in order else ""
        if host["state"] == "EVACUATED":
            said.append(f"{name} is evacuated{why}: nothing runs there, it may be switched off.")
        else:
            said.append(
                f"{name} is being evacuated{why}: {order['remaining']} still there, to be stopped "
                f"from {order['at']} on."
            )
    return " ".join(said)


def _of(host: dict[str, Any], member: str, unit: int, form: str) -> str:
    """Write what is promised of what may be; a host that does not answer has no figures."""
    if "toPromise" not in host:
        return "-"
    promised, most = host["promised"][member] / unit, host["toPromise"][member] / unit
    return f"{promised:{form}} of {most:{form}}"
