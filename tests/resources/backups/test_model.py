"""What a backup is."""

import msgspec
from tests.resources.sessions.test_lifecycle import a_backup

from soundstage.resources.backups.model import StreamingSessionState


def test_the_engine_has_it_under_the_name_that_its_workstation_had() -> None:
    backup = a_backup(StreamingSessionState.READY)
    assert backup.ref == backup.session_id
    assert msgspec.structs.replace(backup, workstation="w" * 22).ref == "w" * 22
