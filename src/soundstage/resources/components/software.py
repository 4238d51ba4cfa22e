"""Which variables tell software where its licences or its farm are, worked out from a component.

Called by launch profiles when a workstation starts, and by the components' service to refuse an
address that no variable could hold. No I/O. The table is in docs/reference/software-variables.md,
each row with the page of its maker that it comes from; a change here is a change there.
"""

import re
from collections.abc import Callable

import msgspec

from soundstage.resources.components.model import StudioComponent, StudioComponentType

_HOST = r"(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
_PORT = r"(?P<port>[1-9][0-9]{0,4})"
_ADDRESS = re.compile(
    rf"({_PORT}@)?{_HOST}|{_HOST.replace('host', 'host2')}:{_PORT.replace('port', 'port2')}"
)
_SCHEME = re.compile(r"(?P<scheme>https?)://", re.IGNORECASE)
FORMS = ("host", "host:port", "port@host")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server is."""

    host: str
    port: int | None
    is_secure: bool = False
    """Whether it was written with https://."""

    def at(self, default: int | None) -> str:
        """Write it as `port@host`, the way of licence managers."""
        port = self.port or default
        return f"{port or ''}@{self.host}"

    def colon(self, default: int | None) -> str:
        """Write it as `host:port`, or `host` where no port is known."""
        port = self.port or default
        return self.host if port is None else f"{self.host}:{port}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Software that a component's name may speak of, and what it reads."""

    words: tuple[str, ...]
    """In lower case, letters and digits only, as `_words` makes them."""
    variables: dict[str, Callable[[Address], str]]
    join: str | None = ":"
    """What stands between several servers; None where the first one has it."""


LICENCES = (
    Row(
        words=("foundry", "nuke", "mari", "katana", "modo", "hiero"),
        variables={"foundry_LICENSE": lambda a: a.at(4101)},
    ),
    Row(
        words=("autodesk", "maya", "flame", "arnold", "motionbuilder", "mudbox", "vred"),
        variables={"ADSKFLEX_LICENSE_FILE": lambda a: a.at(None)},
    ),
    Row(
        words=("sidefx", "houdini", "karma", "mantra"),
        variables={"SESI_LMHOST": lambda a: a.colon(None)},
        join=";",
    ),
    Row(
        words=("redshift", "maxon", "cinema", "cinema4d", "c4d", "zbrush"),
        variables={"redshift_LICENSE": lambda a: a.at(5053)},
    ),
    Row(
        words=("chaos", "vray"),
        variables={
            "VRAY_AUTH_CLIENT_SETTINGS": lambda a: f"licset://{a.colon(30_304)}",
            # Otherwise the settings of the program's own file win.
            "VRAY_AUTH_CLIENT_FILE_PATH": lambda _: "/null",
        },
        join=None,
    ),
    Row(
        words=("pixar", "renderman"),
        variables={"PIXAR_LICENSE_FILE": lambda a: a.at(9010)},
    ),
    Row(words=("rlm", "reprise"), variables={"RLM_LICENSE": lambda a: a.at(5053)}),
    Row(
        words=("flexlm", "flexnet", "lmgrd"),
        variables={"LM_LICENSE_FILE": lambda a: a.at(None)},
    ),
)
ANY_LICENCE = Row(
    words=(),
    variables={"RLM_LICENSE": lambda a: a.at(5053), "LM_LICENSE_FILE": lambda a: a.at(None)},
)
"""For a name that speaks of none: what all software of the two common managers falls back to."""
FARMS = (
    Row(
        words=("opencue", "cuebot", "cue"),
        variables={"CUEBOT_HOSTS": lambda a: a.colon(None)},
        join=",",
    ),
)
_DEADLINE = "deadline"


def environment_of(components: list[StudioComponent]) -> dict[str, str]:
    """Put the variables of all licence services and farms together."""
    found: dict[str, str] = {}
    for component in components:
        address = address_of(component)
        if address is None:
            continue
        for row in _rows_of(component):
            for name, write in row.variables.items():
                value = write(address)
                if name not in found:
                    found[name] = value
                elif row.join is not None and value not in found[name].split(row.join):
                    found[name] += row.join + value
    return found


def address_of(component: StudioComponent) -> Address | None:
    """Read the address of a licence service or a farm; None where it has none that can be read."""
    endpoint = endpoint_of(component)
    return parse(endpoint) if endpoint else None


def endpoint_of(component: StudioComponent) -> str | None:
    """Say what was given as the address of a licence service or a farm."""
    configuration = component.configuration
    if configuration is None:
        return None
    given = configuration.license_service_configuration or configuration.compute_farm_configuration
    return given.endpoint if given is not None else None


def parse(endpoint: str) -> Address | None:
    """Read an address; None for what could be more than one."""
    scheme = _SCHEME.match(endpoint)
    rest = endpoint[scheme.end() :].rstrip("/") if scheme else endpoint
    found = _ADDRESS.fullmatch(rest)
    if found is None:
        return None
    port = found["port"] or found["port2"]
    if port is not None and int(port) > 65_535:
        return None
    return Address(
        host=found["host"] or found["host2"],
        port=None if port is None else int(port),
        is_secure=scheme is not None and scheme["scheme"].lower() == "https",
    )


def deadline_script(component: StudioComponent) -> str | None:
    """Write the script that leads Deadline's submitters to the farm; None for another farm.

    Deadline reads no variable for this, but `deadline.ini`, which all its programs share.
    """
    address = address_of(component)
    is_farm = component.type is StudioComponentType.COMPUTE_FARM
    if not is_farm or address is None or _DEADLINE not in _words(component.name):
        return None
    is_secure = address.is_secure or address.port == 4433
    root = address.colon(4433 if is_secure else 8080)
    return (
        "#!/bin/sh\n"
        "set -e\n"
        "folder=/var/lib/Thinkbox/Deadline10\n"
        'mkdir -p "$folder"\n'
        'cat > "$folder/deadline.ini" <<END\n'
        "[Deadline]\n"
        "ConnectionType=Remote\n"
        f"ProxyRoot={root}\n"
        f"ProxyRoot0={root}\n"
        f"ProxyUseSSL={is_secure}\n"
        "END\n"
    )


def _rows_of(component: StudioComponent) -> tuple[Row, ...]:
    words = _words(component.name)
    if component.type is StudioComponentType.LICENSE_SERVICE:
        found = tuple(row for row in LICENCES if words & set(row.words))
        return found or (ANY_LICENCE,)
    if component.type is StudioComponentType.COMPUTE_FARM:
        return tuple(row for row in FARMS if words & set(row.words))
    return ()


def _words(name: str) -> set[str]:
    """`V-Ray (Chaos) 6` speaks of v, ray, chaos and 6, and, hyphens left out, of vray."""
    joined = re.sub(r"[-_.]", "", name.lower())
    return set(re.findall(r"[a-z0-9]+", name.lower())) | set(re.findall(r"[a-z0-9]+", joined))
