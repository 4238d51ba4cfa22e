"""Errors on the wire: the name in a header, lower-case members, nothing of our insides."""

import subprocess
import sys

import pytest
import structlog.testing

from soundstage.api import errors
from soundstage.api.errors import ERROR_HEADER, Refused
from soundstage.testing.small_studio import FAULTS, document
from soundstage.wire.faults import NotFoundError, ValidationError

STATUS = {
    "AccessDeniedException": 403,
    "ConflictException": 409,
    "InternalServerErrorException": 500,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 402,
    "ThrottlingException": 429,
    "ValidationException": 400,
}


@pytest.mark.parametrize(("name", "status"), STATUS.items())
def test_the_seven_errors(name: str, status: int) -> None:
    answer = errors.render(FAULTS[name])
    assert answer.status == status
    assert answer.headers[ERROR_HEADER] == name
    assert document(answer.body)["message"] == FAULTS[name].message
    assert answer.notes["error"] == name


def test_members_that_are_empty_are_left_out() -> None:
    assert document(errors.render(ValidationError("No.")).body) == {"message": "No."}
    full = errors.render(ValidationError("No.", code="BAD", context={"member": "name"}))
    assert document(full.body) == {"message": "No.", "code": "BAD", "context": {"member": "name"}}


def test_what_was_sent_is_not_repeated_at_any_length() -> None:
    body = document(errors.render(NotFoundError("session", "x" * 100_000)).body)
    assert body["message"] == "There is no session " + "x" * 980 + "…"
    assert body["context"]["resourceId"] == "x" * 1000 + "…"


def test_what_is_not_found_is_named() -> None:
    body = document(errors.render(NotFoundError("session", "abc")).body)
    assert body["code"] == "NOT_FOUND"
    assert body["context"] == {"resourceId": "abc", "kind": "session"}


def test_a_fault_s_headers_are_sent() -> None:
    assert errors.render(FAULTS["ThrottlingException"]).headers["Retry-After"] == "1"


def test_refusals_carry_aws_s_names() -> None:
    answer = errors.render(Refused("MethodNotAllowedException", "No.", headers={"allow": "GET"}))
    assert (answer.status, answer.headers) == (
        405,
        {ERROR_HEADER: "MethodNotAllowedException", "allow": "GET"},
    )


def test_a_refusal_needs_a_known_name() -> None:
    with pytest.raises(KeyError):
        Refused("NoSuchException", "No.")


def test_an_unexpected_error_tells_only_the_request_s_id() -> None:
    with structlog.testing.capture_logs() as logs:
        try:
            int("the password is hunter2")
        except ValueError:
            answer = errors.render_unexpected("request-7", {"operation": "GetStudio"})
    assert answer.status == 500
    assert answer.headers[ERROR_HEADER] == "InternalServerErrorException"
    assert b"hunter2" not in answer.body
    assert b"request-7" in answer.body
    (line,) = logs
    assert (line["request_id"], line["operation"], line["log_level"]) == (
        "request-7",
        "GetStudio",
        "error",
    )
    assert line["exc_info"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_logged_traceback_shows_no_variable(form: str) -> None:
    program = f"""
from soundstage.api import errors
from soundstage.kit import log
log.configure({form!r})
def sign(secret):
    return {{}}["key"]
try:
    sign("".join(["hun", "ter2"]))
except KeyError:
    errors.render_unexpected("request-7")
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert b"KeyError" in done.stderr
    assert b"request-7" in done.stderr
    assert b"hunter2" not in done.stderr
