"""What a call to our own API may end in; apart from the calls, which take a while to import."""

from collections.abc import Sequence


class CallError(Exception):
    """The service refused a call, or could not be reached (then `status` is 0)."""

    def __init__(
        self, name: str, status: int, message: str, complaints: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.complaints = [message, *complaints]
        """All that is wrong with what was sent, a sentence each; the message is the first."""
        self.name = name
        """The exception's name, such as `ConflictException`."""
        self.status = status
