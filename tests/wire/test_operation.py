"""What follows from a row alone."""

import pytest

from soundstage.wire.operation import Grant, Operation, Permission
from soundstage.wire.shapes import Empty


def row(method: str, path: str) -> Operation:
    return Operation(
        name="Something",
        method=method,
        path=path,
        input=Empty,
        output=Empty,
        permission=Permission(administrator=Grant.NEVER, user=Grant.NEVER),
        handler=print,
    )


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/studios", ()),
        ("/studios/{studioId}", ("studioId",)),
        ("/studios/{studioId}/a-b/{sessionId}/stop", ("studioId", "sessionId")),
    ],
)
def test_labels_come_in_order(path: str, labels: tuple[str, ...]) -> None:
    assert row("GET", path).labels == labels


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_only_get_reads(method: str) -> None:
    assert row(method, "/studios").is_read is (method == "GET")


def test_a_row_without_a_permission_can_t_be_made() -> None:
    with pytest.raises(TypeError, match="permission"):
        Operation(  # type: ignore[call-arg]
            name="x", method="GET", path="/", input=Empty, output=Empty, handler=print
        )
