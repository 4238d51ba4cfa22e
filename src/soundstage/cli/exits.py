"""How a command that fails ends: its exit code, and a sentence that says what to do next.

`main` asks for every error that leaves a command; docs/reference/exit-codes.md is made from `Exit`.
"""

from enum import IntEnum
from typing import Self

from sqlalchemy.exc import OperationalError

from soundstage.client.errors import CallError
from soundstage.kit.config import ConfigError
from soundstage.wire.faults import (
    AccessDeniedError,
    ConflictError,
    Fault,
    InternalError,
    NotFoundError,
    QuotaExceededError,
    ThrottledError,
    ValidationError,
)


class Exit(IntEnum):
    """What programs that run the command may build on."""

    def __new__(cls, code: int, text: str) -> Self:
        """Keep the text beside the code."""
        made = int.__new__(cls, code)
        made._value_ = code
        made.text = text
        return made

    text: str

    DONE = 0, "It is done."
    FAILED = 1, "A request or a studio file was refused, or `doctor` found a fault."
    USAGE = 2, "An option, a setting or a file is wrong. `plan`: there is something to change."
    NOT_FOUND = 3, "There is no such resource, or nothing fits."
    DENIED = 4, "The key is unknown, disabled, or may not do this."
    CONFLICT = 5, "The resource's state does not allow it now."
    LIMIT = 6, "A quota is used up, or the calls come too fast."
    UNREACHABLE = 7, "The service does not answer, or fails by itself."
    NOT_REACHED = 8, "What was waited for ended otherwise, or took too long."
    INTERRUPTED = 130, "Ctrl-C."


EXPECTED = (CallError, ConfigError, Fault, OperationalError)
"""The errors that people can mend."""
NOT_REACHED = "NotReached"
"""The name of the CallError by which waiting says that it was in vain."""
NOTHING_FITS = "NothingFits"
"""The name of the CallError that says a name or id of the command line leads to nothing."""
WRONG_FILE = "WrongFile"
"""The name of the CallError for a studio file, where `Exit.USAGE` would look like a difference."""
_NEXT_OF_KIND = {"person": "`soundstage user list` shows who is known."}
"""What to do where a command that works on the database itself finds something not there."""
_UNTRUSTED = "Untrusted"
"""The name of the CallError for a certificate that nothing here vouches for."""
_BY_NAME = {
    NOT_REACHED: Exit.NOT_REACHED,
    NOTHING_FITS: Exit.NOT_FOUND,
    WRONG_FILE: Exit.FAILED,
}
_BY_STATUS = {
    QuotaExceededError.status: Exit.LIMIT,
    AccessDeniedError.status: Exit.DENIED,
    NotFoundError.status: Exit.NOT_FOUND,
    ConflictError.status: Exit.CONFLICT,
    ThrottledError.status: Exit.LIMIT,
}
_NEXT = {
    Exit.DENIED: "`soundstage whoami` says as whom you call.",
    Exit.NOT_FOUND: "The noun's `list` shows what there is.",
    Exit.CONFLICT: "Its `get` shows the state; try again when that has changed.",
    Exit.LIMIT: "Remove what is not needed, wait a little, or ask the operator for more.",
    Exit.UNREACHABLE: "Is the service running? `soundstage serve` starts this machine's; "
    "--profile names another.",
}


def explained(error: CallError | ConfigError | Fault | OperationalError) -> tuple[Exit, str]:
    """Give the exit code of an error, and the one line that people read."""
    if isinstance(error, ConfigError):
        return Exit.USAGE, str(error)
    if isinstance(error, OperationalError):
        # What SQLAlchemy adds is the statement; what the database says may have lines of detail.
        said = str(error.orig).partition("\n")[0]
        return Exit.UNREACHABLE, (
            f"The database does not answer ({said}). `soundstage doctor` looks at it."
        )
    if isinstance(error, Fault):
        all_told = error.complaints if isinstance(error, ValidationError) else [error.message]
        advice = _NEXT_OF_KIND.get(error.context.get("kind", ""), "")
        return _BY_STATUS.get(error.status, Exit.FAILED), " ".join([*all_told, advice]).rstrip()
    code = _code_of(error)
    told = " ".join(each.message for each in error.complaints)
    said = told if error.name in _BY_NAME else f"{error.name}: {told}"
    advice = "" if error.name in _BY_NAME else _NEXT.get(code, "")
    if error.name == _UNTRUSTED:
        advice = (
            "Download the studio's authority from its page for first visits, and name the file: "
            "`soundstage login NAME … --certificate PATH`."
        )
    return code, f"{said.rstrip()} {advice}".rstrip()


def _code_of(error: CallError) -> Exit:
    if error.name in _BY_NAME:
        return _BY_NAME[error.name]
    if error.name in {"Unreachable", _UNTRUSTED} or error.status >= InternalError.status:
        return Exit.UNREACHABLE
    # What never came from the service is a state that was waited for.
    return _BY_STATUS.get(error.status, Exit.FAILED if error.status else Exit.NOT_REACHED)


def reference() -> str:
    """Write the table of exit codes."""
    lines = ["| Code | When |", "|---|---|"]
    lines += [f"| {each.value} | {each.text} |" for each in Exit]
    return "\n".join(lines) + "\n"
