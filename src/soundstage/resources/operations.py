"""The operation table: every noun's rows in one place, for the doors, the client and the checks."""

from soundstage.resources.backups import operations as backups
from soundstage.resources.backups import service as backup_service
from soundstage.resources.components import operations as components
from soundstage.resources.components import service as component_service
from soundstage.resources.eulas import operations as eulas
from soundstage.resources.images import operations as images
from soundstage.resources.images import service as image_service
from soundstage.resources.launch_profiles import operations as launch_profiles
from soundstage.resources.launch_profiles import service as launch_profile_service
from soundstage.resources.members import operations as members
from soundstage.resources.profile_members import operations as profile_members
from soundstage.resources.sessions import operations as sessions
from soundstage.resources.sessions import service as session_service
from soundstage.resources.streams import operations as streams
from soundstage.resources.studios import operations as studios
from soundstage.resources.studios import service as studio_service
from soundstage.resources.tags import operations as tags
from soundstage.wire.arn import ArnKind

TAGGABLE = {
    ArnKind.STUDIO: studio_service.TAGGED,
    ArnKind.STUDIO_COMPONENT: component_service.TAGGED,
    ArnKind.STREAMING_IMAGE: image_service.TAGGED,
    ArnKind.LAUNCH_PROFILE: launch_profile_service.TAGGED,
    ArnKind.STREAMING_SESSION: session_service.TAGGED,
    ArnKind.STREAMING_SESSION_BACKUP: backup_service.TAGGED,
}
"""What can have tags; the tags' own noun may not know the others."""

OPERATIONS = (
    *studios.OPERATIONS,
    *members.OPERATIONS,
    *eulas.OPERATIONS,
    *components.OPERATIONS,
    *images.OPERATIONS,
    *launch_profiles.OPERATIONS,
    *profile_members.OPERATIONS,
    *sessions.OPERATIONS,
    *streams.OPERATIONS,
    *backups.OPERATIONS,
    *tags.operations(TAGGABLE),
)
