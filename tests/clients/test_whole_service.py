"""The whole service, its workstations simulated, called by a stock SDK with waiters and paginators.

It holds the traps that concern what resources answer (11, 12 and 13 of ADR 0002).
"""

from typing import Any

import pytest

from soundstage.testing.clients import StockClient, StockError

ROLE = "arn:aws:iam::123456789012:role/studio"


@pytest.fixture(scope="module")
def studio_id(whole: StockClient) -> str:
    given = {"adminRoleArn": ROLE, "userRoleArn": ROLE, "studioName": "studio"}
    studio = whole.call("create_studio", displayName="Studio", **given)["studio"]
    whole.wait("studio_ready", studioId=studio["studioId"])
    return str(studio["studioId"])


@pytest.fixture(scope="module")
def component(whole: StockClient, studio_id: str) -> dict[str, Any]:
    given = {"studioId": studio_id, "name": "Basics", "type": "CUSTOM"}
    made = whole.call("create_studio_component", **given)["studioComponent"]
    ids = {"studioId": studio_id, "studioComponentId": made["studioComponentId"]}
    whole.wait("studio_component_ready", **ids)
    found: dict[str, Any] = whole.call("get_studio_component", **ids)["studioComponent"]
    return found


@pytest.fixture(scope="module")
def profile(whole: StockClient, studio_id: str, component: dict[str, Any]) -> dict[str, Any]:
    given = {"studioId": studio_id, "name": "Host", "ec2ImageId": "ami-host"}
    image = whole.call("create_streaming_image", **given)["streamingImage"]
    image_id = image["streamingImageId"]
    whole.wait("streaming_image_ready", studioId=studio_id, streamingImageId=image_id)
    made = whole.call(
        "create_launch_profile",
        studioId=studio_id,
        name="Workstation",
        ec2SubnetIds=[],
        launchProfileProtocolVersions=["2021-03-31"],
        studioComponentIds=[component["studioComponentId"]],
        streamConfiguration={
            "clipboardMode": "ENABLED",
            "ec2InstanceTypes": ["g4dn.xlarge"],
            "streamingImageIds": [image_id],
            "sessionStorage": {"mode": ["UPLOAD"]},
        },
    )["launchProfile"]
    ids = {"studioId": studio_id, "launchProfileId": made["launchProfileId"]}
    whole.wait("launch_profile_ready", **ids)
    found: dict[str, Any] = whole.call("get_launch_profile", **ids)["launchProfile"]
    return found


def test_an_empty_account_lists_no_studio_but_no_error(whole: StockClient) -> None:
    assert all("studios" in page for page in whole.paginate("list_studios"))


def test_11_a_component_always_has_its_subtype(component: dict[str, Any]) -> None:
    assert component["subtype"] == "CUSTOM"
    assert "configuration" not in component


def test_12_session_storage_always_has_its_root(profile: dict[str, Any]) -> None:
    storage = profile["streamConfiguration"]["sessionStorage"]
    assert storage["mode"] == ["UPLOAD"]
    assert "root" in storage


def test_13_a_session_from_its_launch_to_after_its_end(
    whole: StockClient, studio_id: str, profile: dict[str, Any]
) -> None:
    made = whole.call(
        "create_streaming_session",
        studioId=studio_id,
        launchProfileId=profile["launchProfileId"],
    )["session"]
    assert made["state"] == "CREATE_IN_PROGRESS"
    ids = {"studioId": studio_id, "sessionId": made["sessionId"]}
    whole.wait("streaming_session_ready", **ids)
    listed = [
        session["sessionId"]
        for page in whole.paginate("list_streaming_sessions", studioId=studio_id)
        for session in page["sessions"]
    ]
    assert listed == [made["sessionId"]]
    stream = whole.call("create_streaming_session_stream", **ids)["stream"]
    whole.wait("streaming_session_stream_ready", **ids, streamId=stream["streamId"])
    ready = whole.call("get_streaming_session_stream", **ids, streamId=stream["streamId"])["stream"]
    assert ready["url"].startswith("http")
    whole.call("delete_streaming_session", **ids)
    whole.wait("streaming_session_deleted", **ids)
    assert whole.call("get_streaming_session", **ids)["session"]["state"] == "DELETED"


@pytest.mark.parametrize(
    ("name", "arguments", "class_name"),
    [
        ("get_streaming_session", {"sessionId": "nothing"}, "ResourceNotFoundException"),
        ("get_launch_profile", {"launchProfileId": "nothing"}, "ResourceNotFoundException"),
        ("get_streaming_session_backup", {"backupId": "nothing"}, "ResourceNotFoundException"),
        ("list_streaming_sessions", {"nextToken": "made-up"}, "ValidationException"),
        ("list_launch_profiles", {"maxResults": 101}, "ValidationException"),
        ("list_launch_profiles", {"states": ["ODD"]}, "ValidationException"),
    ],
)
def test_errors_have_the_sdk_s_own_classes(
    whole: StockClient, studio_id: str, name: str, arguments: dict[str, Any], class_name: str
) -> None:
    with pytest.raises(StockError) as caught:
        whole.call(name, studioId=studio_id, **arguments)
    assert caught.value.class_name == class_name
    if class_name == "ResourceNotFoundException":
        assert caught.value.response["context"] == {"resourceId": "nothing"}
