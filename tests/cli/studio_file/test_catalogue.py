"""A studio file's catalogue is compared, and refused with who may change it."""

from typing import Any

import pytest

from soundstage.cli.studio_file.catalogue import expect
from soundstage.kit.config import ConfigError

HERE: dict[str, Any] = {
    "instanceTypes": [
        {"ec2InstanceType": "g5.xlarge", "cpus": 4.0, "gpus": 1, "memoryInGib": 16.0},
        {"ec2InstanceType": "g3s.xlarge", "cpus": 4.0, "gpus": 1, "memoryInGib": 30.5},
    ],
    "images": [{"ec2ImageId": "ami-host", "engineImage": "host"}],
}


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        HERE,
        {"instanceTypes": [{"ec2InstanceType": "g5.xlarge", "cpus": 4}], "images": []},
    ],
)
def test_what_is_so_passes(wanted: dict[str, Any]) -> None:
    expect(wanted, HERE)


def test_every_difference_is_told_and_who_may_change_it() -> None:
    wanted = {
        "instanceTypes": [{"ec2InstanceType": "g5.xlarge", "cpus": 8, "memoryInGib": 12.5}],
        "images": [
            {"ec2ImageId": "ami-host", "engineImage": "rocky"},
            {"ec2ImageId": "ami-film", "engineImage": "film"},
        ],
    }
    with pytest.raises(ConfigError) as caught:
        expect(wanted, HERE)
    said = str(caught.value)
    for difference in (
        "catalogue.instanceTypes: g5.xlarge: cpus 4 → 8;",
        "memoryInGib 16 → 12.5",
        "catalogue.images: ami-host: engineImage host → rocky",
        "catalogue.images: there is no ami-film here",
        "only its operator changes it, by SOUNDSTAGE_INSTANCE_TYPES and SOUNDSTAGE_IMAGES",
    ):
        assert difference in said


def test_only_the_setting_that_it_takes_is_named() -> None:
    with pytest.raises(ConfigError, match="by SOUNDSTAGE_IMAGES on its machine"):
        expect({"images": [{"ec2ImageId": "ami-x", "engineImage": "x"}]}, HERE)
