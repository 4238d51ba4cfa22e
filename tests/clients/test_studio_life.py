"""A studio's things changed, shown and deleted by a stock SDK, its waiters and pages included."""

from soundstage.resources.eulas.model import CATALOGUE
from soundstage.testing.clients import StockClient


def test_a_studio_from_its_making_to_its_end(whole: StockClient) -> None:
    call = whole.call
    made = call(
        "create_studio", studioName="life", displayName="L", adminRoleArn="a", userRoleArn="u"
    )["studio"]
    studio = {"studioId": made["studioId"]}
    whole.wait("studio_ready", **studio)
    call("update_studio", **studio, displayName="New")
    whole.wait("studio_ready", **studio)
    assert call("get_studio", **studio)["studio"]["displayName"] == "New"

    component = call("create_studio_component", **studio, name="Scripts", type="CUSTOM")[
        "studioComponent"
    ]
    component_ids = {**studio, "studioComponentId": component["studioComponentId"]}
    whole.wait("studio_component_ready", **component_ids)
    call("update_studio_component", **component_ids, description="d")
    whole.wait("studio_component_ready", **component_ids)
    (page,) = whole.paginate("list_studio_components", **studio, types=["CUSTOM"])
    assert [each["description"] for each in page["studioComponents"]] == ["d"]

    image = call("create_streaming_image", **studio, name="i", ec2ImageId="ami-host")
    image_ids = {**studio, "streamingImageId": image["streamingImage"]["streamingImageId"]}
    whole.wait("streaming_image_ready", **image_ids)
    assert call("update_streaming_image", **image_ids, name="j")["streamingImage"]["name"] == "j"

    profile = call(
        "create_launch_profile",
        **studio,
        name="p",
        ec2SubnetIds=[],
        launchProfileProtocolVersions=["2021-03-31"],
        studioComponentIds=[component["studioComponentId"]],
        streamConfiguration={
            "clipboardMode": "ENABLED",
            "ec2InstanceTypes": ["g5.xlarge"],
            "streamingImageIds": [image_ids["streamingImageId"]],
        },
    )["launchProfile"]
    profile_ids = {**studio, "launchProfileId": profile["launchProfileId"]}
    whole.wait("launch_profile_ready", **profile_ids)
    call("update_launch_profile", **profile_ids, name="q")
    whole.wait("launch_profile_ready", **profile_ids)
    details = call("get_launch_profile_details", **profile_ids)
    assert details["launchProfile"]["name"] == "q"
    assert [each["name"] for each in details["streamingImages"]] == ["j"]
    joining = call(
        "get_launch_profile_initialization",
        **profile_ids,
        launchProfileProtocolVersions=["2021-03-31"],
        launchPurpose="WORKSTATION",
        platform="LINUX",
    )
    assert joining["launchProfileInitialization"]["name"] == "q"
    (page,) = whole.paginate("list_launch_profile_members", **profile_ids)
    assert page["members"] == []
    (page,) = whole.paginate("list_studio_members", **studio)
    assert page["members"] == []

    for arn in (made["arn"], profile["arn"]):
        call("tag_resource", resourceArn=arn, tags={"a": "1", "b": "2"})
        call("untag_resource", resourceArn=arn, tagKeys=["a"])
        assert call("list_tags_for_resource", resourceArn=arn)["tags"] == {"b": "2"}
    (page,) = whole.paginate("list_eulas")
    assert {each["eulaId"] for each in page["eulas"]} == CATALOGUE.keys()
    call("accept_eulas", **studio, eulaIds=sorted(CATALOGUE))
    (page,) = whole.paginate("list_eula_acceptances", **studio)
    assert len(page["eulaAcceptances"]) == len(CATALOGUE)

    for kind, ids in [
        ("launch_profile", profile_ids),
        ("streaming_image", image_ids),
        ("studio_component", component_ids),
        ("studio", studio),
    ]:
        call(f"delete_{kind}", **ids)
        whole.wait(f"{kind}_deleted", **ids)
