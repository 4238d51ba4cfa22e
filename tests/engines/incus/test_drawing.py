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


def devices(asked: Spec, *gpus: str, is_one_disk: bool = True) -> dict[str, dict[str, str]]:
    return drawing.devices(SETTINGS, REF, asked, gpus, is_one_disk=is_one_disk)


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


def test_the_home_is_that_of_the_generation_and_as_fast_as_asked() -> None:
    home = devices(spec(generation=3, throughput_mib=60))["home"]
    assert home["source"].endswith(".3")
    assert (home["path"], home["limits.read"]) == ("/home/artist", "60MiB")
    assert "limits.read" not in devices(spec(throughput_mib=0))["home"]


def test_operations_are_limited_by_the_root_where_it_is_on_the_same_disk() -> None:
    asked = spec(iops=4000, throughput_mib=60)
    root = devices(asked)["root"]
    assert (root["limits.read"], root["limits.write"]) == ("4000iops", "4000iops")
    assert "limits.read" not in devices(spec(iops=0))["root"]
    assert "limits.read" not in devices(asked, is_one_disk=False)["root"]


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
