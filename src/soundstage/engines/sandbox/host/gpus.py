"""The graphics cards of this host: which there are, and what a workstation needs to use one.

Asked by `engine.py` at each start and for the capabilities. Everything is read below a root folder,
so that a made-up device tree serves as well as the host's own.

* NVIDIA: a card is `/dev/nvidia<n>`; all cards share nvidiactl, nvidia-uvm, nvidia-modeset and the
  nodes in nvidia-caps. `/proc/driver/nvidia/gpus/<slot>/information` has its model and UUID.
* AMD and Intel: a card is a render node, `/dev/dri/renderD<n>`, and the `card<n>` of the same
  device; AMD's compute programs need `/dev/kfd` too.

Those of a workstation are the only ones that exist in it, so programs count them from nought; the
variables say the same to those that look at variables only.
"""

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

_VENDORS: dict[str, Literal["AMD", "Intel"]] = {"0x1002": "AMD", "0x8086": "Intel"}
_NVIDIA_SHARED = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")
_NVIDIA_NODE = re.compile(r"nvidia([0-9]+)")
_RENDER_NODE = re.compile(r"renderD[0-9]+")


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """One card of this host."""

    name: str
    """Its own node, such as `/dev/nvidia0`: what a workstation's record keeps."""
    vendor: Literal["NVIDIA", "AMD", "Intel"]
    model: str = ""
    uuid: str = ""
    nodes: list[str]
    """All device nodes that it needs, those it shares with others included."""
    render_node: str | None = None
    """What an encoder of pictures opens."""
    folders: list[str] = []
    """Folders of /sys in which libraries look what the card is."""

    def __str__(self) -> str:
        return f"{self.model or self.vendor} ({self.name})"


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """What a workstation with these cards is given."""

    nodes: list[str] = []
    sources: list[str] = []
    """Where each node is on the host: the same, unless the host is made up."""
    environment: dict[str, str] = {}
    folders: list[str] = []
    links: dict[str, str] = {}
    """Links to make below /sys, and where each points."""
    render_node: str | None = None


def find(root: Path = Path("/")) -> list[Gpu]:
    """Look for the cards of this host, in the order of their numbers."""
    devices = root / "dev"
    rendering = _render_nodes(root)
    found = [_nvidia(root, number, rendering) for number in _numbers(devices)]
    claimed = {node for gpu in found for node in gpu.nodes}
    for node, folder in rendering.items():
        vendor = _VENDORS.get(_text(folder / "vendor"))
        if vendor is not None and node not in claimed:
            found.append(_open_driver(root, node, folder, vendor))
    return found


def _numbers(devices: Path) -> list[int]:
    if not devices.is_dir():
        return []
    matches = [_NVIDIA_NODE.fullmatch(name) for name in os.listdir(devices)]  # noqa: PTH208 -- names only.
    return sorted(int(match[1]) for match in matches if match and _is_device(devices / match[0]))


def _nvidia(root: Path, number: int, rendering: dict[str, Path]) -> Gpu:
    name = f"/dev/nvidia{number}"
    shared = [f"/dev/{each}" for each in _NVIDIA_SHARED]
    caps = sorted((root / "dev/nvidia-caps").glob("nvidia-cap*"))
    shared += [f"/dev/nvidia-caps/{path.name}" for path in caps]
    slot, facts = _information(root, number)
    own = [(node, folder) for node, folder in rendering.items() if folder.name == slot]
    drawing = [each for node, folder in own for each in (node, *_cards(root, folder))]
    present = [node for node in shared if _is_device(root / node.lstrip("/"))]
    return Gpu(
        name=name,
        vendor="NVIDIA",
        model=facts.get("Model", ""),
        uuid=facts.get("GPU UUID", ""),
        nodes=[name, *present, *drawing],
        render_node=own[0][0] if own else None,
        folders=[_inside(root, folder) for _, folder in own],
    )


def _information(root: Path, number: int) -> tuple[str, dict[str, str]]:
    """The slot of a card and what its driver says of it; nothing where it says nothing."""
    for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        pairs = (line.partition(":") for line in _text(path).splitlines())
        facts = {name.strip(): value.strip() for name, _, value in pairs}
        if facts.get("Device Minor") == str(number):
            return path.parent.name, facts
    return "", {}


def _open_driver(root: Path, node: str, folder: Path, vendor: Literal["AMD", "Intel"]) -> Gpu:
    nodes = [node, *_cards(root, folder)]
    if vendor == "AMD" and _is_device(root / "dev/kfd"):
        nodes.append("/dev/kfd")
    return Gpu(
        name=node,
        vendor=vendor,
        nodes=nodes,
        render_node=node,
        folders=[_inside(root, folder)],
    )


def _render_nodes(root: Path) -> dict[str, Path]:
    """Every render node and the folder of its device."""
    drm = root / "sys/class/drm"
    if not drm.is_dir():
        return {}
    names = sorted(
        (path.name for path in drm.iterdir() if _RENDER_NODE.fullmatch(path.name)),
        key=lambda name: int(name.removeprefix("renderD")),
    )
    return {
        f"/dev/dri/{name}": (drm / name / "device").resolve()
        for name in names
        if _is_device(root / "dev/dri" / name) and (drm / name / "device").exists()
    }


def _cards(root: Path, folder: Path) -> list[str]:
    names = sorted(path.name for path in (folder / "drm").glob("card[0-9]*"))
    return [f"/dev/dri/{name}" for name in names if _is_device(root / "dev/dri" / name)]


def assignment(gpus: Sequence[Gpu], root: Path = Path("/")) -> Assignment:
    """Say what a workstation that has these cards is given."""
    if not gpus:
        return Assignment()
    nodes = list(dict.fromkeys(node for gpu in gpus for node in gpu.nodes))
    return Assignment(
        nodes=nodes,
        sources=[str(root / node.lstrip("/")) for node in nodes],
        environment=_environment(gpus),
        folders=list(dict.fromkeys(folder for gpu in gpus for folder in gpu.folders)),
        links=_links(root, nodes),
        render_node=next((gpu.render_node for gpu in gpus if gpu.render_node), None),
    )


def _environment(gpus: Sequence[Gpu]) -> dict[str, str]:
    # Other cards do not exist inside: indices are those of what is left.
    indices = ",".join(str(index) for index in range(len(gpus)))
    match gpus[0].vendor:
        case "NVIDIA":
            uuids = [gpu.uuid for gpu in gpus]
            which = ",".join(uuids) if all(uuids) else indices
            return {"NVIDIA_VISIBLE_DEVICES": which, "CUDA_VISIBLE_DEVICES": which}
        case "AMD":
            return {"ROCR_VISIBLE_DEVICES": indices, "HIP_VISIBLE_DEVICES": indices}
        case "Intel":
            return {"ZE_AFFINITY_MASK": indices}


def _links(root: Path, nodes: Sequence[str]) -> dict[str, str]:
    """What libraries follow from a node's number to its device in /sys."""
    links = {}
    for node in nodes:
        number = (root / node.lstrip("/")).stat().st_rdev
        place = f"sys/dev/char/{os.major(number)}:{os.minor(number)}"
        if node.startswith("/dev/dri/") and (root / place).is_symlink():
            links[f"/{place}"] = str((root / place).readlink())
    return links


def why_not(gpus: Sequence[Gpu], *, as_root: bool, root: Path = Path("/")) -> str:
    """Why the cards can't be given to workstations; empty when they can.

    A service that is root gives each workstation nodes of its own; any other passes its rights on.
    """
    if as_root:
        return ""
    for node in (node for gpu in gpus for node in gpu.nodes):
        if not os.access(root / node.lstrip("/"), os.R_OK | os.W_OK):
            return (
                f"the service's user may not open {node}: put it into the groups video and render"
            )
    return ""


def _inside(root: Path, folder: Path) -> str:
    return f"/{folder.relative_to(root.resolve())}"


def _is_device(path: Path) -> bool:
    try:
        return stat.S_ISCHR(path.stat().st_mode)
    except OSError:
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
