"""The one error of calls."""

from soundstage.client.errors import CallError


def test_it_keeps_its_name_status_and_words() -> None:
    error = CallError("ConflictException", 409, "Not now.")
    assert [each.message for each in error.complaints] == ["Not now."]
    assert (error.name, error.status, str(error)) == ("ConflictException", 409, "Not now.")


def test_it_has_all_complaints_with_their_codes() -> None:
    context = {"member": "a", "complaint2": "b is odd.", "complaint2.code": "UNFIT"}
    error = CallError("ValidationException", 400, "a is odd.", code="UNFIT", context=context)
    told = [(each.message, each.code, dict(each.context)) for each in error.complaints]
    assert told == [("a is odd.", "UNFIT", {"member": "a"}), ("b is odd.", "UNFIT", {})]
