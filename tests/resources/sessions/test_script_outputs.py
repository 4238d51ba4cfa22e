"""What initialization scripts said is for administrators."""

from datetime import timedelta
from typing import Any

import pytest

from soundstage.client.calls import CallError
from soundstage.testing.walks import Studio
from soundstage.testing.world import PERSISTENT, World

PARAMETERS = [{"key": "TOKEN", "value": "opensesame"}]


def script(text: str, context: str = "SYSTEM") -> dict[str, str]:
    return {"script": text, "platform": "LINUX", "runContext": f"{context}_INITIALIZATION"}


def component(world: World, studio_id: str, name: str, *scripts: dict[str, str]) -> str:
    made = world.operator.call(
        "CreateStudioComponent",
        studioId=studio_id,
        name=name,
        type="CUSTOM",
        initializationScripts=list(scripts),
        scriptParameters=PARAMETERS,
    )["studioComponent"]
    world.settle()
    return str(made["studioComponentId"])


def profile_of(studio: Studio, *components: str) -> str:
    profile = studio.world.profile(studio.id, **PERSISTENT)
    studio.world.operator.call(
        "UpdateLaunchProfile",
        studioId=studio.id,
        launchProfileId=profile["launchProfileId"],
        studioComponentIds=list(components),
    )
    studio.world.settle()
    return str(profile["launchProfileId"])


def launch(studio: Studio, *components: str) -> dict[str, Any]:
    return studio.world.session(studio.id, profile_of(studio, *components))


def test_scripts_run_at_each_start_and_are_told_newest_first(studio: Studio) -> None:
    world = studio.world
    tools = component(world, studio.id, "Tools", script("echo token $TOKEN"))
    desk = component(world, studio.id, "Desk", script("echo mine", "USER"))
    session = studio.later(launch(studio, desk, tools))
    assert session["state"] == "READY"
    studio.start(studio.stop(session))
    ids = {"studioId": studio.id, "sessionId": session["sessionId"]}
    answer = world.operator.call("ListStreamingSessionScriptOutputs", **ids)
    shown = [
        (each["attempt"], each["studioComponentName"], each["runContext"], each["output"])
        for each in answer["scriptOutputs"]
    ]
    one_start = [
        ("Tools", "SYSTEM_INITIALIZATION", "token ***\n"),
        ("Desk", "USER_INITIALIZATION", "mine\n"),
    ]
    assert shown == [(attempt, *each) for attempt in (2, 1) for each in one_start]
    assert {each["exitCode"] for each in answer["scriptOutputs"]} == {0}


def test_a_failed_script_fails_the_launch_and_says_why(studio: Studio) -> None:
    broken = component(studio.world, studio.id, "Broken", script("echo no $TOKEN here\nexit 3"))
    session = studio.later(launch(studio, broken))
    assert (session["state"], session["statusCode"]) == (
        "CREATE_FAILED",
        "INITIALIZATION_SCRIPT_ERROR",
    )
    assert "'Broken' ended with code 3: no *** here" in session["statusMessage"]
    assert "opensesame" not in session["statusMessage"]


def test_what_a_component_says_now_is_what_the_next_start_runs(studio: Studio) -> None:
    world = studio.world
    changing = component(world, studio.id, "Changing", script("echo before"))
    session = studio.stop(studio.later(launch(studio, changing)))
    world.operator.call(
        "UpdateStudioComponent",
        studioId=studio.id,
        studioComponentId=changing,
        initializationScripts=[script("echo after")],
    )
    world.settle()
    studio.start(session)
    ids = {"studioId": studio.id, "sessionId": session["sessionId"]}
    answer = world.operator.call("ListStreamingSessionScriptOutputs", **ids)
    assert [each["output"] for each in answer["scriptOutputs"]] == ["after\n", "before\n"]


def test_long_lists_come_in_pages(studio: Studio) -> None:
    world = studio.world
    scripts = [script(f"echo {number}") for number in range(25)]
    session = studio.later(launch(studio, component(world, studio.id, "Many", *scripts)))
    ids = {"studioId": studio.id, "sessionId": session["sessionId"]}
    first = world.operator.call("ListStreamingSessionScriptOutputs", **ids)
    second = world.operator.call(
        "ListStreamingSessionScriptOutputs", nextToken=first["nextToken"], **ids
    )
    shown = [each["output"].strip() for each in first["scriptOutputs"] + second["scriptOutputs"]]
    assert shown == [str(number) for number in range(25)]
    assert "nextToken" not in second


def test_the_owner_does_not_see_it(studio: Studio) -> None:
    world = studio.world
    tools = component(world, studio.id, "Tools", script("echo x"))
    profile_id = profile_of(studio, tools)
    ann = world.client("ann")
    world.operator.call(
        "PutLaunchProfileMembers",
        studioId=studio.id,
        launchProfileId=profile_id,
        identityStoreId="d-1234567890",
        members=[{"persona": "USER", "principalId": world.principal_id("ann")}],
    )
    session = ann.call(
        "CreateStreamingSession",
        studioId=studio.id,
        launchProfileId=profile_id,
        ownedBy=world.principal_id("ann"),
    )["session"]
    world.advance(timedelta(minutes=1))
    ids = {"studioId": studio.id, "sessionId": session["sessionId"]}
    assert ann.call("GetStreamingSession", **ids)["session"]["state"] == "READY"
    with pytest.raises(CallError) as refused:
        ann.call("ListStreamingSessionScriptOutputs", **ids)
    assert refused.value.name == "AccessDeniedException"
    assert world.operator.call("ListStreamingSessionScriptOutputs", **ids)["scriptOutputs"]
