"""Paths are split while still encoded, and every label is decoded once."""

import pytest

from soundstage.api.errors import Refused
from soundstage.api.routes import Match, Routes
from soundstage.testing.small_studio import STUDIO, SmallStudio
from soundstage.wire.faults import ValidationError
from soundstage.wire.operation import Operation


@pytest.fixture
def routes(studio: SmallStudio) -> Routes:
    return Routes(studio.operations())


def find(routes: Routes, method: str, path: str) -> Match:
    return routes.find(method, f"/2020-08-01{path}")


def test_every_row_is_found_by_its_own_path(routes: Routes, studio: SmallStudio) -> None:
    for operation in studio.operations():
        path = operation.path
        for label in operation.labels:
            path = path.replace(f"{{{label}}}", f"a%2F{label}")
        found = find(routes, operation.method, path)
        assert found.row.operation.name == operation.name
        assert found.labels == {label: f"a/{label}" for label in operation.labels}


def test_a_label_is_decoded_once_after_splitting(routes: Routes) -> None:
    assert find(routes, "GET", "/studios/us-west-2%3Astid-nyoqq12fteqy1x48").labels == {
        "studioId": STUDIO
    }
    arn = "/tags/arn%3Aaws%3Animble%3Aus-west-2%3A123456789012%3Astudio%2Fstid-a"
    assert find(routes, "GET", arn).labels == {
        "resourceArn": "arn:aws:nimble:us-west-2:123456789012:studio/stid-a"
    }
    assert find(routes, "GET", "/studios/a%252Fb").labels == {"studioId": "a%2Fb"}
    assert find(routes, "GET", "/studios/a+b").labels == {"studioId": "a+b"}
    assert find(routes, "GET", "/studios/%C3%A4").labels == {"studioId": "ä"}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/nothing",
        "/studios/a/nothing",
        "/studios/a/studio-components/b/c/d",
        "/studios/a%2Fstudio-components/x",
        "/studios/./studio-components",
        "/studios/a/../b",
        "/eulas",
    ],
)
def test_an_unknown_path_is_an_unknown_operation(routes: Routes, path: str) -> None:
    with pytest.raises(Refused) as caught:
        find(routes, "GET", path)
    assert (caught.value.error_name, caught.value.error_status) == (
        "UnknownOperationException",
        404,
    )


@pytest.mark.parametrize("path", ["/studios", "/2020-08-01x/studios", "/x/2020-08-01/studios", ""])
def test_only_the_base_path_leads_here(routes: Routes, path: str) -> None:
    with pytest.raises(Refused):
        routes.find("GET", path)


def test_another_method_is_told_which_there_are(routes: Routes) -> None:
    with pytest.raises(Refused) as caught:
        find(routes, "PATCH", "/studios")
    assert (caught.value.error_name, caught.value.error_status) == (
        "MethodNotAllowedException",
        405,
    )
    assert caught.value.headers == {"allow": "GET, POST"}


@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("/studios/", "studioId"),
        ("/studios//launch-profiles", "studioId"),
        ("/studios/a/streaming-sessions/", "sessionId"),
        ("/studios/%ff", "studioId"),
        ("/studios/%ed%a0%80", "studioId"),
        ("/studios/a%00", "studioId"),
    ],
)
def test_an_empty_or_broken_label_names_its_member(routes: Routes, path: str, member: str) -> None:
    with pytest.raises(ValidationError, match=member) as caught:
        find(routes, "GET", path)
    assert caught.value.context == {"member": member}


def test_two_rows_can_t_share_a_method_and_path(studio: SmallStudio) -> None:
    rows: list[Operation] = studio.operations()
    with pytest.raises(ValueError, match="GetStudio"):
        Routes([*rows, rows[1]])
