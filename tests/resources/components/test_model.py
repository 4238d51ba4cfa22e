"""The rules for a component's configuration."""

import pytest

from soundstage.resources.components.model import (
    ActiveDirectoryConfiguration,
    ComputeFarmConfiguration,
    LicenseServiceConfiguration,
    SharedFileSystemConfiguration,
    StudioComponentConfiguration,
    StudioComponentType,
    checked_configuration,
)
from soundstage.wire.faults import ValidationError

MEMBERS = {
    StudioComponentType.ACTIVE_DIRECTORY: StudioComponentConfiguration(
        active_directory_configuration=ActiveDirectoryConfiguration(directory_id="d-1")
    ),
    StudioComponentType.COMPUTE_FARM: StudioComponentConfiguration(
        compute_farm_configuration=ComputeFarmConfiguration(endpoint="farm")
    ),
    StudioComponentType.LICENSE_SERVICE: StudioComponentConfiguration(
        license_service_configuration=LicenseServiceConfiguration()
    ),
    StudioComponentType.SHARED_FILE_SYSTEM: StudioComponentConfiguration(
        shared_file_system_configuration=SharedFileSystemConfiguration(share_name="s")
    ),
}


@pytest.mark.parametrize("kind", list(StudioComponentType))
@pytest.mark.parametrize("member_of", list(MEMBERS))
def test_a_type_takes_its_own_member_and_no_other(
    kind: StudioComponentType, member_of: StudioComponentType
) -> None:
    given = MEMBERS[member_of]
    if kind is member_of:
        assert checked_configuration(kind, given) is given
        return
    with pytest.raises(ValidationError) as caught:
        checked_configuration(kind, given)
    assert caught.value.message.startswith(f"configuration: a component of type {kind} takes ")
    assert ("no configuration" in caught.value.message) is (kind is StudioComponentType.CUSTOM)


@pytest.mark.parametrize("kind", list(StudioComponentType))
def test_none_and_an_empty_union_are_the_same(kind: StudioComponentType) -> None:
    assert checked_configuration(kind, None) is None
    assert checked_configuration(kind, StudioComponentConfiguration()) is None
