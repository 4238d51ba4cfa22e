"""Images by forms: made, renamed, deleted."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office


def image(office: "Office", name: str) -> dict[str, Any]:
    office.world.settle()
    found = office.world.operator.pages("ListStreamingImages", studioId=office.studio.id)
    return next(each for each in found if each["name"] == name)


def test_an_image_is_made_changed_and_deleted(office: "Office") -> None:
    made = office.send("images/new", name="Rocky", ec2ImageId="ami-rocky9", description="Old")
    assert made.status_code == 303, made.text
    kept = image(office, "Rocky")
    assert (kept["ec2ImageId"], kept["description"]) == ("ami-rocky9", "Old")
    one = f"images/{kept['streamingImageId']}"
    assert 'name="ec2ImageId"' not in office.see(one).text
    office.send(one, name="Rocky 9", description="")
    changed = image(office, "Rocky 9")
    assert (changed["ec2ImageId"], changed.get("description", "")) == ("ami-rocky9", "")
    asked = office.see(f"{one}/delete")
    assert "Delete Rocky 9?" in asked.text
    gone = office.operator.submit(asked, f"{office.path}/{one}/delete")
    assert gone.headers["Location"] == f"{office.path}/images"
    assert image(office, "Rocky 9")["state"] in {"DELETED", "DELETE_IN_PROGRESS"}


def test_pressing_create_twice_makes_one(office: "Office") -> None:
    page = office.see("images/new")
    where = f"{office.path}/images/new"
    fields = {"name": "Twice", "ec2ImageId": "ami-twice"}
    first, second = (office.operator.submit(page, where, **fields) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
