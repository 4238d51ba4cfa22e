"""Tags on the wire: the six kinds of resources that can have some."""

from datetime import timedelta
from typing import Any

import pytest

from soundstage.client.calls import CallError
from soundstage.testing.world import PERSISTENT, World


def arns_of_all(world: World) -> dict[str, str]:
    """Make one of each kind, and tell their ARNs."""
    studio = world.studio()
    studio_id = studio["studioId"]
    profile = world.profile(studio_id, **PERSISTENT)
    session = world.session(studio_id, profile["launchProfileId"])
    ids = {"studioId": studio_id, "sessionId": session["sessionId"]}
    world.operator.call("StopStreamingSession", **ids)
    world.advance(timedelta(minutes=5))

    def first(operation: str) -> str:
        return str(next(iter(world.operator.pages(operation, studioId=studio_id)))["arn"])

    return {
        "studio": studio["arn"],
        "component": first("ListStudioComponents"),
        "image": first("ListStreamingImages"),
        "profile": profile["arn"],
        "session": session["arn"],
        "backup": first("ListStreamingSessionBackups"),
    }


def test_all_six_kinds_are_tagged_and_untagged(world: World) -> None:
    for kind, arn in arns_of_all(world).items():
        named = {"resourceArn": arn}
        assert world.operator.call("ListTagsForResource", **named) == {"tags": {}}, kind
        for tags in ({"a": "1", "b": "2"}, {"b": "3", "c/d": ""}):
            assert world.operator.call("TagResource", **named, tags=tags) == {}
        expected = {"a": "1", "b": "3", "c/d": ""}
        assert world.operator.call("ListTagsForResource", **named) == {"tags": expected}
        world.operator.call("UntagResource", **named, tagKeys=["a", "c/d", "never there"])
        assert world.operator.call("ListTagsForResource", **named) == {"tags": {"b": "3"}}


def test_tags_show_on_the_resource_that_they_were_put_on(world: World, studio_id: str) -> None:
    studio = world.operator.call("GetStudio", studioId=studio_id)["studio"]
    world.operator.call("TagResource", resourceArn=studio["arn"], tags={"a": "1"})
    after = world.operator.call("GetStudio", studioId=studio_id)["studio"]
    assert after == {**studio, "tags": {"a": "1"}}


def test_tags_are_the_operator_s(world: World, studio_id: str) -> None:
    arn = world.operator.call("GetStudio", studioId=studio_id)["studio"]["arn"]
    more: dict[str, dict[str, Any]] = {
        "TagResource": {"tags": {}},
        "UntagResource": {"tagKeys": []},
    }
    for operation in ("TagResource", "UntagResource", "ListTagsForResource"):
        with pytest.raises(CallError) as caught:
            world.client("anna").call(operation, resourceArn=arn, **more.get(operation, {}))
        assert caught.value.name == "AccessDeniedException"
