"""Graphics cards, on made-up device trees of hosts that have some."""

import os
import stat
from pathlib import Path

import pytest

from soundstage.engines.sandbox.host import gpus
from soundstage.engines.sandbox.host.gpus import Assignment

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make device nodes")


class Tree:
    """A host's /dev, /sys and /proc as far as cards go."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "dev/dri").mkdir(parents=True)
        (root / "sys/class/drm").mkdir(parents=True)
        (root / "sys/dev/char").mkdir(parents=True)

    def node(self, name: str, major: int, minor: int) -> None:
        path = self.root / "dev" / name
        path.parent.mkdir(exist_ok=True)
        os.mknod(path, stat.S_IFCHR | 0o660, os.makedev(major, minor))

    def drawing(self, number: int, slot: str, vendor: str) -> None:
        """A card<n> and its render node, of the device in a slot."""
        device = self.root / f"sys/devices/pci0000:00/{slot}"
        for name, minor in ((f"card{number}", number), (f"renderD{128 + number}", 128 + number)):
            (device / "drm" / name).mkdir(parents=True)
            (device / "drm" / name / "device").symlink_to(device)
            (self.root / "sys/class/drm" / name).symlink_to(device / "drm" / name)
            self.node(f"dri/{name}", 226, minor)
            link = self.root / f"sys/dev/char/226:{minor}"
            link.symlink_to(f"../../devices/pci0000:00/{slot}/drm/{name}")
        (device / "vendor").write_text(f"{vendor}\n")

    def nvidia(self, number: int, slot: str) -> None:
        self.node(f"nvidia{number}", 195, number)
        facts = self.root / f"proc/driver/nvidia/gpus/{slot}"
        facts.mkdir(parents=True)
        (facts / "information").write_text(
            f"Model: \t\t NVIDIA T4\nGPU UUID: \t GPU-{number}\nDevice Minor: \t {number}\n"
        )


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def two_of_nvidia(tree: Tree) -> Tree:
    for name, minor in (("nvidiactl", 255), ("nvidia-modeset", 254)):
        tree.node(name, 195, minor)
    tree.node("nvidia-uvm", 500, 0)
    tree.node("nvidia-caps/nvidia-cap1", 501, 1)
    for number in (0, 1):
        tree.nvidia(number, f"0000:0{number + 1}:00.0")
        tree.drawing(number, f"0000:0{number + 1}:00.0", "0x10de")
    return tree


def test_a_host_without_cards_has_none(tree: Tree) -> None:
    assert gpus.find(tree.root) == []
    assert gpus.find(tree.root / "nowhere") == []
    assert gpus.assignment([], tree.root) == Assignment()


def test_cards_of_nvidia_are_found_with_all_that_they_need(two_of_nvidia: Tree) -> None:
    first, second = gpus.find(two_of_nvidia.root)
    assert (first.name, first.vendor, first.model, first.uuid) == (
        "/dev/nvidia0",
        "NVIDIA",
        "NVIDIA T4",
        "GPU-0",
    )
    assert second.nodes == [
        "/dev/nvidia1",
        "/dev/nvidiactl",
        "/dev/nvidia-uvm",
        "/dev/nvidia-modeset",
        "/dev/nvidia-caps/nvidia-cap1",
        "/dev/dri/renderD129",
        "/dev/dri/card1",
    ]
    assert second.render_node == "/dev/dri/renderD129"
    assert second.folders == ["/sys/devices/pci0000:00/0000:02:00.0"]


def test_what_a_workstation_with_the_second_card_is_given(two_of_nvidia: Tree) -> None:
    given = gpus.assignment(gpus.find(two_of_nvidia.root)[1:], two_of_nvidia.root)
    assert "/dev/nvidia0" not in given.nodes
    assert given.sources[0] == str(two_of_nvidia.root / "dev/nvidia1")
    assert given.environment == {
        "NVIDIA_VISIBLE_DEVICES": "GPU-1",
        "CUDA_VISIBLE_DEVICES": "GPU-1",
    }
    place = "../../devices/pci0000:00/0000:02:00.0/drm/renderD129"
    assert given.links["/sys/dev/char/226:129"] == place
    assert given.render_node == "/dev/dri/renderD129"


def test_what_two_cards_share_is_given_once(two_of_nvidia: Tree) -> None:
    given = gpus.assignment(gpus.find(two_of_nvidia.root), two_of_nvidia.root)
    assert len(given.nodes) == len(set(given.nodes)) == 10


def test_a_driver_that_tells_nothing_leaves_the_cards_counted_from_nought(tree: Tree) -> None:
    """The one there is inside is the first, whatever its number outside."""
    tree.node("nvidia3", 195, 3)
    given = gpus.assignment(gpus.find(tree.root), tree.root)
    assert given.nodes == ["/dev/nvidia3"]
    assert given.environment["CUDA_VISIBLE_DEVICES"] == "0"


def test_cards_of_amd_need_the_node_for_computing(tree: Tree) -> None:
    tree.drawing(0, "0000:03:00.0", "0x1002")
    tree.node("kfd", 240, 0)
    (card,) = gpus.find(tree.root)
    assert (card.name, card.vendor) == ("/dev/dri/renderD128", "AMD")
    assert card.nodes == ["/dev/dri/renderD128", "/dev/dri/card0", "/dev/kfd"]
    given = gpus.assignment([card], tree.root)
    assert given.environment == {"ROCR_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "0"}


def test_cards_of_intel_are_found_and_unknown_ones_are_not(tree: Tree) -> None:
    tree.drawing(0, "0000:00:02.0", "0x8086")
    tree.drawing(1, "0000:09:00.0", "0x1af4")
    (card,) = gpus.find(tree.root)
    assert (card.vendor, card.nodes) == ("Intel", ["/dev/dri/renderD128", "/dev/dri/card0"])
    assert str(card) == "Intel (/dev/dri/renderD128)"


def test_what_is_no_device_is_no_card(tree: Tree) -> None:
    (tree.root / "dev/nvidia0").write_text("")
    (tree.root / "dev/nvidia1").mkdir()
    assert gpus.find(tree.root) == []


def test_a_service_that_may_not_open_a_card_says_what_helps(tree: Tree) -> None:
    missing = [gpus.Gpu(name="/dev/0", vendor="AMD", nodes=["/dev/0"])]
    told = gpus.why_not(missing, as_root=False, root=tree.root)
    assert told == (
        "the service's user may not open /dev/0: put it into the groups video and render"
    )
    assert gpus.why_not(missing, as_root=True, root=tree.root) == ""
