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

from collections.abc import Sequence
from typing import ClassVar, Self


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


ALSO = "complaint"
"""How a fault's context calls the complaints after the first: complaint2, complaint3 and so on."""
_MOST_COMPLAINTS = 20


class ValidationError(Fault):
    """The request can't be meant as it was sent."""

    name = "ValidationException"
    status = 400

    @classmethod
    def of(cls, complaints: Sequence[str], context: dict[str, str] | None = None) -> Self:
        """Make one of all that is wrong: the first is the message, the others go with it."""
        first, *others = complaints[:_MOST_COMPLAINTS]
        also = {f"{ALSO}{number}": text for number, text in enumerate(others, 2)}
        return cls(first, context={**(context or {}), **also})

    @property
    def complaints(self) -> list[str]:
        """All that is wrong, a sentence each."""
        also = [text for name, text in self.context.items() if name.startswith(ALSO)]
        return [self.message, *also]


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
        super().__init__(f"There is no {kind} {resource_id}.", context={"resourceId": resource_id})


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
    """Our own failure; the request id finds it in the log."""

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
