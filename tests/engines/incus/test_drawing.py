"""What Incus is told of an instance."""

from pathlib import Path

import pytest

from soundstage.engines.admission import Promise
from soundstage.engines.incus import drawing
from soundstage.engines.incus.connection import Target
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import Mount, MountKind, PermanentError, Reason, Spec, Volume
from soundstage.engines.shares import SharedFolder

REF = "a" * 22
SETTINGS = IncusSettings(
    home=Path("/h"),
    target=Target(addresses=("/s",)),
    shared_folders=[SharedFolder(name="tools", path=Path("/srv/tools"), read_only=True)],
)


def spec(*mounts: Mount, **volume: int) -> Spec:
    return Spec(
        image="ami-x",
        instance_type="g5.xlarge",
        volume=Volume(**volume),  # type: ignore[arg-type]  # Numbers alone.
        mounts=list(mounts),
    )


def mount(source: str, kind: MountKind = MountKind.FOLDER, target: str = "/mnt/tools") -> Mount:
    return Mount(component="Tools", kind=kind, source=source, target=target)


def devices(asked: Spec, *gpus: str) -> dict[str, dict[str, str]]:
    return drawing.devices(SETTINGS, REF, asked, gpus)


def paced(*, is_one_disk: bool = True, **volume: int) -> dict[str, dict[str, str]]:
    return drawing.paced(SETTINGS, REF, spec(**volume).volume, is_one_disk=is_one_disk)


def test_it_has_ids_of_its_own_and_no_way_to_incus() -> None:
    body = drawing.bare(SETTINGS, "ws-a", "f00d", {"user.soundstage.record": "{}"})
    assert body["config"]["security.idmap.isolated"] == "true"
    assert body["config"]["security.guestapi"] == "false"
    assert body["config"]["user.soundstage.record"] == "{}"
    assert body["devices"]["eth0"]["security.port_isolation"] == "true"
    assert (body["profiles"], body["start"]) == ([], False)


def test_limits_are_what_was_promised() -> None:
    limits = drawing.limits(SETTINGS, Promise(cpus=1.75, memory_bytes=3 << 30))
    assert limits["limits.cpu.allowance"] == "175ms/100ms"
    assert limits["limits.memory"] == limits["limits.memory.swap"] == "3072MiB"
    assert limits["limits.processes"] == "4096"


def test_the_home_is_that_of_the_generation() -> None:
    home = devices(spec(generation=3, throughput_mib=60))["home"]
    assert home["source"].endswith(".3")
    assert home["path"] == "/home/artist"


def test_nothing_is_held_back_until_the_desktop_is_there() -> None:
    drawn = devices(spec(throughput_mib=60, iops=4000))
    assert "limits.read" not in drawn["home"] | drawn["root"]


def test_then_the_home_is_as_fast_as_asked() -> None:
    home = paced(generation=3, throughput_mib=60, iops=0)["home"]
    plain = devices(spec(generation=3))["home"]
    assert home == {**plain, "limits.read": "60MiB", "limits.write": "60MiB"}
    assert paced(throughput_mib=0, iops=0) == {}


def test_operations_are_limited_by_the_root_where_it_is_on_the_same_disk() -> None:
    root = paced(iops=4000, throughput_mib=60)["root"]
    plain = devices(spec())["root"]
    assert root == {**plain, "limits.read": "4000iops", "limits.write": "4000iops"}
    assert set(paced(iops=4000, throughput_mib=60, is_one_disk=False)) == {"home"}


def test_graphics_cards_are_those_that_were_promised() -> None:
    drawn = devices(spec(), "0000:01:00.0")
    assert drawn["gpu0"]["pci"] == "0000:01:00.0"
    assert "gpu0" not in devices(spec())


def test_a_shared_folder_is_where_it_was_asked_for() -> None:
    shared = drawing.shared(SETTINGS, spec(mount("tools/blender", target="$HOME/tools")))
    assert shared["share0"] == {
        "type": "disk",
        "source": "/srv/tools/blender",
        "path": "/home/artist/tools",
        "shift": "true",
        "readonly": "true",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        mount("/etc"),
        mount("tools/../.."),
        mount("tools", target="/usr"),
        mount("server:/export", MountKind.NFS),
    ],
)
def test_what_can_not_be_attached_is_said(wrong: Mount) -> None:
    with pytest.raises(PermanentError, match="'Tools' can't be attached") as raised:
        drawing.shared(SETTINGS, spec(wrong))
    assert raised.value.reason is Reason.MOUNT
