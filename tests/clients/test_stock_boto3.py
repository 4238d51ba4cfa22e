"""The main job with a stock SDK that knows nothing but what `soundstage env` printed, against the
service as a process of its own; its workstations are simulated.
"""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from soundstage.client.calls import CallError, Client
from soundstage.kit.clock import system_clock
from soundstage.resources.operations import OPERATIONS
from soundstage.testing.clients import StockClient, StockError, ensure_boto3
from soundstage.testing.process import ServiceProcess
from soundstage.testing.whole import Studio, Workstation

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    folder = Path(tempfile.mkdtemp(prefix="soundstage-test-"))
    home = folder / "home"
    home.mkdir()
    try:
        with ServiceProcess(home, engine="simulated") as process:
            yield process
    finally:
        shutil.rmtree(folder)


def sdk_of(environment: dict[str, str]) -> StockClient:
    return StockClient(ROOT, ensure_boto3(ROOT), environment)


@pytest.fixture(scope="module")
def sdk(service: ServiceProcess) -> Iterator[StockClient]:
    with sdk_of(service.environment()) as client:
        yield client


@pytest.fixture(scope="module")
def anna(service: ServiceProcess) -> Iterator[StockClient]:
    with sdk_of(service.environment("anna")) as client:
        yield client


@pytest.fixture(scope="module")
def studio(sdk: StockClient) -> Studio:
    rules = {"sessionBackup": {"mode": "AUTOMATIC", "maxBackupsToRetain": 1}}
    return Studio(sdk, **rules)


def refusal(client: StockClient, name: str, /, **arguments: Any) -> StockError:
    with pytest.raises(StockError) as caught:
        client.call(name, **arguments)
    return caught.value


def sessions(client: StockClient, **arguments: Any) -> list[str]:
    """List what lives; what was deleted can be read for a day."""
    pages = client.paginate("list_streaming_sessions", **arguments)
    listed = [session for page in pages for session in page["sessions"]]
    return [session["sessionId"] for session in listed if session["state"] != "DELETED"]


def begun(studio: Studio) -> Workstation:
    """Launch without waiting."""
    members = {**studio.where, "launchProfileId": studio.profile_id}
    session = studio.sdk.call("create_streaming_session", **members)["session"]
    return Workstation(studio.sdk, {**studio.where, "sessionId": session["sessionId"]})


def backup_ids(studio: Studio) -> list[str]:
    return [backup["backupId"] for backup in studio.backups() if backup["state"] == "READY"]


def principal_of(client: StockClient, **arguments: Any) -> str:
    """Learn one's own id, as the refusal of a call says it; there is no call that tells."""
    message = refusal(client, "get_studio", **arguments).message
    return message.removeprefix("User ").partition(" ")[0]


def test_a_workstation_from_its_launch_over_a_backup_to_its_end(
    service: ServiceProcess, sdk: StockClient, studio: Studio
) -> None:
    assert sdk.version() == "1.35.47"
    station = studio.launch()
    assert station.see()["state"] == "READY"
    url = station.new_url()
    assert url.startswith(f"{service.address}/streams/")
    log = service.log.read_text()
    assert "operation=CreateStreamingSessionStream" in log
    for secret in (url.partition("ticket=")[2], service.environment()["AWS_SECRET_ACCESS_KEY"]):
        assert len(secret) >= 40
        assert secret not in log

    sdk.call("stop_streaming_session", **station.where)
    assert refusal(sdk, "stop_streaming_session", **station.where).class_name == (
        "ConflictException"
    )
    station.wait("stopped")
    (first,) = studio.backups()
    assert (first["state"], first["sessionId"]) == ("READY", station.id)
    found = sdk.call("get_streaming_session_backup", **studio.where, backupId=first["backupId"])[
        "streamingSessionBackup"
    ]
    assert found == first

    station.start(backupId=first["backupId"])
    assert station.see()["startedFromBackupId"] == first["backupId"]
    station.stop()
    (kept,) = backup_ids(studio)
    assert kept != first["backupId"]

    station.delete()
    assert station.see()["state"] == "DELETED"
    assert station.id not in sessions(sdk, **studio.where)


def test_lists_are_filtered(sdk: StockClient, studio: Studio) -> None:
    one, two = begun(studio), begun(studio)
    owner = one.see()["ownedBy"]
    both = {one.id, two.id}
    where = studio.where
    assert set(sessions(sdk, **where)) == both
    assert set(sessions(sdk, **where, ownedBy=owner)) == both
    assert set(sessions(sdk, **where, createdBy=owner)) == both
    assert sessions(sdk, **where, ownedBy="nobody") == []
    assert sessions(sdk, **where, createdBy="nobody") == []
    assert sessions(sdk, **where, sessionIds=one.id) == [one.id]
    assert set(sessions(sdk, **where, sessionIds=f"{one.id},{two.id}")) == both
    assert sessions(sdk, **where, sessionIds=one.id, ownedBy="nobody") == []
    for station in (one, two):
        station.delete()


def test_who_signs_wrongly_is_refused_as_aws_does(service: ServiceProcess, studio: Studio) -> None:
    right = service.environment()
    for variable, value, code in [
        ("AWS_SECRET_ACCESS_KEY", "wrong", "InvalidSignatureException"),
        ("AWS_ACCESS_KEY_ID", "AKIANOBODY", "UnrecognizedClientException"),
        ("AWS_SESSION_TOKEN", "token", "UnrecognizedClientException"),
    ]:
        with sdk_of({**right, variable: value}) as client:
            error = refusal(client, "get_studio", **studio.where)
            assert (error.class_name, error.code, error.status) == ("ClientError", code, 403)


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_wrong_clock_is_refused_and_a_slightly_wrong_one_is_not(
    service: ServiceProcess, studio: Studio, minutes: int
) -> None:
    right = service.environment()

    def at(off: float) -> Client:
        return Client(
            right["AWS_ENDPOINT_URL_NIMBLE"],
            access_key_id=right["AWS_ACCESS_KEY_ID"],
            secret_access_key=right["AWS_SECRET_ACCESS_KEY"],
            region=right["AWS_DEFAULT_REGION"],
            operations=OPERATIONS,
            clock=lambda: system_clock() + timedelta(minutes=off),
        )

    late, nearly = at(minutes), at(minutes * 14 / 16)
    with pytest.raises(CallError, match=r"more than 15 min\. (before|after)") as caught:
        late.call("GetStudio", **studio.where)
    assert (caught.value.name, caught.value.status) == ("InvalidSignatureException", 403)
    assert nearly.call("GetStudio", **studio.where)["studio"]["state"] == "READY"
    late.close()
    nearly.close()


def test_modelled_errors_are_the_sdk_s_own_classes(sdk: StockClient, studio: Studio) -> None:
    where = studio.where
    role = "arn:aws:iam::123456789012:role/studio"
    taken = {"studioName": "films", "adminRoleArn": role, "userRoleArn": role}
    error = refusal(sdk, "create_studio", displayName="Again", **taken)
    assert (error.class_name, error.status) == ("ConflictException", 409)
    error = refusal(sdk, "get_launch_profile", **where, launchProfileId="none")
    assert (error.class_name, error.status) == ("ResourceNotFoundException", 404)
    assert error.response["context"]["resourceId"] == "none"
    error = refusal(sdk, "create_streaming_image", **where, name="n", ec2ImageId="x")
    assert (error.class_name, error.status) == ("ValidationException", 400)
    assert error.message.startswith("ec2ImageId must be")
    station = begun(studio)
    error = refusal(sdk, "start_streaming_session", **station.where)
    assert (error.class_name, error.status) == ("ConflictException", 409)
    station.delete()


def test_a_user_works_as_a_member_and_sees_only_what_is_hers(
    sdk: StockClient, anna: StockClient, studio: Studio
) -> None:
    where, profile = studio.where, {"launchProfileId": studio.profile_id}
    own_id = principal_of(anna, **where)
    for name, arguments in [
        ("list_studios", {}),
        ("create_streaming_image", {**where, "name": "n", "ec2ImageId": "ami-1"}),
        ("get_launch_profile", {**where, **profile}),
        ("create_streaming_session", {**where, **profile}),
        ("list_streaming_sessions", where),
        ("list_launch_profiles", where),
        ("list_streaming_session_backups", where),
        (
            "put_launch_profile_members",
            {
                **where,
                **profile,
                "identityStoreId": "d-1",
                "members": [{"principalId": own_id, "persona": "USER"}],
            },
        ),
    ]:
        error = refusal(anna, name, **arguments)
        assert (name, error.class_name, error.status) == (name, "AccessDeniedException", 403)

    operators = studio.launch()
    sdk.call(
        "put_launch_profile_members",
        **where,
        **profile,
        identityStoreId="d-1",
        members=[{"principalId": own_id, "persona": "USER"}],
    )
    (page,) = anna.paginate("list_launch_profiles", **where, principalId=own_id)
    assert [each["launchProfileId"] for each in page["launchProfiles"]] == [studio.profile_id]
    made = anna.call("create_streaming_session", **where, **profile)["session"]
    assert made["ownedBy"] == own_id
    own = Workstation(anna, {**where, "sessionId": made["sessionId"]})
    own.wait("ready")
    assert own.new_url()
    assert sessions(anna, **where, ownedBy=own_id) == [own.id]
    assert set(sessions(sdk, **where)) == {own.id, operators.id}
    assert refusal(anna, "get_streaming_session", **operators.where).status == 403
    assert refusal(anna, "stop_streaming_session", **operators.where).status == 403
    own.stop()
    pages = anna.paginate("list_streaming_session_backups", **where, ownedBy=own_id)
    (backup,) = (each for page in pages for each in page["streamingSessionBackups"])
    assert backup["ownedBy"] == own_id

    sdk.call("delete_launch_profile_member", **where, **profile, principalId=own_id)
    assert refusal(anna, "get_launch_profile", **where, **profile).status == 403
    assert refusal(anna, "create_streaming_session", **where, **profile).status == 403
    assert refusal(anna, "start_streaming_session", **own.where).class_name == (
        "AccessDeniedException"
    )
    own.delete()
    operators.delete()
