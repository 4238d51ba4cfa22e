"""The seven errors keep their public names and statuses."""

import pytest

from soundstage.wire import faults
from soundstage.wire.faults import (
    FAULTS,
    Complaint,
    ConflictError,
    Fault,
    InternalError,
    NotFoundError,
    ThrottledError,
    ValidationError,
    complaints_of,
)

PUBLIC = {
    (400, "ValidationException"),
    (402, "ServiceQuotaExceededException"),
    (403, "AccessDeniedException"),
    (404, "ResourceNotFoundException"),
    (409, "ConflictException"),
    (429, "ThrottlingException"),
    (500, "InternalServerErrorException"),
}


def test_there_are_seven() -> None:
    family = [
        kind
        for kind in vars(faults).values()
        if isinstance(kind, type) and issubclass(kind, Fault) and kind is not Fault
    ]
    assert {(kind.status, kind.name) for kind in family} == PUBLIC
    assert set(family) == set(FAULTS)
    assert len(FAULTS) == 7


def test_who_is_to_blame_and_what_may_be_tried_again() -> None:
    assert {fault for fault in FAULTS if fault.is_ours} == {InternalError}
    assert {fault for fault in FAULTS if fault.is_retryable} == {InternalError, ThrottledError}


def test_a_fault_keeps_what_it_is_told() -> None:
    fault = ValidationError("No.", code="BAD", context={"member": "name"})
    assert (str(fault), fault.message, fault.code) == ("No.", "No.", "BAD")
    assert (fault.context, fault.headers) == ({"member": "name"}, {})
    assert ThrottledError("Slow.", headers={"Retry-After": "1"}).headers == {"Retry-After": "1"}


def test_all_that_is_wrong_goes_together_and_comes_apart_again() -> None:
    wrong = [
        ValidationError("a is long.", code="TOO_LONG", context={"member": "a", "limit": "3"}),
        ValidationError("b is odd."),
        ValidationError("c is needed.", code="REQUIRED", context={"member": "c"}),
    ]
    fault = ValidationError.of(wrong)
    assert fault.complaints == ["a is long.", "b is odd.", "c is needed."]
    assert all(isinstance(text, str) for text in fault.context.values())
    told = complaints_of(fault.message, fault.code, fault.context)
    assert told == [Complaint(each.message, each.code, each.context) for each in wrong]


def test_a_state_that_does_not_allow_it_is_told_with_those_that_would() -> None:
    fault = ConflictError.of_state("session", "x", "STOPPED", to="stop it", possible=["A", "B"])
    assert (fault.code, fault.status) == ("STATE", 409)
    assert fault.message == "The session x is STOPPED; to stop it, it must be one of: A, B."
    assert fault.context == {
        "resourceId": "x",
        "kind": "session",
        "state": "STOPPED",
        "possible": "A, B",
    }


def test_a_state_names_the_member_where_a_request_says_whose_it_is() -> None:
    fault = ValidationError.of_state("backup", "x", "DELETED", member="backupId")
    assert fault.message == "backupId: the backup x is DELETED; it must be READY."


def test_faults_share_no_context() -> None:
    one, other = ValidationError("a"), ValidationError("b")
    one.context["member"] = "name"
    assert other.context == {}


def test_what_is_not_found_is_in_the_context() -> None:
    fault = NotFoundError("session", "abc")
    assert fault.code == "NOT_FOUND"
    assert fault.context == {"resourceId": "abc", "kind": "session"}
    assert "session abc" in fault.message


def test_the_root_is_no_error_of_the_wire() -> None:
    with pytest.raises(AttributeError):
        _ = Fault("x").status
