"""What breaks clients when done wrong, tried with a stock SDK against a real server.

The numbers are those of the list in `docs/adr/0002-operations-are-rows.md`. Traps 11, 12 and the
rest of 13 concern what components, profiles and deleted things answer; they are tried where the
whole service runs.
"""

import http.client
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from soundstage.kit.clock import system_clock
from soundstage.testing.clients import StockClient, StockError, StockFailure, ensure_boto3
from soundstage.testing.small_studio import (
    FAULTS,
    NOW,
    STUDIO,
    SmallStudio,
    document,
    segment,
    signed,
)

ROOT = Path(__file__).parents[2]
ARN = "arn:aws:nimble:us-west-2:123456789012:studio/stid-nyoqq12fteqy1x48"
STUDIO_INPUT = {
    "adminRoleArn": "arn:aws:iam::123456789012:role/a",
    "displayName": "Studio",
    "studioName": "studio",
    "userRoleArn": "arn:aws:iam::123456789012:role/u",
}


class Raw:
    """An answer byte for byte."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.body = answer.read()


def raw(
    address: str,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    query: str = "",
    headers: Mapping[str, str] | None = None,
) -> Raw:
    """Send what the stock SDK would refuse to send, rightly signed."""
    host = urlsplit(address).netloc
    received = signed(
        method,
        path,
        query=query,
        body=body,
        at=system_clock(),
        headers={"host": host, **(headers or {})},
    )
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        target = f"{received.raw_path}?{query}" if query else received.raw_path
        connection.request(method, target, body=body or None, headers=dict(received.headers))
        return Raw(connection.getresponse())
    finally:
        connection.close()


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_01_the_name_of_an_error_is_in_its_header(
    boto3: StockClient, small: SmallStudio, name: str
) -> None:
    """Without the header the SDK takes `code` for the name, and raises no class of its own."""
    small.fault = FAULTS[name]
    with pytest.raises(StockError) as caught:
        boto3.call("get_studio", studioId=STUDIO)
    assert (caught.value.class_name, caught.value.code) == (name, name)
    assert caught.value.status == FAULTS[name].status
    assert caught.value.response.get("code") == FAULTS[name].code


def test_02_an_error_s_members_are_lower_case_and_name_the_resource(
    boto3: StockClient, small: SmallStudio
) -> None:
    small.fault = FAULTS["ResourceNotFoundException"]
    with pytest.raises(StockError) as caught:
        boto3.call("get_studio", studioId=STUDIO)
    assert caught.value.response["context"] == {"resourceId": "no-such-session"}
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
    boto3: StockClient, small: SmallStudio, name: str, attempts: int
) -> None:
    small.fault = FAULTS[name]
    with pytest.raises(StockError) as caught:
        boto3.call_with({"attempts": 2}, "get_studio", studioId=STUDIO)
    assert small.calls["GetStudio"] == attempts
    assert name != "ServiceQuotaExceededException" or caught.value.status == 402


def test_04_ids_with_colons_and_names_with_slashes_arrive_whole(
    boto3: StockClient, small: SmallStudio
) -> None:
    assert boto3.call("get_studio", studioId=STUDIO)["studio"]["studioId"] == STUDIO
    boto3.call("tag_resource", resourceArn=ARN, tags={"a": "1", "b": "2"})
    assert list(small.tags) == [ARN]


@pytest.mark.parametrize("name", ["a/b", "a%2Fb", "a b", "ä+ö", "a?b#c", "%", "..;x", "a:b@c"])
def test_05_the_signature_holds_however_a_name_is_encoded(
    boto3: StockClient, small: SmallStudio, name: str
) -> None:
    boto3.call("list_tags_for_resource", resourceArn=name)
    assert small.inputs[-1].resource_arn == name


def test_05_wrong_secrets_keys_and_times_are_refused_as_aws_does(
    environment: dict[str, str], small: SmallStudio, boto3: StockClient
) -> None:
    def refused(client: StockClient) -> tuple[str, int]:
        with pytest.raises(StockError) as caught:
            client.call("get_studio", studioId=STUDIO)
        return caught.value.code, caught.value.status

    python = ensure_boto3(ROOT)
    with StockClient(ROOT, python, {**environment, "AWS_SECRET_ACCESS_KEY": "x"}) as client:
        assert refused(client) == ("InvalidSignatureException", 403)
    with StockClient(ROOT, python, {**environment, "AWS_ACCESS_KEY_ID": "AKIANOBODY"}) as client:
        assert refused(client) == ("UnrecognizedClientException", 403)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small, "now", lambda: NOW)
        code, status = refused(boto3)
    assert (code, status) == ("InvalidSignatureException", 403)
    assert small.calls == {}


def test_06_query_lists_are_repeated_keys_and_spaces_survive(
    boto3: StockClient, small: SmallStudio
) -> None:
    answer = boto3.call(
        "list_launch_profiles", studioId=STUDIO, states=["READY", "A B+C"], maxResults=7
    )
    assert [profile["state"] for profile in answer["launchProfiles"]] == ["READY", "A B+C"]
    assert small.inputs[-1].max_results == 7
    boto3.call("untag_resource", resourceArn=ARN, tagKeys=["a", "b c"])
    assert small.inputs[-1].tag_keys == ["a", "b c"]


def test_06_session_ids_come_joined_or_repeated(boto3: StockClient, address: str) -> None:
    answer = boto3.call("list_streaming_sessions", studioId=STUDIO, sessionIds="a,b")
    assert [session["sessionId"] for session in answer["sessions"]] == ["a", "b"]
    path = f"/studios/{segment(STUDIO)}/streaming-sessions"
    repeated = raw(address, "GET", path, query="sessionIds=a&sessionIds=b")
    assert document(repeated.body) == {"sessions": [{"sessionId": "a"}, {"sessionId": "b"}]}


def test_07_bodies_may_be_empty_objects_or_nothing(
    boto3: StockClient, small: SmallStudio, address: str
) -> None:
    boto3.call("stop_streaming_session", studioId=STUDIO, sessionId="ann-session")
    boto3.call("delete_streaming_session", studioId=STUDIO, sessionId="x")
    boto3.call("start_studio_sso_configuration_repair", studioId=STUDIO)
    path = f"/studios/{segment(STUDIO)}/streaming-sessions/ann-session/stop"
    assert raw(address, "POST", path).status == 200
    assert all(given.client_token for given in small.inputs[:3])


def test_08_tagging_answers_no_content(boto3: StockClient, address: str) -> None:
    answer = boto3.call("tag_resource", resourceArn=ARN, tags={"a": "1"})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert boto3.call("list_tags_for_resource", resourceArn=ARN)["tags"]["a"] == "1"
    answer = boto3.call("untag_resource", resourceArn=ARN, tagKeys=["a"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    bare = raw(address, "POST", f"/tags/{segment(ARN)}", body=b'{"tags":{}}')
    assert (bare.status, bare.body) == (204, b"")
    assert not {"content-length", "content-type"} & set(bare.headers)


def test_09_moments_are_utc_with_whole_seconds(boto3: StockClient, address: str) -> None:
    created = boto3.call("create_studio", **STUDIO_INPUT)["studio"]["createdAt"]
    assert isinstance(created, datetime)
    assert (created.microsecond, created.utcoffset()) == (0, UTC.utcoffset(None))
    body = document(raw(address, "GET", f"/studios/{segment(STUDIO)}").body)
    assert datetime.strptime(body["studio"]["createdAt"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007


def test_10_a_union_has_one_member_or_is_left_out(boto3: StockClient, address: str) -> None:
    path = f"/studios/{segment(STUDIO)}/studio-components"
    given = {"studioId": STUDIO, "name": "n", "type": "LICENSE_SERVICE"}
    chosen = {"licenseServiceConfiguration": {"endpoint": "e"}}
    answer = boto3.call("create_studio_component", **given, configuration=chosen)
    assert answer["studioComponent"]["configuration"] == chosen
    empty = raw(address, "POST", path, body=b'{"name":"n","type":"CUSTOM","configuration":{}}')
    assert (empty.status, "configuration" in document(empty.body)["studioComponent"]) == (
        200,
        False,
    )
    two = (
        b'{"name":"n","type":"CUSTOM","configuration":'
        b'{"licenseServiceConfiguration":{},"sharedFileSystemConfiguration":{}}}'
    )
    assert raw(address, "POST", path, body=two).status == 400
    assert "configuration" not in boto3.call("create_studio_component", **given)["studioComponent"]


def test_13_what_was_deleted_can_still_be_waited_for(boto3: StockClient) -> None:
    boto3.call("delete_streaming_session", studioId=STUDIO, sessionId="ann-session")
    boto3.wait("streaming_session_deleted", studioId=STUDIO, sessionId="ann-session")


def test_14_the_last_page_has_no_token(boto3: StockClient, address: str) -> None:
    pages = boto3.paginate("list_studios")
    assert [[studio["studioId"] for studio in page["studios"]] for page in pages] == [["a"], ["b"]]
    last = document(raw(address, "GET", "/studios", query="nextToken=2").body)
    assert "nextToken" not in last


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
    boto3: StockClient, small: SmallStudio, change: dict[str, str], member: str
) -> None:
    with pytest.raises(StockError) as caught:
        boto3.call("create_studio", **{**STUDIO_INPUT, **change})
    assert caught.value.class_name == "ValidationException"
    assert caught.value.message.startswith(f"{member} must be")
    assert caught.value.response["context"] == {"member": member}
    assert small.calls == {}


def test_15_unknown_enum_values_and_empty_ids_are_refused(boto3: StockClient) -> None:
    with pytest.raises(StockError, match="type must be one of CUSTOM, LICENSE_SERVICE"):
        boto3.call("create_studio_component", studioId=STUDIO, name="n", type="OTHER")
    with pytest.raises(StockError, match="studioId must not be empty") as caught:
        boto3.call("get_studio", studioId="")
    assert caught.value.class_name == "ValidationException"
    with pytest.raises(StockError, match="studioId must not be empty"):
        boto3.call("list_launch_profiles", studioId="")


def test_16_answers_hold_no_null(address: str) -> None:
    for path in (f"/studios/{segment(STUDIO)}", "/studios"):
        assert b"null" not in raw(address, "GET", path).body


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-2"])
def test_17_one_variable_leads_here_from_any_region(boto3: StockClient, region: str) -> None:
    answer = boto3.call_with({"region_name": region}, "get_studio", studioId=STUDIO)
    assert answer["studio"]["studioId"] == STUDIO


def test_17_only_the_service_s_own_clients_are_told(environment: dict[str, str]) -> None:
    other = {key: value for key, value in environment.items() if key != "AWS_ENDPOINT_URL_NIMBLE"}
    # A closed port of this machine stands for the rest of the world.
    other["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    with (
        StockClient(ROOT, ensure_boto3(ROOT), other) as client,
        pytest.raises(StockFailure, match="EndpointConnectionError"),
    ):
        client.call("get_studio", studioId=STUDIO)


def test_18_a_token_used_twice_creates_once(boto3: StockClient, small: SmallStudio) -> None:
    given = {"studioId": STUDIO, "launchProfileId": "p", "clientToken": "0f1e2d"}
    first = boto3.call("create_streaming_session", **given)
    second = boto3.call("create_streaming_session", **given)
    assert first["session"] == second["session"]
    assert small.calls["CreateStreamingSession"] == 1
    with pytest.raises(StockError, match="clientToken was used before") as caught:
        boto3.call("create_streaming_session", **{**given, "launchProfileId": "q"})
    assert caught.value.class_name == "ValidationException"
    boto3.call("create_streaming_session", studioId=STUDIO, launchProfileId="p")
    boto3.call("create_streaming_session", studioId=STUDIO, launchProfileId="p")
    assert small.calls["CreateStreamingSession"] == 3


def test_unknown_addresses_and_methods(address: str) -> None:
    nowhere = raw(address, "GET", "/nowhere")
    assert (nowhere.status, nowhere.headers["x-amzn-errortype"]) == (
        404,
        "UnknownOperationException",
    )
    other = raw(address, "PATCH", "/studios")
    assert (other.status, other.headers["allow"]) == (405, "GET, POST")


def test_a_body_that_is_too_large_is_refused_before_the_signature(address: str) -> None:
    host = urlsplit(address).netloc
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.putrequest("POST", "/2020-08-01/studios")
    connection.putheader("Content-Length", str(1024 * 1024 + 1))
    connection.endheaders()
    answer = Raw(connection.getresponse())
    connection.close()
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (
        413,
        "RequestEntityTooLargeException",
    )
