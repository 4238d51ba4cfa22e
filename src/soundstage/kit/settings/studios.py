"""How much a studio may have, how long it remembers, and whom it may tell."""

import dataclasses
from typing import Annotated

from msgspec import Meta

from soundstage.kit.settings.amounts import Amount


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudioSettings:
    """How much a studio may have, how long it remembers, and whom it may tell."""

    event_days: Annotated[
        int,
        Meta(
            ge=0,
            le=36500,
            description="How many days events are kept: who did what, and what changed. 0: for "
            "ever.",
        ),
    ] = 400
    quota_sessions_per_user: Annotated[
        Amount, Meta(description="Most sessions of one person in a studio.")
    ] = 10
    quota_sessions: Annotated[Amount, Meta(description="Most sessions of a studio.")] = 500
    quota_launch_profiles: Annotated[
        Amount, Meta(description="Most launch profiles of a studio.")
    ] = 50
    quota_custom_images: Annotated[
        Amount, Meta(description="Most streaming images of a studio.")
    ] = 10
    quota_shared_file_systems: Annotated[
        Amount, Meta(description="Most shared file system components of a studio.")
    ] = 10
    quota_active_directories: Annotated[
        Amount, Meta(description="Most Active Directory components of a studio.")
    ] = 1
    quota_components: Annotated[
        Amount, Meta(description="Most components of a studio, whatever their type.")
    ] = 100
    quota_webhooks: Annotated[Amount, Meta(description="Most webhooks of a studio.")] = 10
    webhook_networks: Annotated[
        list[str],
        Meta(
            description="Networks such as 10.0.0.0/8 that webhooks may send to though they are not "
            "public. Without, nothing that only this machine can reach is reached through them."
        ),
    ] = dataclasses.field(default_factory=list)
