"""What breaks clients when done wrong, tried with a stock SDK against the whole service: its real
table, doors and resources.

The numbers are those of the list in `docs/adr/0002-operations-are-rows.md`.
"""

import http.client
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from soundstage.testing.clients import StockClient, StockError, StockFailure, ensure_boto3
from soundstage.testing.raw import Raw, Wire
from soundstage.testing.small_studio import FAULTS, document, segment
from soundstage.testing.watch import Watch
from soundstage.testing.whole import Studio, Workstation

ROOT = Path(__file__).parents[2]
STUDIO_INPUT = {
    "adminRoleArn": "arn:aws:iam::123456789012:role/a",
    "displayName": "Studio",
    "studioName": "studio",
    "userRoleArn": "arn:aws:iam::123456789012:role/u",
}


@pytest.fixture(scope="module")
def studio(boto3: StockClient) -> Studio:
    return Studio(boto3, sessionStorage={"mode": ["UPLOAD"]}, sessionBackup={"mode": "DEACTIVATED"})


@pytest.fixture(scope="module")
def studio_id(studio: Studio) -> str:
    return str(studio.where["studioId"])


@pytest.fixture(scope="module")
def arn(boto3: StockClient, studio: Studio) -> str:
    return str(boto3.call("get_studio", **studio.where)["studio"]["arn"])


@pytest.fixture(scope="module")
def stations(boto3: StockClient, studio: Studio) -> list[Workstation]:
    """Give two sessions on their way, with their ids in the order of the list."""
    launched = [
        boto3.call("create_streaming_session", **studio.where, launchProfileId=studio.profile_id)
        for _ in range(2)
    ]
    ids = [each["session"]["sessionId"] for each in launched]
    return [Workstation(boto3, {**studio.where, "sessionId": each}) for each in ids]


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_01_the_name_of_an_error_is_in_its_header(
    boto3: StockClient, watch: Watch, studio_id: str, name: str
) -> None:
    """Without the header the SDK takes `code` for the name, and raises no class of its own."""
    watch.fault = FAULTS[name]
    with pytest.raises(StockError) as caught:
        boto3.call("get_studio", studioId=studio_id)
    assert (caught.value.class_name, caught.value.code) == (name, name)
    assert caught.value.status == FAULTS[name].status
    assert caught.value.response.get("code") == FAULTS[name].code


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("get_studio", "studioId"),
        ("get_launch_profile", "launchProfileId"),
        ("get_streaming_image", "streamingImageId"),
        ("get_streaming_session", "sessionId"),
        ("get_streaming_session_backup", "backupId"),
        ("get_studio_component", "studioComponentId"),
        ("get_studio_member", "principalId"),
        ("get_eula", "eulaId"),
    ],
)
def test_02_an_error_s_members_are_lower_case_and_name_the_resource(
    boto3: StockClient, studio: Studio, name: str, member: str
) -> None:
    where: dict[str, str] = {} if name == "get_eula" else studio.where
    with pytest.raises(StockError) as caught:
        boto3.call(name, **{**where, member: "no-such-thing"})
    assert caught.value.class_name == "ResourceNotFoundException"
    assert caught.value.response["context"]["resourceId"] == "no-such-thing"
    assert caught.value.response["code"] == "NOT_FOUND"
    assert caught.value.code == "ResourceNotFoundException"
    assert caught.value.response["message"] == caught.value.message


@pytest.mark.parametrize(
    ("name", "attempts"),
    [
        ("ServiceQuotaExceededException", 1),
        ("ConflictException", 1),
        ("ResourceNotFoundException", 1),
        ("ThrottlingException", 2),
        ("InternalServerErrorException", 2),
    ],
)
def test_03_a_quota_is_402_and_only_some_errors_are_tried_again(
    boto3: StockClient, watch: Watch, studio_id: str, name: str, attempts: int
) -> None:
    watch.fault = FAULTS[name]
    with pytest.raises(StockError) as caught:
        boto3.call_with({"attempts": 2}, "get_studio", studioId=studio_id)
    assert watch.calls["GetStudio"] == attempts
    assert name != "ServiceQuotaExceededException" or caught.value.status == 402


def test_04_ids_with_colons_and_names_with_slashes_arrive_whole(
    boto3: StockClient, watch: Watch, studio_id: str, arn: str
) -> None:
    assert ":" in studio_id
    assert boto3.call("get_studio", studioId=studio_id)["studio"]["studioId"] == studio_id
    boto3.call("tag_resource", resourceArn=arn, tags={"a": "1", "b": "2"})
    assert watch.inputs[-1].resource_arn == arn
    assert boto3.call("list_tags_for_resource", resourceArn=arn)["tags"] == {"a": "1", "b": "2"}


@pytest.mark.parametrize("name", ["a/b", "a%2Fb", "a b", "ä+ö", "a?b#c", "%", "..;x", "a:b@c"])
def test_05_the_signature_holds_however_a_name_is_encoded(
    boto3: StockClient, watch: Watch, name: str
) -> None:
    with pytest.raises(StockError) as caught:
        boto3.call("get_eula", eulaId=name)
    assert watch.inputs[-1].eula_id == name
    assert caught.value.response["context"]["resourceId"] == name


def test_05_wrong_secrets_keys_and_times_are_refused_as_aws_does(
    environment: dict[str, str], watch: Watch, boto3: StockClient, studio_id: str
) -> None:
    def refused(client: StockClient) -> tuple[str, int | None]:
        with pytest.raises(StockError) as caught:
            client.call("get_studio", studioId=studio_id)
        return caught.value.code, caught.value.status

    python = ensure_boto3(ROOT)
    with StockClient(ROOT, python, {**environment, "AWS_SECRET_ACCESS_KEY": "x"}) as client:
        assert refused(client) == ("InvalidSignatureException", 403)
    with StockClient(ROOT, python, {**environment, "AWS_ACCESS_KEY_ID": "AKIANOBODY"}) as client:
        assert refused(client) == ("UnrecognizedClientException", 403)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watch, "offset", timedelta(minutes=-16))
        answer = refused(boto3)
    assert answer == ("InvalidSignatureException", 403)
    assert watch.calls == {}


def test_06_query_lists_are_repeated_keys_and_spaces_survive(
    boto3: StockClient, watch: Watch, studio: Studio, arn: str
) -> None:
    answer = boto3.call(
        "list_launch_profiles", **studio.where, states=["DELETED", "READY"], maxResults=7
    )
    assert [profile["launchProfileId"] for profile in answer["launchProfiles"]] == [
        studio.profile_id
    ]
    assert watch.inputs[-1].states == ["DELETED", "READY"]
    assert watch.inputs[-1].max_results == 7
    boto3.call("tag_resource", resourceArn=arn, tags={"c": "1", "d e+f": "2"})
    boto3.call("untag_resource", resourceArn=arn, tagKeys=["c", "d e+f"])
    assert watch.inputs[-1].tag_keys == ["c", "d e+f"]
    assert not {"c", "d e+f"} & set(boto3.call("list_tags_for_resource", resourceArn=arn)["tags"])


def test_06_session_ids_come_joined_or_repeated(
    boto3: StockClient, raw: Wire, studio_id: str, stations: list[Workstation]
) -> None:
    one, two = (station.id for station in stations)
    joined = boto3.call("list_streaming_sessions", studioId=studio_id, sessionIds=f"{one},{two}")
    path = f"/studios/{segment(studio_id)}/streaming-sessions"
    repeated = raw("GET", path, query="&".join(sorted(f"sessionIds={each}" for each in (one, two))))
    for answer in (joined, document(repeated.body)):
        assert {session["sessionId"] for session in answer["sessions"]} == {one, two}
    only = boto3.call("list_streaming_sessions", studioId=studio_id, sessionIds=two)
    assert [session["sessionId"] for session in only["sessions"]] == [two]


def test_07_and_13_bodies_may_be_empty_and_what_was_deleted_can_be_waited_for(
    boto3: StockClient, raw: Wire, watch: Watch, studio_id: str, stations: list[Workstation]
) -> None:
    """The SDK sends `{}` with a POST, with DELETE and PUT nothing; others may do either."""
    station, other = stations
    station.wait("ready")
    path = f"/studios/{segment(studio_id)}/streaming-sessions/{segment(station.id)}"
    boto3.call("stop_streaming_session", **station.where)
    assert watch.inputs[-1].client_token
    station.wait("stopped")
    assert raw("POST", f"{path}/start").status == 200
    station.wait("ready")
    assert raw("POST", f"{path}/stop", body=b"null").status == 200
    station.wait("stopped")
    assert raw("DELETE", path, body=b"{}").status == 200
    boto3.call("delete_streaming_session", **other.where)
    assert watch.inputs[-1].client_token
    for each in stations:
        each.wait("deleted")
        assert each.see()["state"] == "DELETED"
    with pytest.raises(StockError, match="healthy") as caught:
        boto3.call("start_studio_sso_configuration_repair", studioId=studio_id)
    assert caught.value.class_name == "ValidationException"
    assert watch.inputs[-1].client_token


def test_08_tagging_answers_no_content(boto3: StockClient, raw: Wire, arn: str) -> None:
    answer = boto3.call("tag_resource", resourceArn=arn, tags={"a": "1"})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert boto3.call("list_tags_for_resource", resourceArn=arn)["tags"]["a"] == "1"
    answer = boto3.call("untag_resource", resourceArn=arn, tagKeys=["a"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    bare = raw("POST", f"/tags/{segment(arn)}", body=b'{"tags":{}}')
    assert (bare.status, bare.body) == (204, b"")
    assert not {"content-length", "content-type"} & set(bare.headers)


def test_09_moments_are_utc_with_whole_seconds(
    boto3: StockClient, raw: Wire, studio_id: str
) -> None:
    created = boto3.call("get_studio", studioId=studio_id)["studio"]["createdAt"]
    assert isinstance(created, datetime)
    assert (created.microsecond, created.utcoffset()) == (0, UTC.utcoffset(None))
    body = document(raw("GET", f"/studios/{segment(studio_id)}").body)
    assert datetime.strptime(body["studio"]["createdAt"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007


def test_10_and_11_a_union_has_one_member_or_is_left_out_and_a_subtype_is_always_there(
    boto3: StockClient, raw: Wire, studio_id: str
) -> None:
    path = f"/studios/{segment(studio_id)}/studio-components"
    given = {"studioId": studio_id, "name": "n", "type": "LICENSE_SERVICE"}
    chosen = {"licenseServiceConfiguration": {"endpoint": "e"}}
    made = boto3.call("create_studio_component", **given, configuration=chosen)["studioComponent"]
    assert made["configuration"] == chosen
    empty = raw("POST", path, body=b'{"name":"n","type":"CUSTOM","configuration":{}}')
    assert empty.status == 200
    two = (
        b'{"name":"n","type":"LICENSE_SERVICE","configuration":'
        b'{"licenseServiceConfiguration":{},"sharedFileSystemConfiguration":{}}}'
    )
    assert raw("POST", path, body=two).status == 400
    without = boto3.call("create_studio_component", **given)["studioComponent"]
    for component in (without, document(empty.body)["studioComponent"]):
        assert "configuration" not in component
    (page,) = boto3.paginate("list_studio_components", studioId=studio_id)
    assert {each["subtype"] for each in page["studioComponents"]} == {"CUSTOM"}
    assert len(page["studioComponents"]) == 4


def test_12_session_storage_always_has_its_root(boto3: StockClient, studio: Studio) -> None:
    ids = {**studio.where, "launchProfileId": studio.profile_id}
    found = boto3.call("get_launch_profile", **ids)["launchProfile"]
    storage = found["streamConfiguration"]["sessionStorage"]
    assert storage["mode"] == ["UPLOAD"]
    assert "root" in storage


def test_14_the_last_page_has_no_token(boto3: StockClient, raw: Wire, studio_id: str) -> None:
    pages = boto3.paginate(
        "list_studio_components", studioId=studio_id, PaginationConfig={"PageSize": 3}
    )
    assert [len(page["studioComponents"]) for page in pages] == [3, 1]
    path = f"/studios/{segment(studio_id)}/studio-components"
    first = document(raw("GET", path, query="maxResults=3").body)
    token = segment(first["nextToken"])
    last = document(raw("GET", path, query=f"maxResults=3&nextToken={token}").body)
    assert "nextToken" not in last
    assert "nextToken" not in document(raw("GET", "/studios").body)


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"displayName": "x" * 65}, "displayName"),
        ({"studioName": "Not-Allowed"}, "studioName"),
        ({"adminRoleArn": "x" * 2049}, "adminRoleArn"),
        ({"clientToken": "x" * 65}, "clientToken"),
    ],
)
def test_15_the_server_checks_what_the_sdk_does_not(
    boto3: StockClient, watch: Watch, change: dict[str, str], member: str
) -> None:
    with pytest.raises(StockError) as caught:
        boto3.call("create_studio", **{**STUDIO_INPUT, **change})
    assert caught.value.class_name == "ValidationException"
    assert caught.value.message.startswith(f"{member} must be")
    assert caught.value.response["context"]["member"] == member
    assert watch.calls == {}


def test_15_unknown_enum_values_and_empty_ids_are_refused(
    boto3: StockClient, studio_id: str
) -> None:
    with pytest.raises(
        StockError, match="type must be one of ACTIVE_DIRECTORY, SHARED_FILE_SYSTEM"
    ):
        boto3.call("create_studio_component", studioId=studio_id, name="n", type="OTHER")
    asked: list[tuple[str, dict[str, Any]]] = [
        ("list_launch_profiles", {"states": ["ODD"]}),
        ("list_launch_profiles", {"maxResults": 101}),
        ("list_streaming_sessions", {"nextToken": "made-up"}),
    ]
    for name, arguments in asked:
        with pytest.raises(StockError) as caught:
            boto3.call(name, studioId=studio_id, **arguments)
        assert caught.value.class_name == "ValidationException"
    with pytest.raises(StockError, match="studioId must not be empty") as caught:
        boto3.call("get_studio", studioId="")
    assert caught.value.class_name == "ValidationException"
    with pytest.raises(StockError, match="studioId must not be empty"):
        boto3.call("list_launch_profiles", studioId="")


def test_16_answers_hold_no_null(raw: Wire, studio: Studio) -> None:
    here = f"/studios/{segment(studio.where['studioId'])}"
    profile = f"{here}/launch-profiles/{studio.profile_id}"
    lists = ["launch-profiles", "studio-components", "streaming-images", "streaming-sessions"]
    for path in ["/studios", "/eulas", here, profile, *(f"{here}/{each}" for each in lists)]:
        answer = raw("GET", path)
        assert answer.status == 200
        assert b"null" not in answer.body


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-2"])
def test_17_one_variable_leads_here_from_any_region(
    boto3: StockClient, studio_id: str, region: str
) -> None:
    answer = boto3.call_with({"region_name": region}, "get_studio", studioId=studio_id)
    assert answer["studio"]["studioId"] == studio_id


def test_17_only_the_service_s_own_clients_are_told(
    environment: dict[str, str], studio_id: str
) -> None:
    other = {key: value for key, value in environment.items() if key != "AWS_ENDPOINT_URL_NIMBLE"}
    # A closed port of this machine stands for the rest of the world.
    other["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    with (
        StockClient(ROOT, ensure_boto3(ROOT), other) as client,
        pytest.raises(StockFailure, match="EndpointConnectionError"),
    ):
        client.call("get_studio", studioId=studio_id)


def test_18_a_token_used_twice_creates_once(
    boto3: StockClient, watch: Watch, studio: Studio
) -> None:
    given = {**studio.where, "name": "Twice", "ec2ImageId": "ami-twice"}
    once = {**given, "clientToken": "0f1e2d"}
    first, second = (boto3.call("create_streaming_image", **once) for _ in range(2))
    assert first["streamingImage"] == second["streamingImage"]
    assert watch.calls["CreateStreamingImage"] == 1
    with pytest.raises(StockError, match="clientToken was used before") as caught:
        boto3.call("create_streaming_image", **{**once, "name": "Other"})
    assert caught.value.class_name == "ValidationException"
    # The SDK gives every call that names none a token of its own.
    for _ in range(2):
        boto3.call("create_streaming_image", **given)
    images = [
        image
        for page in boto3.paginate("list_streaming_images", **studio.where)
        for image in page["streamingImages"]
        if image["name"] == "Twice"
    ]
    assert len(images) == watch.calls["CreateStreamingImage"] == 3


def test_unknown_addresses_and_methods(raw: Wire) -> None:
    nowhere = raw("GET", "/nowhere")
    assert (nowhere.status, nowhere.headers["x-amzn-errortype"]) == (
        404,
        "UnknownOperationException",
    )
    other = raw("PATCH", "/studios")
    assert (other.status, other.headers["allow"]) == (405, "GET, POST")


def test_a_body_that_is_too_large_is_refused_before_the_signature(raw: Wire) -> None:
    connection = http.client.HTTPConnection(raw.host, timeout=10)
    connection.putrequest("POST", "/2020-08-01/studios")
    connection.putheader("Content-Length", str(1024 * 1024 + 1))
    connection.endheaders()
    answer = Raw(connection.getresponse())
    connection.close()
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (
        413,
        "RequestEntityTooLargeException",
    )
