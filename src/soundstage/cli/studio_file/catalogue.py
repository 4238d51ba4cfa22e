"""Compares the catalogue that a studio file counts on with what the installation has.

What instance types and images are is the installation's, for all of its studios, so a file can't
change it; `difference` asks here before anything is planned.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from soundstage.kit.config import ConfigError

_LISTS = {
    "instanceTypes": ("ec2InstanceType", "SOUNDSTAGE_INSTANCE_TYPES"),
    "images": ("ec2ImageId", "SOUNDSTAGE_IMAGES"),
}
"""What tells the entries of each list apart, and the setting that says what they are."""


def expect(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> None:
    """Refuse what is not so here. Raises ConfigError with all of it, and who may change it."""
    found = {name: list(_differences(name, wanted, present)) for name in _LISTS}
    lines = [line for each in found.values() for line in each]
    if lines:
        settings = " and ".join(_LISTS[name][1] for name, each in found.items() if each)
        raise ConfigError(
            f"{'; '.join(lines)}. The catalogue is the installation's, for all of its studios: "
            f"only its operator changes it, by {settings} on its machine, and it holds from the "
            "next start of the service. Or leave that out of the file."
        )


def _differences(name: str, wanted: Mapping[str, Any], present: Mapping[str, Any]) -> Iterator[str]:
    key, _ = _LISTS[name]
    here = {each[key]: each for each in present.get(name, ())}
    for entry in wanted.get(name, ()):
        known = here.get(entry[key])
        if known is None:
            yield f"catalogue.{name}: there is no {entry[key]} here"
            continue
        for member, value in entry.items():
            if value != known[member]:
                change = f"{_text(known[member])} → {_text(value)}"
                yield f"catalogue.{name}: {entry[key]}: {member} {change}"


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
