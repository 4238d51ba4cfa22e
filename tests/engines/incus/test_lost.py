"""What Incus can't remove is put aside; everything else that it refuses is said."""

import subprocess

import pytest

from soundstage.engines.incus.client import Client
from soundstage.engines.incus.lost import Lost
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.interface import PermanentError
from soundstage.testing.incus import IncusDaemon

pytestmark = pytest.mark.incus


def test_a_volume_whose_disk_is_spoilt_is_put_aside_until_it_can_go(
    client: Client, incus_settings: IncusSettings, incus_daemon: IncusDaemon
) -> None:
    lost = Lost(client, incus_settings)
    path = f"{incus_settings.volumes}/spoilt"
    client.ensure(
        incus_settings.volumes, {"name": "spoilt", "config": {"user.soundstage.ref": "r"}}
    )
    disk = incus_daemon.volume("spoilt")
    subprocess.run(["btrfs", "subvolume", "delete", disk], check=True, capture_output=True)
    disk.mkdir()
    for _ in range(2):
        lost.remove(path)
    assert client.find(path) is None
    (aside,) = lost.all()
    config = client.get(aside)["config"]
    assert "user.soundstage.ref" not in config
    assert "Not a Btrfs subvolume" in config["user.soundstage.lost"]
    lost.try_again()
    assert lost.all() == [aside]
    incus_daemon.volume(aside.rpartition("/")[2]).rmdir()
    lost.try_again()
    assert lost.all() == []


def test_what_is_refused_for_another_reason_is_said(
    client: Client, incus_settings: IncusSettings
) -> None:
    body = {
        "name": "busy",
        "source": {"type": "image", "alias": "workstation"},
        "devices": {"root": {"type": "disk", "path": "/", "pool": "default"}},
        "profiles": [],
        "start": True,
    }
    client.do("POST", "/instances", body)
    lost = Lost(client, incus_settings)
    with pytest.raises(PermanentError, match="running"):
        lost.remove("/instances/busy")
    client.do("PUT", "/instances/busy/state", {"action": "stop", "force": True, "timeout": 0})
    lost.remove("/instances/busy")
    assert lost.all() == []
