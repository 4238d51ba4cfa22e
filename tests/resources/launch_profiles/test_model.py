"""The rules for a profile's stream configuration: which members go with which."""

import itertools
from typing import Any

import msgspec
import pytest

from soundstage.resources.launch_profiles.model import (
    AutomaticTerminationMode,
    SessionPersistenceMode,
    StreamConfiguration,
    completed,
    download_folder,
    may_be_stopped,
    upload_folder,
)
from soundstage.wire import shapes
from soundstage.wire.faults import ValidationError

ON, OFF = "ACTIVATED", "DEACTIVATED"
VOLUME = {"size": 100}
AUTOMATIC = {"mode": "AUTOMATIC"}


def configuration(**members: Any) -> StreamConfiguration:
    document = {
        "clipboardMode": "ENABLED",
        "ec2InstanceTypes": ["g4dn.xlarge"],
        "streamingImageIds": ["image"],
        **{name: value for name, value in members.items() if value is not None},
    }
    return msgspec.convert(document, StreamConfiguration)


def shown(**members: Any) -> dict[str, Any]:
    document: dict[str, Any] = shapes.to_document(completed(configuration(**members)))
    return document


# persistence, automatic termination, most minutes stopped, a volume, what is refused
MATRIX = [
    (None, None, None, None, None),
    (None, None, 0, None, None),
    (None, OFF, None, None, None),
    (None, OFF, 0, None, None),
    (OFF, None, None, None, None),
    (OFF, OFF, 0, None, None),
    (None, ON, None, None, "automaticTerminationMode"),
    (OFF, ON, 0, None, "automaticTerminationMode"),
    (OFF, ON, 1, VOLUME, "automaticTerminationMode"),
    (None, None, 1, None, "maxStoppedSessionLengthInMinutes"),
    (OFF, OFF, 5760, None, "maxStoppedSessionLengthInMinutes"),
    (None, None, None, VOLUME, "volumeConfiguration"),
    (OFF, None, 0, VOLUME, "volumeConfiguration"),
    (ON, None, None, None, None),
    (ON, None, 0, VOLUME, None),
    (ON, OFF, None, VOLUME, None),
    (ON, OFF, 0, None, None),
    (ON, None, 1, None, "maxStoppedSessionLengthInMinutes"),
    (ON, OFF, 5760, VOLUME, "maxStoppedSessionLengthInMinutes"),
    (ON, ON, None, None, None),
    (ON, ON, 0, VOLUME, None),
    (ON, ON, 1, None, None),
    (ON, ON, 5760, VOLUME, None),
]


@pytest.mark.parametrize(
    ("persistence", "termination", "stopped", "volume", "refused"), MATRIX, ids=str
)
def test_the_matrix_of_rules(
    persistence: str | None,
    termination: str | None,
    stopped: int | None,
    volume: dict[str, int] | None,
    refused: str | None,
) -> None:
    given = configuration(
        sessionPersistenceMode=persistence,
        automaticTerminationMode=termination,
        maxStoppedSessionLengthInMinutes=stopped,
        volumeConfiguration=volume,
    )
    if refused is None:
        full = completed(given)
        assert full.automatic_termination_mode == (termination or OFF)
        assert full.session_persistence_mode == (persistence or OFF)
        assert full.max_stopped_session_length_in_minutes == (stopped or 0)
        assert (full.volume_configuration is not None) is (persistence == ON)
        return
    with pytest.raises(ValidationError) as caught:
        completed(given)
    assert caught.value.message.startswith(f"streamConfiguration.{refused}: it needs ")
    wanted = "automaticTerminationMode" if persistence == ON else "sessionPersistenceMode"
    assert f"{wanted} ACTIVATED" in caught.value.message


def test_the_matrix_names_every_combination_of_modes() -> None:
    modes = (None, OFF, ON)
    rows = {(row[0] or OFF, row[1] or OFF, bool(row[2]), row[3] is not None) for row in MATRIX}
    decided_early = {(OFF, ON, stopped, volume) for stopped in (True, False) for volume in (1, 0)}
    twice_wrong = {(OFF, OFF, True, True)}
    all_of_them = {
        (one or OFF, two or OFF, stopped, volume)
        for one, two in itertools.product(modes, modes)
        for stopped in (True, False)
        for volume in (True, False)
    }
    assert all_of_them - rows <= decided_early | twice_wrong


@pytest.mark.parametrize("persistence", [None, OFF])
def test_backups_need_a_disk_that_outlives_the_stop(persistence: str | None) -> None:
    with pytest.raises(ValidationError, match=r"streamConfiguration\.sessionBackup\.mode: "):
        completed(configuration(sessionPersistenceMode=persistence, sessionBackup=AUTOMATIC))
    off = shown(sessionPersistenceMode=persistence, sessionBackup={"maxBackupsToRetain": 2})
    assert off["sessionBackup"] == {"mode": OFF, "maxBackupsToRetain": 2}


def test_defaults_are_filled_in() -> None:
    assert shown() == {
        "clipboardMode": "ENABLED",
        "ec2InstanceTypes": ["g4dn.xlarge"],
        "streamingImageIds": ["image"],
        "automaticTerminationMode": OFF,
        "maxSessionLengthInMinutes": 690,
        "maxStoppedSessionLengthInMinutes": 0,
        "sessionBackup": {"mode": OFF, "maxBackupsToRetain": 0},
        "sessionPersistenceMode": OFF,
    }
    persistent = shown(sessionPersistenceMode=ON, volumeConfiguration={"iops": 4000})
    assert persistent["volumeConfiguration"] == {"iops": 4000, "size": 500, "throughput": 125}
    storage = shown(sessionStorage={"mode": ["UPLOAD"]})["sessionStorage"]
    assert storage == {"mode": ["UPLOAD"], "root": {}}


@pytest.mark.parametrize("minutes", [1, 4])
def test_an_idle_stop_leaves_time_to_think(minutes: int) -> None:
    with pytest.raises(ValidationError, match=r"idleStopInMinutes: \d is too short"):
        completed(configuration(idleStopInMinutes=minutes))


@pytest.mark.parametrize("minutes", [None, 0, 5, 43200])
def test_an_idle_stop_is_kept_as_given(minutes: int | None) -> None:
    assert completed(configuration(idleStopInMinutes=minutes)).idle_stop_in_minutes == minutes


def test_what_was_asked_for_stays() -> None:
    asked = {
        "clipboardMode": "DISABLED",
        "ec2InstanceTypes": ["g5.16xlarge", "g3s.xlarge"],
        "streamingImageIds": ["a", "b"],
        "automaticTerminationMode": ON,
        "maxSessionLengthInMinutes": 43200,
        "maxStoppedSessionLengthInMinutes": 5760,
        "sessionBackup": {"mode": "AUTOMATIC", "maxBackupsToRetain": 10},
        "sessionPersistenceMode": ON,
        "sessionStorage": {"mode": ["UPLOAD"], "root": {"linux": "$HOME/in", "windows": "C:\\in"}},
        "sessionDownload": {"root": {"linux": "/mnt/out"}},
        "volumeConfiguration": {"iops": 16000, "size": 16000, "throughput": 1000},
    }
    assert shown(**asked) == asked


@pytest.mark.parametrize(
    ("root", "folder"),
    [
        (None, None),
        ({}, None),
        ({"windows": "C:\\in"}, None),
        ({"linux": "$HOME/in/plates"}, "$HOME/in/plates"),
        # The public pattern lets these through as well.
        ({"linux": "$HOMEin"}, "$HOME/in"),
        ({"linux": "//mnt/in"}, "/mnt/in"),
        ({"linux": "/mnt/in"}, "/mnt/in"),
    ],
)
def test_folders_for_files(root: dict[str, str] | None, folder: str | None) -> None:
    given = {} if root is None else {"root": root}
    rules = completed(
        configuration(sessionStorage={"mode": ["UPLOAD"], **given}, sessionDownload=given)
    )
    assert upload_folder(rules) == (folder or "$HOME/Uploads")
    assert download_folder(rules) == (folder or "$HOME/Downloads")


def test_no_files_pass_unless_that_was_asked_for() -> None:
    rules = completed(configuration())
    assert (upload_folder(rules), download_folder(rules)) == (None, None)
    assert "sessionDownload" not in shown()
    assert shown(sessionDownload={})["sessionDownload"] == {"root": {}}


@pytest.mark.parametrize(
    ("persistence", "termination", "minutes", "stops"),
    [
        (OFF, OFF, 0, False),
        (ON, OFF, 0, True),
        (ON, ON, 0, False),
        (ON, ON, 1, True),
    ],
)
def test_which_sessions_may_be_stopped(
    persistence: str, termination: str, minutes: int, stops: bool
) -> None:
    assert (
        may_be_stopped(
            SessionPersistenceMode(persistence), AutomaticTerminationMode(termination), minutes
        )
        is stops
    )
