"""What the engine is told is what was drawn, and an empty volume unless told otherwise."""

from soundstage.engines.interface import Script, Transfers, Volume
from soundstage.resources.launch_profiles.equipment import Equipment
from soundstage.resources.launch_profiles.model import (
    StreamingClipboardMode,
    VolumeConfiguration,
)
from soundstage.resources.launch_profiles.workstation import spec_of
from soundstage.resources.warm_workstations.model import Draft

DRAWN = Draft(
    ec2_image_id="ami-host",
    ec2_instance_type="g4dn.xlarge",
    clipboard_mode=StreamingClipboardMode.DISABLED,
    volume_configuration=VolumeConfiguration(size=100, iops=4000, throughput=200),
    upload_to="$HOME/in",
    download_from=None,
    studio_component_ids=[],
    fingerprint="",
)


def test_all_of_it_is_told() -> None:
    script = Script(component="Tools", as_root=True, text="true")
    equipment = Equipment(scripts=[script], environment={"A": "1"})
    spec = spec_of(DRAWN, equipment, attempt=3, script_seconds=7)
    assert (spec.image, spec.instance_type, spec.attempt) == ("ami-host", "g4dn.xlarge", 3)
    assert (spec.scripts, spec.environment, spec.script_seconds) == ([script], {"A": "1"}, 7)
    assert (spec.clipboard, spec.transfers) == (False, Transfers(upload_to="$HOME/in"))
    assert spec.volume == Volume(size_gib=100, iops=4000, throughput_mib=200)
    assert not spec.waits


def test_a_volume_can_be_made_of_a_backup() -> None:
    spec = spec_of(
        DRAWN,
        Equipment(),
        attempt=1,
        script_seconds=1,
        generation=1,
        backup_id="b",
        backup_of="other",
    )
    volume = spec.volume
    assert (volume.generation, volume.backup_id, volume.backup_of) == (1, "b", "other")
