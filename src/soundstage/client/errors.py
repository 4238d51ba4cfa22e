"""What a call to our own API may end in; apart from the calls, which take a while to import."""

from collections.abc import Mapping, Sequence

from soundstage.wire.faults import Complaint, complaints_of


class CallError(Exception):
    """The service refused a call, or could not be reached (then `status` is 0)."""

    def __init__(
        self,
        name: str,
        status: int,
        message: str,
        others: Sequence[Complaint] = (),
        *,
        code: str | None = None,
        context: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.complaints = [*complaints_of(message, code, context or {}), *others]
        """All that is wrong with what was sent; the message is the first."""
        self.name = name
        """The exception's name, such as `ConflictException`."""
        self.status = status
