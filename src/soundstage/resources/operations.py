"""The operation table: every noun's rows in one place, for the doors, the client and the checks."""

from soundstage.resources.backups import operations as backups
from soundstage.resources.components import operations as components
from soundstage.resources.images import operations as images
from soundstage.resources.launch_profiles import operations as launch_profiles
from soundstage.resources.profile_members import operations as profile_members
from soundstage.resources.sessions import operations as sessions
from soundstage.resources.streams import operations as streams
from soundstage.resources.studios import operations as studios

OPERATIONS = (
    *studios.OPERATIONS,
    *components.OPERATIONS,
    *images.OPERATIONS,
    *launch_profiles.OPERATIONS,
    *profile_members.OPERATIONS,
    *sessions.OPERATIONS,
    *streams.OPERATIONS,
    *backups.OPERATIONS,
)
