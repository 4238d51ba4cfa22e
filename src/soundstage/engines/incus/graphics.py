"""Graphics cards as Incus tells of them, and what an instance must be told to have one.

`place.py` reads them, `sizing.py` chooses, `drawing.py` asks for the devices. Cards are known by
their address on the host's bus. Of NVIDIA's the host lends its driver to the instance; the others
need none beside what the image has.
"""

from collections.abc import Sequence

import msgspec

_VENDORS = {"10de": "NVIDIA", "1002": "AMD", "8086": "Intel"}
# The group video of Debian, in which the artist is.
_GROUP = "44"
_NVIDIA = {
    "nvidia.runtime": "true",
    "nvidia.driver.capabilities": "compute,graphics,utility,video,display",
}


class _Nodes(msgspec.Struct, frozen=True):
    render_name: str = ""


class Found(msgspec.Struct, frozen=True):
    """A card in Incus's words."""

    pci_address: str = ""
    vendor_id: str = ""
    product: str = ""
    driver: str = ""
    drm: _Nodes | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One that a workstation can have."""

    name: str
    """Its address, such as `0000:01:00.0`."""
    vendor: str
    model: str
    render_node: str | None
    """What an encoder of pictures opens; the same inside as on the host."""

    def __str__(self) -> str:
        return f"{self.model or self.vendor} ({self.name})"


def known(found: Sequence[Found]) -> list[Card]:
    """Those of vendors whose programs we know, with a driver and an address."""
    return [
        Card(
            name=each.pci_address,
            vendor=_VENDORS[each.vendor_id],
            model=each.product,
            render_node=_node(each),
        )
        for each in found
        if each.pci_address and each.driver and each.vendor_id in _VENDORS
    ]


def _node(found: Found) -> str | None:
    name = "" if found.drm is None else found.drm.render_name
    return f"/dev/dri/{name}" if name else None


def devices(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """What an instance is given, by the names in its promise."""
    return {
        f"gpu{number}": {
            "type": "gpu",
            "gputype": "physical",
            "pci": name,
            "gid": _GROUP,
            "mode": "0660",
        }
        for number, name in enumerate(names)
    }


def config(cards: Sequence[Card]) -> dict[str, str]:
    """What else it must be told; an empty word takes what an earlier start was told."""
    is_nvidia = any(card.vendor == "NVIDIA" for card in cards)
    return {key: value if is_nvidia else "" for key, value in _NVIDIA.items()}


def render_node(cards: Sequence[Card]) -> str | None:
    """Where pictures are encoded; None without a card that can."""
    return next((card.render_node for card in cards if card.render_node), None)
