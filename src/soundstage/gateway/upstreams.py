"""What the gateway must ask the control plane, and nothing more.

`gateway.app` calls it; `wiring` gives it the version that asks the stream service in this process.
A gateway on a machine of its own gets a version that asks over the network.
"""

from datetime import datetime
from typing import Literal, Protocol

import msgspec

from soundstage.kit.places import Place
from soundstage.wire.ticket import Ticket


class FileRules(msgspec.Struct, frozen=True, kw_only=True):
    """Which files may go through a stream, and which socket of the desktop takes and gives them."""

    name: str
    upload_to: str | None = None
    """The folder as people call it; None: nothing may be sent in."""
    download_from: str | None = None
    """The folder as people call it; None: nothing may be taken out."""


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stream's desktop is: a place, and the name of its socket there."""

    stream_id: str
    place: Place
    name: str
    files: FileRules | None = None
    """None: no files go through this stream."""
    most_viewers: int | None = None
    """Set where a share leads here: how many may look on by it, and do nothing else."""


class Share(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A link for looking on, as the owner's page shows it."""

    id: str
    url: str
    seconds_left: float
    viewers: int
    """How many look on now."""
    max_viewers: int


class Shares(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The open links of a stream's workstation, and what a new one may be."""

    shares: list[Share]
    max_minutes: int
    max_viewers: int


class Transferred(msgspec.Struct, frozen=True, kw_only=True):
    """A file that somebody sent in or began to take out."""

    stream_id: str
    is_upload: bool
    name: str
    size: int


class Countdown(msgspec.Struct, frozen=True, kw_only=True):
    """What will happen to a stream's workstation by itself; `ends` puts it into words."""

    action: str
    """`STOP`, which keeps the disk, or `TERMINATE`."""
    seconds_left: float
    rule: str
    """By which rule of the launch profile: MAX_SESSION_LENGTH, for instance, or IDLE."""
    allowed_seconds: float
    """How long the rule allows."""
    idle_since: datetime | None = None
    idle_by: str | None = None
    """What the workstation was last used by, where the rule is about that."""
    host: str = ""
    """Which host is taken out, where the rule is about that."""
    host_reason: str = ""
    """Why, in the operator's words; may be empty."""
    goes_on: bool = False
    """Whether it is started again elsewhere by itself."""
    warn_before: list[int]
    """How many seconds before it people want to hear of it."""


How = Literal["stopping", "stopped", "failed", "removed", "starting", "running"]
"""How a workstation is after its stream. `starting`: again, after a stop that the stream did not
outlive. `running`: it goes on, the stream alone was ended.
"""


class Became(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the workstation behind a stream that has ended."""

    how: How
    by: Literal["owner", "service", "other"] | None = None
    """Who did it; None where nobody did, or that is not known."""
    rule: str = ""
    """By which rule the service did it; empty where it was none, or it did not."""
    told: str = ""
    """What the API says of it, in English, where it did it by itself."""
    path: str
    """Of its page in the portal."""


class Refused(Exception):  # noqa: N818 - it is an answer, not an accident
    """The control plane says no; `reason` is one of the words of `Refusal`, for the page, and
    `became` is told of a stream that ended, while its workstation is known.
    """

    def __init__(self, reason: str, became: Became | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.became = became


class ShareRefusedError(Exception):
    """A link for looking on is not made; the message is a sentence for people."""


class Refusal:
    """Why a ticket or a cookie does not open a stream."""

    EXPIRED = "expired"
    USED = "used"
    FOREIGN = "foreign"
    """Made for another stream or another host, or not made here at all."""
    ENDED = "ended"
    """The session was stopped or deleted, or the caller's rights were taken away."""
    UNAVAILABLE = "unavailable"
    """The desktop does not answer just now."""
    SHARE_ENDED = "share-ended"
    """A link for looking on is over, or the workstation does not run."""


class Upstreams(Protocol):
    """Answers about streams. Every method may be called from several tasks at once."""

    async def redeem(self, ticket: Ticket, address: str = "") -> Upstream:
        """Use a ticket up, once for ever, and learn where the desktop is; `address` is whence the
        browser came. Raises Refused.
        """
        ...

    async def find(self, stream_id: str) -> Upstream:
        """Learn the present address of a stream already opened. Raises Refused."""
        ...

    async def ended(self, stream_ids: set[str]) -> set[str]:
        """Say which of these must be cut now. Called about once a second with all live ones."""
        ...

    async def report_input(self, stream_ids: set[str]) -> None:
        """Note that somebody uses pointer or keys on these streams; soon after it began, and then
        some times a minute.
        """
        ...

    async def countdown(self, stream_id: str) -> Countdown | None:
        """Say what will happen next by itself; None when nothing will."""
        ...

    async def shares(self, stream_id: str) -> Shares | None:
        """List the links for looking on at a stream's workstation; None where there may be none,
        or where whoever opened the stream is not the one to make them.
        """
        ...

    async def share(self, stream_id: str, minutes: int, viewers: int) -> Shares | None:
        """Make one more, and list as `shares` does. Raises ShareRefusedError."""
        ...

    async def end_share(self, stream_id: str, share_id: str) -> Shares | None:
        """End one, and list likewise; one that has ended or was never made is no error."""
        ...

    async def report_viewers(self, counts: dict[str, int]) -> None:
        """Note how many look on by these shares: when that changes, and once a minute."""
        ...

    async def report_transfer(self, transferred: Transferred) -> None:
        """Note it for whoever asks later what went in and out."""
        ...

    async def report_activity(self, stream_ids: set[str]) -> None:
        """Note that these streams carried bytes since the last call; about once a minute."""
        ...
