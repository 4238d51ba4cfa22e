"""Exit codes, and the line that says what to do next."""

import pytest
from sqlalchemy.exc import OperationalError

from soundstage.cli.exits import EXPECTED, NOTHING_FITS, Exit, explained, reference
from soundstage.client.errors import CallError
from soundstage.kit.config import ConfigError
from soundstage.wire.faults import ConflictError, NotFoundError, ValidationError


@pytest.mark.parametrize(
    ("error", "code", "advice"),
    [
        (CallError("ValidationException", 400, "name: too long."), Exit.FAILED, ""),
        (CallError("ResourceNotFoundException", 404, "None."), Exit.NOT_FOUND, "`list`"),
        (CallError("AccessDeniedException", 403, "No."), Exit.DENIED, "`soundstage whoami`"),
        (CallError("ConflictException", 409, "No."), Exit.CONFLICT, "`get`"),
        (CallError("ServiceQuotaExceededException", 402, "No."), Exit.LIMIT, "operator"),
        (CallError("ThrottlingException", 429, "No."), Exit.LIMIT, "wait"),
        (CallError("InternalServerErrorException", 500, "No."), Exit.UNREACHABLE, "running"),
        (
            CallError("Unreachable", 0, "It does not answer."),
            Exit.UNREACHABLE,
            "`soundstage serve`",
        ),
        (CallError("Untrusted", 0, "Not trusted."), Exit.UNREACHABLE, "--certificate PATH"),
        (CallError("CREATE_FAILED", 0, "No room."), Exit.NOT_REACHED, ""),
        (CallError(NOTHING_FITS, 0, "No such workstation."), Exit.NOT_FOUND, ""),
        (ConfigError("SOUNDSTAGE_PORT: no."), Exit.USAGE, ""),
        (ConflictError("There is a person anna already."), Exit.CONFLICT, ""),
        (ValidationError("name: too long."), Exit.FAILED, ""),
        (NotFoundError("person", "anna"), Exit.NOT_FOUND, "`soundstage user list`"),
    ],
)
def test_every_error_has_a_code_and_one_line(
    error: CallError | ConfigError, code: Exit, advice: str
) -> None:
    found, sentence = explained(error)
    assert found is code
    assert "\n" not in sentence
    assert advice in sentence
    assert str(error) in sentence or getattr(error, "message", "") in sentence


def test_a_database_that_is_locked_is_told_without_a_trace() -> None:
    locked = OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked\nmore"))
    code, sentence = explained(locked)
    assert code is Exit.UNREACHABLE
    assert sentence.startswith("The database does not answer (database is locked).")
    assert isinstance(locked, EXPECTED)


def test_the_reference_has_all_codes() -> None:
    page = reference()
    assert all(f"| {each.value} | {each.text} |" in page for each in Exit)
    assert len({each.value for each in Exit}) == len(list(Exit))
