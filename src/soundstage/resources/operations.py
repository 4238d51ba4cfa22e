"""The operation table: every noun's rows in one place, for the doors, the client and the checks."""

from collections.abc import Sequence
from itertools import chain

from soundstage.resources.availability import operations as availability
from soundstage.resources.backups import operations as backups
from soundstage.resources.backups import service as backup_service
from soundstage.resources.components import operations as components
from soundstage.resources.components import service as component_service
from soundstage.resources.eulas import operations as eulas
from soundstage.resources.events import operations as events
from soundstage.resources.hosts import operations as hosts
from soundstage.resources.images import operations as images
from soundstage.resources.images import service as image_service
from soundstage.resources.launch_profiles import operations as launch_profiles
from soundstage.resources.launch_profiles import service as launch_profile_service
from soundstage.resources.members import operations as members
from soundstage.resources.pictures import operations as pictures
from soundstage.resources.profile_members import operations as profile_members
from soundstage.resources.session_shares import operations as session_shares
from soundstage.resources.sessions import evacuating
from soundstage.resources.sessions import operations as sessions
from soundstage.resources.sessions import service as session_service
from soundstage.resources.streams import operations as streams
from soundstage.resources.studios import operations as studios
from soundstage.resources.studios import service as studio_service
from soundstage.resources.tags import operations as tags
from soundstage.resources.webhooks import operations as webhooks
from soundstage.wire.arn import ArnKind
from soundstage.wire.operation import Operation

TAGGABLE = {
    ArnKind.STUDIO: studio_service.TAGGED,
    ArnKind.STUDIO_COMPONENT: component_service.TAGGED,
    ArnKind.STREAMING_IMAGE: image_service.TAGGED,
    ArnKind.LAUNCH_PROFILE: launch_profile_service.TAGGED,
    ArnKind.STREAMING_SESSION: session_service.TAGGED,
    ArnKind.STREAMING_SESSION_BACKUP: backup_service.TAGGED,
}
"""What can have tags; the tags' own noun may not know the others."""

BY_NOUN: dict[str, Sequence[Operation]] = {
    "studios": studios.OPERATIONS,
    "studio-members": members.OPERATIONS,
    "eulas": eulas.OPERATIONS,
    "studio-components": components.OPERATIONS,
    "streaming-images": images.OPERATIONS,
    "launch-profiles": launch_profiles.OPERATIONS,
    "launch-profile-members": profile_members.OPERATIONS,
    "launch-profile-availability": availability.OPERATIONS,
    "streaming-sessions": sessions.OPERATIONS,
    "streaming-session-streams": streams.OPERATIONS,
    "streaming-session-pictures": pictures.OPERATIONS,
    "streaming-session-shares": session_shares.OPERATIONS,
    "streaming-session-backups": backups.OPERATIONS,
    "events": events.OPERATIONS,
    "webhooks": webhooks.OPERATIONS,
    "hosts": hosts.operations(evacuating),
    "tags": tags.operations(TAGGABLE),
}
"""The same rows by what they are about, in the words of the public API."""

OPERATIONS = tuple(chain.from_iterable(BY_NOUN.values()))
