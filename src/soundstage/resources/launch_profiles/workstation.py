"""What an engine is told of a workstation that was drawn by a launch profile.

Sessions call it for each of their starts, and pools for those that nobody asked for yet: the two
must agree in everything, because the one becomes the other.
"""

from collections.abc import Sequence
from typing import Protocol

from soundstage.engines.interface import Spec, Transfers, Volume
from soundstage.resources.launch_profiles.equipment import Equipment
from soundstage.resources.launch_profiles.model import (
    DEFAULT_VOLUME,
    StreamingClipboardMode,
    VolumeConfiguration,
)


class Drawn(Protocol):
    """What was copied from a launch profile."""

    @property
    def ec2_image_id(self) -> str: ...
    @property
    def ec2_instance_type(self) -> str: ...
    @property
    def clipboard_mode(self) -> StreamingClipboardMode: ...
    @property
    def volume_configuration(self) -> VolumeConfiguration | None: ...
    @property
    def upload_to(self) -> str | None: ...
    @property
    def download_from(self) -> str | None: ...


def spec_of(
    drawn: Drawn,
    equipment: Equipment,
    *,
    attempt: int,
    script_seconds: int,
    generation: int = 0,
    backup_id: str | None = None,
    backup_of: str | None = None,
    avoid: Sequence[str] = (),
) -> Spec:
    """Say it; the volume is an empty one unless told otherwise."""
    volume = drawn.volume_configuration or DEFAULT_VOLUME
    return Spec(
        image=drawn.ec2_image_id,
        instance_type=drawn.ec2_instance_type,
        attempt=attempt,
        clipboard=drawn.clipboard_mode is StreamingClipboardMode.ENABLED,
        mounts=equipment.mounts,
        scripts=equipment.scripts,
        script_seconds=script_seconds,
        environment=equipment.environment,
        avoid=list(avoid),
        transfers=Transfers(upload_to=drawn.upload_to, download_from=drawn.download_from),
        volume=Volume(
            generation=generation,
            backup_id=backup_id,
            backup_of=backup_of,
            size_gib=volume.size or 0,
            iops=volume.iops or 0,
            throughput_mib=volume.throughput or 0,
        ),
    )
