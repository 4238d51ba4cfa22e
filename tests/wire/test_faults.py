"""The seven errors keep their public names and statuses."""

import pytest

from soundstage.wire import faults
from soundstage.wire.faults import Fault, NotFoundError, ThrottledError, ValidationError

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
    assert len(family) == 7


def test_a_fault_keeps_what_it_is_told() -> None:
    fault = ValidationError("No.", code="BAD", context={"member": "name"})
    assert (str(fault), fault.message, fault.code) == ("No.", "No.", "BAD")
    assert (fault.context, fault.headers) == ({"member": "name"}, {})
    assert ThrottledError("Slow.", headers={"Retry-After": "1"}).headers == {"Retry-After": "1"}


def test_faults_share_no_context() -> None:
    one, other = ValidationError("a"), ValidationError("b")
    one.context["member"] = "name"
    assert other.context == {}


def test_what_is_not_found_is_in_the_context() -> None:
    fault = NotFoundError("session", "abc")
    assert fault.context == {"resourceId": "abc"}
    assert "session abc" in fault.message


def test_the_root_is_no_error_of_the_wire() -> None:
    with pytest.raises(AttributeError):
        _ = Fault("x").status
