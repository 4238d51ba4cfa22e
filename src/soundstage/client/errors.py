"""What a call to our own API may end in; apart from the calls, which take a while to import."""


class CallError(Exception):
    """The service refused a call, or could not be reached (then `status` is 0)."""

    def __init__(self, name: str, status: int, message: str) -> None:
        super().__init__(message)
        self.name = name
        """The exception's name, such as `ConflictException`."""
        self.status = status
