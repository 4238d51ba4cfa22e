"""What a studio is."""

import pytest

from soundstage.kit.clock import system_clock
from soundstage.resources.studios.model import (
    Studio,
    StudioEncryptionConfiguration,
    StudioEncryptionConfigurationKeyType,
    StudioState,
    StudioStatusCode,
)


@pytest.mark.parametrize("state", list(StudioState))
def test_only_studios_without_a_future_are_gone(state: StudioState) -> None:
    now = system_clock()
    studio = Studio(
        id="us-west-2:stid-nyoqq12fteqy1x48",
        studio_name="studio",
        display_name="Studio",
        admin_role_arn="a",
        user_role_arn="u",
        studio_encryption_configuration=StudioEncryptionConfiguration(
            key_type=StudioEncryptionConfigurationKeyType.AWS_OWNED_KEY
        ),
        sso_client_id="",
        home_region="us-west-2",
        tags={},
        state=state,
        status_code=StudioStatusCode.STUDIO_CREATED,
        status_message="",
        created_at=now,
        updated_at=now,
    )
    assert studio.is_gone is (state in {"DELETED", "CREATE_FAILED"})
