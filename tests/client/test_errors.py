"""The one error of calls."""

from soundstage.client.errors import CallError


def test_it_keeps_its_name_status_and_words() -> None:
    error = CallError("ConflictException", 409, "Not now.")
    assert (error.name, error.status, str(error)) == ("ConflictException", 409, "Not now.")
