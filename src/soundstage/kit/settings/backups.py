"""Where backups are kept, for how long, and how often they are checked."""

import dataclasses
from pathlib import Path
from typing import Annotated

from msgspec import Meta


@dataclasses.dataclass(frozen=True, kw_only=True)
class BackupSettings:
    """Where backups are kept, for how long, and how often they are checked."""

    backup_repository: Annotated[
        str,
        Meta(
            description="Where backups are kept: a folder, or a bucket of any S3-compatible store "
            "as s3:https://host/bucket/prefix. One installation each. Empty: backups in the home "
            "folder."
        ),
    ] = ""
    backup_credentials: Annotated[
        Path | None,
        Meta(
            description="File that opens the bucket, readable by the service alone, with the "
            "lines AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…"
        ),
    ] = None
    backup_check_days: Annotated[
        int,
        Meta(
            ge=0,
            le=365,
            description="How often all backups are looked through, with a twelfth of what they "
            "hold. 0: never by itself.",
        ),
    ] = 7
    studio_backup_hours: Annotated[
        int,
        Meta(
            ge=0,
            le=720,
            description="How often the service's own SQLite database is kept beside the backups. "
            "0: never by itself.",
        ),
    ] = 6
    deleted_sessions_keep_backups_days: Annotated[
        int, Meta(ge=0, le=3650, description="How long a deleted session's backups are kept.")
    ] = 7
