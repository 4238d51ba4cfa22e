"""Graphics cards as Incus tells of them; made up, for want of a machine that has one."""

import msgspec

from soundstage.engines.admission import Promise
from soundstage.engines.incus import graphics
from soundstage.engines.incus.graphics import Card, Found, known

# As `GET /1.0/resources` has them; a server's own picture comes from a chip that nobody draws with.
TOLD = [
    {"driver": "ast", "pci_address": "0000:00:01.0", "vendor_id": "1a03", "drm": {"id": 0}},
    {
        "driver": "nvidia",
        "pci_address": "0000:01:00.0",
        "vendor_id": "10de",
        "product": "AD102GL [L40]",
        "drm": {"id": 1, "card_name": "card1", "render_name": "renderD128"},
        "nvidia": {"model": "NVIDIA L40", "uuid": "GPU-1"},
    },
    {"pci_address": "0000:02:00.0", "vendor_id": "10de", "product": "without a driver"},
    {"driver": "amdgpu", "pci_address": "0000:03:00.0", "vendor_id": "1002", "numa_node": 0},
]
NVIDIA, AMD = known(msgspec.convert(TOLD, list[Found]))


def test_those_with_a_driver_and_a_known_vendor_count() -> None:
    assert (NVIDIA.name, NVIDIA.vendor) == ("0000:01:00.0", "NVIDIA")
    assert NVIDIA.render_node == "/dev/dri/renderD128"
    assert str(NVIDIA) == "AD102GL [L40] (0000:01:00.0)"
    assert (str(AMD), AMD.render_node) == ("AMD (0000:03:00.0)", None)


def test_an_instance_is_given_the_cards_of_its_promise() -> None:
    promise = Promise(cpus=1, memory_bytes=1, gpus=[NVIDIA.name, AMD.name])
    devices = graphics.devices(promise.gpus)
    assert [each["pci"] for each in devices.values()] == promise.gpus
    assert devices["gpu0"]["gid"] == "44"


def test_the_host_s_driver_is_lent_for_nvidia_alone_and_taken_back() -> None:
    assert graphics.config([NVIDIA])["nvidia.runtime"] == "true"
    for cards in ([AMD], []):
        assert set(graphics.config(cards).values()) == {""}


def test_pictures_are_encoded_by_the_first_card_that_can() -> None:
    assert graphics.render_node([AMD, NVIDIA]) == "/dev/dri/renderD128"
    assert graphics.render_node([AMD]) is None
    assert isinstance(AMD, Card)
