"""The seven errors of the public API, raised where the fact is known.

    Fault
    ├── ValidationError         400  ValidationException
    ├── QuotaExceededError      402  ServiceQuotaExceededException
    ├── AccessDeniedError       403  AccessDeniedException
    ├── NotFoundError           404  ResourceNotFoundException
    ├── ConflictError           409  ConflictException
    ├── ThrottledError          429  ThrottlingException
    └── InternalError           500  InternalServerErrorException

Only this module and `api.errors` know status numbers. A message names the member, its limit and
the resource's id, never a secret.
"""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import msgspec

from soundstage.wire.codes import Code


class Complaint(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request."""

    message: str
    code: str | None = None
    """Why, as `wire.codes` has it; None where that is told by the sentence alone."""
    context: Mapping[str, str] = {}
    """What the code is about."""


class Fault(Exception):  # noqa: N818 - the root of a family named by its members
    """An error that the caller is meant to read."""

    name: ClassVar[str]
    status: ClassVar[int]
    is_ours: ClassVar[bool] = False
    """Reports whether the service is to blame, not the request."""
    is_retryable: ClassVar[bool] = False
    """Reports whether the same request may succeed a little later."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        context: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.context = context or {}
        self.headers = headers or {}

    @classmethod
    def of_state(
        cls,
        kind: str,
        resource_id: str,
        state: str,
        *,
        to: str = "",
        possible: Sequence[str] = ("READY",),
        member: str = "",
    ) -> Self:
        """Make one of a resource that would have to be in another state, `to` do something with
        it; `member` is where the request names it.
        """
        subject = f"{member}: the" if member else "The"
        purpose = f"to {to}, " if to else ""
        states = ", ".join(possible)
        needed = states if len(possible) == 1 else f"one of: {states}"
        message = f"{subject} {kind} {resource_id} is {state}; {purpose}it must be {needed}."
        about = {"resourceId": resource_id, "kind": kind, "state": state, "possible": states}
        return cls(message, code=Code.STATE, context=about)


ALSO = "complaint"
"""How a fault's context calls the complaints after the first: complaint2, complaint3 and so on."""
_ANOTHER = re.compile(rf"{ALSO}\d+\Z")
_CODE = "code"
_MOST_COMPLAINTS = 20


def complaints_of(message: str, code: str | None, context: Mapping[str, str]) -> list[Complaint]:
    """List all that an error says is wrong, each with what goes with it."""
    others = [name for name in context if _ANOTHER.match(name)]
    own = {name: text for name, text in context.items() if not name.startswith(ALSO)}
    return [
        Complaint(message, code, own),
        *(_another(context[name], f"{name}.", context) for name in others),
    ]


def _another(message: str, prefix: str, context: Mapping[str, str]) -> Complaint:
    own = {
        name.removeprefix(prefix): text for name, text in context.items() if name.startswith(prefix)
    }
    return Complaint(message, own.pop(_CODE, None), own)


class ValidationError(Fault):
    """The request can't be meant as it was sent."""

    name = "ValidationException"
    status = 400

    @classmethod
    def of(cls, complaints: Sequence["ValidationError"]) -> Self:
        """Make one of all that is wrong: the first is the message, the others go with it."""
        first, *others = complaints[:_MOST_COMPLAINTS]
        context = dict(first.context)
        for number, each in enumerate(others, 2):
            name = f"{ALSO}{number}"
            context[name] = each.message
            about = each.context if each.code is None else {_CODE: each.code, **each.context}
            context |= {f"{name}.{key}": text for key, text in about.items()}
        return cls(first.message, code=first.code, context=context)

    @property
    def complaints(self) -> list[str]:
        """All that is wrong, a sentence each."""
        found = complaints_of(self.message, self.code, self.context)
        return [each.message for each in found]


class QuotaExceededError(Fault):
    """A quota of the studio would be exceeded."""

    name = "ServiceQuotaExceededException"
    status = 402


class AccessDeniedError(Fault):
    """The caller is unknown or may not do this."""

    name = "AccessDeniedException"
    status = 403


class NotFoundError(Fault):
    """There is no such resource here."""

    name = "ResourceNotFoundException"
    status = 404

    def __init__(self, kind: str, resource_id: str) -> None:
        super().__init__(
            f"There is no {kind} {resource_id}.",
            code=Code.NOT_FOUND,
            context={"resourceId": resource_id, "kind": kind},
        )


class ConflictError(Fault):
    """The resource's state does not allow it now."""

    name = "ConflictException"
    status = 409


class ThrottledError(Fault):
    """Too many requests; the header Retry-After says when to come back."""

    name = "ThrottlingException"
    status = 429
    is_retryable = True


class InternalError(Fault):
    """The service's own failure; the request id finds it in the log."""

    name = "InternalServerErrorException"
    status = 500
    is_ours = True
    is_retryable = True


FAULTS: tuple[type[Fault], ...] = (
    ValidationError,
    QuotaExceededError,
    AccessDeniedError,
    NotFoundError,
    ConflictError,
    ThrottledError,
    InternalError,
)
