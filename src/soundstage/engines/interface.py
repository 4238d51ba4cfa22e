"""The contract between the reconciler and whatever runs workstations.

The reconcilers of `resources` call it from worker threads; every engine implements it and passes
the one suite in `tests/contracts`. Three rules hold for every method:

* **It returns soon** (well under a second). Long work, a start, a backup, a restore, is begun and
  then watched through `observe`; nobody waits inside a call.
* **It may be repeated.** The caller may have died after any line, so the same call with the same
  arguments comes again, also from another process; asking for what already is does nothing.
* **It converges.** An engine keeps what it must know beside the workstation (never only in
  memory), so that after its own restart `observe` still tells the truth.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import IO, Literal, Protocol, runtime_checkable

import msgspec

from soundstage.kit.places import Place


class Phase(StrEnum):
    """What an engine sees of a workstation."""

    ABSENT = "ABSENT"
    """Nothing is known of it: never started, or `ensure_absent` came to its end."""
    STARTING = "STARTING"
    """On its way to RUNNING, a restore of its volume included."""
    PREPARED = "PREPARED"
    """Started with `Spec.waits`: all is there and done but the artist's scripts, and nobody can
    reach it. It waits to be asked for without that."""
    RUNNING = "RUNNING"
    """Its desktop answers; `Observed.address` says where."""
    STOPPING = "STOPPING"
    """Asked to close, not gone yet."""
    STOPPED = "STOPPED"
    """No process is left and the volume is kept. Also what a crash leaves behind: `detail` says
    which, and `Observed.since` when."""
    FAILED = "FAILED"
    """The start of `Observed.attempt` came to nothing (the desktop never answered, the restore
    failed); no process is left, the volume is kept. `detail` says why, `reason` which way."""


class Reason(StrEnum):
    """Why a workstation or a backup failed, in words the API's status codes can be made of."""

    INTERNAL = "INTERNAL"
    CAPACITY = "CAPACITY"
    IMAGE = "IMAGE"
    BACKUP = "BACKUP"
    SCRIPT = "SCRIPT"
    """An initialization script failed or outlived its time."""
    DIRECTORY = "DIRECTORY"
    """The script that joins the directory's domain failed or outlived its time."""
    MOUNT = "MOUNT"
    """A shared file system could not be attached."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running desktop's stream server listens, and who must be behind it."""

    place: Place
    name: str
    files: str | None = None
    """The socket that files are sent to and taken from, in the same place; None where the
    workstation was started without any `Transfers`."""


class Stage(StrEnum):
    """What a start is at; people see how long each took, and charts."""

    TURN = "turn"
    """It waits until others have started."""
    DISK = "disk"
    """Its disk is made, or restored from a backup."""
    MACHINE = "machine"
    """The sandbox, or the instance, is made."""
    SHARES = "shares"
    """Shared file systems are mounted."""
    SCRIPT = "script"
    """An initialization script runs."""
    DESKTOP = "desktop"
    """The X server and the windows come up."""
    STREAM = "stream"
    """The desktop is there, and its stream is waited for until it answers."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The moment at which a start came to a stage; that lasts until the next mark, or until the
    start has ended. A stage may come again: shares are mounted while the sandbox is made.
    """

    stage: Stage
    at: datetime
    component: str = ""
    """Of a script, whose it is."""
    number: int = 0
    """Of a script, which it is; the first is 1."""
    of: int = 0
    """Of how many scripts."""


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """A workstation as it is at one moment."""

    phase: Phase
    address: Address | None = None
    """Set in RUNNING only."""
    attempt: int | None = None
    """`Spec.attempt` of the `ensure_running` that this state comes from; None when never asked."""
    volume_generation: int | None = None
    """Generation of the volume that is in place; None when there is no volume."""
    since: datetime | None = None
    """When the present phase began, if the engine knows."""
    until: datetime | None = None
    """When the present phase will be over, if the engine knows: no look before will find more."""
    is_noticed: bool = False
    """Whether this engine gives notice of the phase's end (`SupportsNotices`), with all that it
    takes to be at hand: looks before only find out how far it is."""
    detail: str = ""
    """One sentence for people: what it is doing, or why it failed. Never a secret."""
    reason: Reason = Reason.INTERNAL
    """Meaning has only in FAILED."""
    marks: list[Mark] = []
    """What the start of `attempt` came to, and when, in order; the engine keeps them as it does
    all else, and takes the moments from whoever did the work."""
    shortfall: str = ""
    """In RUNNING, what of the spec this engine gives less of: one sentence for people."""
    host: str | None = None
    """The host that it is on, be it at rest; None where there is nothing, or not known yet."""


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """The disk a workstation must run on.

    A session's volume has generations: 0 is an empty one, and each start from a backup, the first
    start included, makes another. An engine that has another generation in place restores
    `backup_id` into a new volume first, keeps the old one aside until the new one is complete, and
    only then swaps them: a restore that fails loses nothing.
    """

    generation: int = 0
    backup_id: str | None = None
    """The backup that this generation is made of; None for generation 0."""
    backup_of: str | None = None
    """The workstation whose backup that is; None for this one."""
    size_gib: int = 500
    iops: int = 3000
    throughput_mib: int = 125


class MountKind(StrEnum):
    """How a shared file system is reached."""

    LUSTRE = "LUSTRE"
    """No engine mounts it yet; it is told apart so that a start says so."""
    FOLDER = "FOLDER"
    """A folder of the host; the source is its absolute path."""
    NFS = "NFS"
    """The source is `server:/export`."""
    SMB = "SMB"
    """The source is `//server/share`."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who a file server is told that we are."""

    user: str
    password: str
    domain: str = ""


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """A shared file system inside a workstation; there before any script runs."""

    component: str
    """The name people gave it, for messages."""
    kind: MountKind
    source: str
    target: str
    """An absolute path inside, or one that begins with `$HOME/`."""
    read_only: bool = False
    account: Account | None = None
    """For SMB; without one the server is asked as a guest."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """An initialization script; its text may hold secrets, so no engine writes it down."""

    component: str
    """The name of the component that it belongs to, for messages and its kept output."""
    as_root: bool
    """Whether it runs as the workstation's own root before anyone logs in, or as the artist."""
    text: str
    """A script for the shell, or for the program that its first line names after `#!`."""
    environment: dict[str, str] = {}
    """Variables of its own, above those of the workstation."""
    secrets: list[str] = []
    """Values that must not be shown in its output."""
    failure: Reason = Reason.SCRIPT
    """What its failure is called."""


class ScriptOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What a script left behind; its secrets are masked, its middle is cut where it is long."""

    attempt: int
    """`Spec.attempt` of the start that it ran in."""
    component: str
    as_root: bool
    exit_code: int | None
    """None when it was killed because it did not end in time."""
    began_at: datetime
    ended_at: datetime
    output: str
    """Standard output and standard error as they came."""


class Transfers(msgspec.Struct, frozen=True, kw_only=True):
    """Which files may go through the stream."""

    upload_to: str | None = None
    """The folder for uploads, absolute or beginning with `$HOME/`; None refuses them."""
    download_from: str | None = None
    """The folder whose files may be taken out, likewise."""

    @property
    def are_any(self) -> bool:
        """Reports whether anything may be transferred."""
        return self.upload_to is not None or self.download_from is not None


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an engine needs to run one workstation.

    Scripts and the environment may hold secrets: an engine keeps neither on disk, and takes them
    from the call that starts the workstation.
    """

    image: str
    """The image's `ec2ImageId`; the engine's catalogue says what it is here."""
    instance_type: str
    volume: Volume
    attempt: int = 0
    """Counts the session's starts and heals. It tells a failure of this start from an old one."""
    name: str = "workstation"
    """Host name inside; letters, digits and hyphens."""
    clipboard: bool = True
    """Whether text may be copied into and out of the desktop."""
    transfers: Transfers = Transfers()
    mounts: list[Mount] = []
    scripts: list[Script] = []
    """In the order to run them; those of root all before those of the artist."""
    script_seconds: int = 600
    """How long one script may take."""
    environment: dict[str, str] = {}
    waits: bool = False
    """Whether it stops short of whatever is a person's: PREPARED, instead of the artist's scripts
    and RUNNING, until the same attempt is asked for without this. All else of that later call is
    to be as it was."""
    avoid: list[str] = []
    """Hosts that take nothing new. One that has its place keeps it, wherever that is."""


class BackupPhase(StrEnum):
    """What an engine sees of a backup."""

    ABSENT = "ABSENT"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"


class ObservedBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup as it is at one moment."""

    phase: BackupPhase
    size_bytes: int | None = None
    """What restoring it will write, in bytes; set in COMPLETE."""
    detail: str = ""
    may_pass: bool = False
    """In FAILED: whether the same may go well later, such as when a store does not answer."""


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """One thing an engine does or does not do on this machine, in a sentence for people."""

    name: str
    """For instance `volume-size-limit`, `memory-limit`, `cpu-limit`."""
    available: bool
    detail: str


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What there is for workstations, or what one of them has."""

    cpus: float
    """In cores."""
    memory_bytes: int
    gpus: int


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """How large the place is that workstations run in, and what is left of it."""

    size: Capacity
    to_promise: Capacity
    """What all workstations together may be promised."""
    promised: Capacity
    workstations: dict[str, Capacity]
    """What each that runs, or is on its way, was promised, by its ref."""
    types: dict[str, Capacity]
    """What a workstation of each instance type gets here."""
    details: dict[str, str]
    """The same in a sentence for people, with what the type is."""
    free_memory_bytes: int
    """What no process uses now."""
    free_disk_bytes: int


class EngineError(Exception):
    """Something outside went wrong inside an engine call."""


class RetryableError(EngineError):
    """It may go well later; the caller tries again after `after_seconds`."""

    def __init__(self, message: str, *, after_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.after_seconds = after_seconds


class OutOfReachError(RetryableError):
    """The host of a workstation does not answer. It may run there as before, and its stream too;
    the message is a sentence for people.
    """


class PermanentError(EngineError):
    """Trying again is of no use; `reason` becomes the resource's status code."""

    def __init__(self, message: str, *, reason: Reason = Reason.INTERNAL) -> None:
        super().__init__(message)
        self.reason = reason


class NoSuchEntryError(PermanentError):
    """There is nothing of that name, or not of that kind."""


class Engine(ABC):
    """Runs workstations, each known by `ref`, the session's id (22 of `A-Za-z0-9_-`)."""

    @abstractmethod
    def observe(self, ref: str) -> Observed:
        """Say what is there now.

        Called at any time, by several threads, also for a ref the engine never heard of (ABSENT).
        Changes nothing that a caller can see. Raises RetryableError when it can't tell; it never
        guesses ABSENT or STOPPED.
        """

    @abstractmethod
    def ensure_running(self, ref: str, spec: Spec) -> None:
        """Take the next step towards a workstation that runs on the volume `spec` names.

        Called again and again until RUNNING or FAILED is observed with the attempt of `spec`, or
        PREPARED if it waits; each call does what can be done now (make the volume, begin the
        restore, start the desktop) and returns. In STARTING it goes on, in RUNNING and in FAILED
        of the same attempt it does nothing, and in PREPARED it goes on unless it still waits; a
        later attempt starts anew from STOPPED or FAILED. A volume of the wanted generation is kept
        as it is. Raises PermanentError when the spec can't run here (unknown image, no capacity),
        RetryableError when it may later.
        """

    @abstractmethod
    def ensure_stopped(self, ref: str) -> None:
        """Begin to close the desktop, kindly first (10 s), then by force; the volume is kept.

        Called in any phase; nothing happens in STOPPED, FAILED and ABSENT. Never fails because
        the workstation is gone already.
        """

    @abstractmethod
    def ensure_absent(self, ref: str) -> None:
        """Begin to end the workstation at once and to remove its volume; backups stay.

        Called in any phase; silent when there is nothing. ABSENT is observed at the end.
        """

    @abstractmethod
    def refs(self) -> set[str]:
        """Name every workstation that has anything here, for the sweep for left-overs."""

    @abstractmethod
    def capabilities(self) -> list[Capability]:
        """Say what of a profile's wishes this engine can keep on this machine."""


@runtime_checkable
class SupportsPersistence(Protocol):
    """An engine whose volumes may be removed while the workstation is stopped."""

    def ensure_volume_absent(self, ref: str) -> None:
        """Remove the volume of a stopped workstation; silent when there is none.

        Raises RetryableError while the workstation is not stopped.
        """


@runtime_checkable
class SupportsBackups(Protocol):
    """An engine that can keep copies of a volume and start from them."""

    def observe_backup(self, ref: str, backup_id: str) -> ObservedBackup:
        """Say what is there of one backup; ABSENT when it was never begun or was removed."""

    def ensure_backup(self, ref: str, backup_id: str, *, live: bool = False) -> None:
        """Begin to copy the volume of a stopped workstation as `backup_id`.

        With `live` a RUNNING one is copied too: it is held still, for seconds at the most, while
        the last of it is read, and goes on whoever dies meanwhile. What its programs have not
        written to their files by then is not in the copy.

        Nothing happens when it is RUNNING or COMPLETE; in FAILED it is tried anew. Never makes a
        second copy under the same id, whatever died in between. Raises RetryableError while the
        workstation is not in such a phase, PermanentError when there is no volume, or when a
        running one can't be held still here.
        """

    def ensure_backup_absent(self, ref: str, backup_id: str) -> None:
        """Begin to remove one backup; silent when there is none. ABSENT is observed at the end."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A few words for whoever sits at a workstation."""

    key: str
    """Tells it from others of the same attempt: what was shown once is not shown again."""
    title: str
    text: str
    urgent: bool = False
    """Whether it stays until it is closed."""


@runtime_checkable
class SupportsMessages(Protocol):
    """An engine that can show words inside a desktop."""

    def show_message(self, ref: str, message: Message) -> None:
        """Begin to show it in a running desktop, without taking the keyboard from anybody.

        The same key again in the same attempt shows nothing new. Raises RetryableError when no
        desktop is there now, PermanentError when this one never can.
        """


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What a workstation has used since its present attempt began."""

    cpu_seconds: float
    """Processor time of everything in it but what streams it. Falls when it was started anew."""


@runtime_checkable
class SupportsUse(Protocol):
    """An engine that can say whether programs are at work in a workstation."""

    def observe_use(self, ref: str) -> Use:
        """Say what a running workstation has used. Raises RetryableError when it can't tell."""


class BackupEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One name in a folder of a backup."""

    name: str
    kind: Literal["FILE", "FOLDER", "LINK", "OTHER"]
    size_bytes: int
    modified_at: datetime


class BackupFile(Protocol):
    """One file on its way out of a backup."""

    size_bytes: int

    def read(self, size: int) -> bytes:
        """Read up to so many bytes; none at the end. Raises EngineError when it broke off."""

    def close(self) -> None:
        """Let go of it, read or not."""


@runtime_checkable
class SupportsBrowsing(Protocol):
    """An engine that can show what is in a backup.

    Unlike the rest of an engine these wait for what they read, seconds at the most; no reconciler
    calls them. A path is relative to the artist's home, with slashes between names, and is taken
    literally: no name in it is a link that is followed, and none is `..`.
    """

    def list_backup(self, ref: str, backup_id: str, folder: str) -> list[BackupEntry]:
        """List one folder by names. Raises NoSuchEntryError, PermanentError, RetryableError."""

    def open_backup_file(self, ref: str, backup_id: str, path: str) -> BackupFile:
        """Begin to read one file. Raises NoSuchEntryError, PermanentError, RetryableError."""


class BackupCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a look through all backups found."""

    backup_ids: set[str]
    """Those that are there."""
    refs: dict[str, str]
    """Whose each is, as far as the store itself tells."""
    sizes: dict[str, int]
    made_at: dict[str, datetime]
    problems: list[str]
    """What is wrong in the store, in words for people; empty when nothing is."""


@runtime_checkable
class SupportsChecking(Protocol):
    """An engine that can look whether all its backups are whole. These wait, for hours maybe."""

    def check_backups(self, *, data: str | None) -> BackupCheck:
        """Look through the store's structure, and at `data`, a part of its content such as
        `3/12` or `100%`. Raises RetryableError when the store does not answer.
        """


@runtime_checkable
class SupportsStudioCopies(Protocol):
    """An engine that keeps copies of the service's own database beside the backups."""

    def keep_studio(self, content: IO[bytes]) -> None:
        """Keep one more; waits. Raises RetryableError, PermanentError."""

    def newest_studio(self, target: IO[bytes]) -> datetime:
        """Write the newest one to a file and say when it was made; waits.

        Raises NoSuchEntryError, RetryableError, PermanentError.
        """


@runtime_checkable
class SupportsScriptOutput(Protocol):
    """An engine that keeps what initialization scripts said."""

    def script_output(self, ref: str) -> list[ScriptOutput]:
        """List it for the last five starts, in the order in which the scripts ran."""


@runtime_checkable
class SupportsPictures(Protocol):
    """An engine that can say how a desktop looks. It waits for the desktop, seconds at the most."""

    def picture(self, ref: str) -> bytes:
        """Give a small JPEG of a running desktop, some seconds old at the most.

        What is in it the artist decides, also whether it is a picture at all. Raises RetryableError
        when there is none now.
        """


@runtime_checkable
class SupportsSizes(Protocol):
    """An engine that knows how large the place is that its workstations run in.

    It refuses what that can't carry: `ensure_running` raises PermanentError with Reason.CAPACITY
    and figures, nothing is changed by then, and the same start may be asked for again. A
    workstation that died keeps its place for a while, so that it is healed before another takes it.
    """

    def room(self, *, avoid: Collection[str] = ()) -> Room:
        """Say how large it is and what is left now; hosts to avoid, and who is there, are left
        out.
        """

    def shortfalls(self, instance_types: Sequence[str], volume: Volume) -> list[str]:
        """Say, a sentence each, what of these this engine gives less of; empty when of nothing."""


class ObservedHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host that workstations run on, as it is at one moment."""

    name: str
    is_reachable: bool = True
    """Whether it answers."""
    detail: str = ""
    """Of one that does not: why, in half a sentence for people."""
    room: Room | None = None
    """None where it can't be asked."""
    running: set[str] = set()
    """Those that run there, or are on their way up or down, by their refs; of a host that does not
    answer all that it has."""
    resting: set[str] = set()
    """Those that have nothing there but their disks."""


@runtime_checkable
class SupportsHosts(Protocol):
    """An engine that knows which hosts its workstations are on; `Spec.avoid` closes one of them."""

    def host_names(self) -> list[str]:
        """Name them all, those that do not answer included. Raises RetryableError."""

    def hosts(self) -> list[ObservedHost]:
        """Say how each is, and who is on it; may take some seconds. Raises RetryableError when none
        answers.
        """


@runtime_checkable
class SupportsExamination(Protocol):
    """An engine that can look whether this machine has all that its workstations need."""

    def examine(self) -> list[Capability]:
        """Look anew, and change nothing; may take some seconds.

        What is not `available` keeps workstations from starting or from being backed up, and its
        `detail` says what to do about it; else that says what was found.
        """


@runtime_checkable
class SupportsNotices(Protocol):
    """An engine that can say at once when a workstation did something by itself."""

    def listen(self, listener: Callable[[str], None]) -> None:
        """Have `listener(ref)` called, from a thread of the engine's own, when a start or a stop
        that was asked for has come to its end. Called once, before anything is asked of the
        engine. A notice may be lost: it only spares the wait for the next look.
        """
