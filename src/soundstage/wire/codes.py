"""Why a request is refused, as a word for programs: the `code` of an error, beside its sentence.

Faults carry one where people meet them by a button or a form. What a fault's context has beside it
stands in backquotes in its text; `words.refusals` puts both into the reader's language, and
docs/reference/error-codes.md is made of them.
"""

import re
from enum import StrEnum
from typing import Self

_MEMBER = re.compile(r"`(\w+)`")


class Code(StrEnum):
    """Each is a reason of its own, however its sentence reads."""

    def __new__(cls, code: str, text: str) -> Self:
        """Keep the text beside the code."""
        made = str.__new__(cls, code)
        made._value_ = code
        made.text = text
        return made

    text: str

    @property
    def context(self) -> tuple[str, ...]:
        """The members of the context that say what it is about."""
        return tuple(_MEMBER.findall(self.text))

    REQUIRED = "REQUIRED", "A member is not there."
    TOO_SHORT = "TOO_SHORT", "A text has fewer characters than `limit`."
    TOO_LONG = "TOO_LONG", "A text has more characters than `limit`."
    TOO_FEW = "TOO_FEW", "A list has fewer items than `limit`."
    TOO_MANY = "TOO_MANY", "A list has more items than `limit`."
    TOO_SMALL = "TOO_SMALL", "A number is less than `limit`."
    TOO_LARGE = "TOO_LARGE", "A number is more than `limit`."
    NO_NUMBER = "NO_NUMBER", "A member is no whole number."
    NO_CHOICE = "NO_CHOICE", "A member is none of `values`."
    UNFIT = "UNFIT", "A member has another form than is needed."

    STATE = (
        "STATE",
        "A `kind` is in a `state` that does not do; it would have to be one of `possible`.",
    )
    NOT_FOUND = "NOT_FOUND", "There is no such `kind`."
    QUOTA = (
        "QUOTA",
        "The studio has `used` of a `quota` of `value`; `quotaName` is the member that changes it.",
    )
    QUOTA_ABOVE = "QUOTA_ABOVE", "Administrators may give `limit` and no more; `value` was asked."
    NOT_ALLOWED = "NOT_ALLOWED", "Who asks has no right to the `operation` here."
    NOT_A_MEMBER = "NOT_A_MEMBER", "Whose session it is was taken out of the launch profile."
    NAME_TAKEN = "NAME_TAKEN", "Another studio has this `studioName`."
    TOKEN_USED = "TOKEN_USED", "The client's token was used before, for something else."
    PAGE_GONE = "PAGE_GONE", "A list is to be read from its beginning again."
    TOO_OFTEN = (
        "TOO_OFTEN",
        "More `limited` than `perSecond`, or `burst` at once; again in `retryAfterSeconds`.",
    )
    INTERNAL = "INTERNAL", "The service failed; its log says more under `requestId`."

    ONLY_DELETED = "ONLY_DELETED", "A session is not to be stopped, by its launch profile's rules."
    STREAM_FAILED = (
        "STREAM_FAILED",
        "A stream that was begun did not come to be; the portal alone says it like this.",
    )
    NOT_OF_PROFILE = "NOT_OF_PROFILE", "The launch profile does not have what was chosen."
    EULAS_MISSING = "EULAS_MISSING", "The image has agreements that the studio did not accept."
    HOST_OUT = (
        "HOST_OUT",
        "A session's disk is on a `host` that is taken out, and no backup goes on elsewhere.",
    )
    NOT_SHARED = "NOT_SHARED", "The launch profile lets nobody look on."
    MOST_SHARES = (
        "MOST_SHARES",
        "A session has `limit` links for looking on, the most there may be.",
    )
    PROFILE_ALLOWS = "PROFILE_ALLOWS", "The launch profile allows from 1 to `limit`."
    NO_PICTURE = "NO_PICTURE", "There is no picture of the desktop."

    NO_BACKUPS_HERE = "NO_BACKUPS_HERE", "The installation's engine makes no backups."
    NO_BACKUPS_KEPT = "NO_BACKUPS_KEPT", "The launch profile keeps no backups."
    NO_DISK = "NO_DISK", "There is no disk that could be backed up."
    BACKUP_BEGUN = "BACKUP_BEGUN", "Another backup of the session is being made."
    NOT_OWN_BACKUP = "NOT_OWN_BACKUP", "The backup is not one of who asks, or of another session."
    NO_FILE = "NO_FILE", "There is no such file in the backup, or it is none that can be fetched."
    UNREADABLE = "UNREADABLE", "The backup can't be looked into, or not just now."

    NEEDS_PERSISTENCE = "NEEDS_PERSISTENCE", "A rule needs a disk that outlives a stop."
    NEEDS_TERMINATION = (
        "NEEDS_TERMINATION",
        "A rule needs sessions that end by themselves once they have stopped.",
    )
    NEEDS_BACKUPS = "NEEDS_BACKUPS", "A rule needs backups, at least one."
    IDLE_TOO_SHORT = "IDLE_TOO_SHORT", "The time without work is `value`; it is 0 or from `limit`."
    NO_PERSISTENCE_HERE = "NO_PERSISTENCE_HERE", "The installation's engine keeps no disks."
    OTHER_CONFIGURATION = "OTHER_CONFIGURATION", "The component's type takes another configuration."
    NO_ENDPOINT = "NO_ENDPOINT", "A component's endpoint has none of the `forms` that are possible."
    MOUNT_POINT = "MOUNT_POINT", "Nothing may be mounted there."
    ODD_CHARACTERS = "ODD_CHARACTERS", "The share has spaces, commas or backslashes in it."
    FOLDER_NOT_ALLOWED = "FOLDER_NOT_ALLOWED", "A folder of the host must be in one of `allowed`."
    ONE_LINE = "ONE_LINE", "A text is one line, without control characters."
    HOSTS_UNKNOWN = "HOSTS_UNKNOWN", "The engine does not say which hosts there are."
    NO_DESTINATION = "NO_DESTINATION", "Nothing is sent to such an address."


def reference() -> str:
    """Write the table of codes."""
    lines = ["| Code | Why |", "|---|---|"]
    lines += [f"| `{each}` | {each.text} |" for each in sorted(Code)]
    return "\n".join(lines) + "\n"
