"""What pages show of workstations, launch profiles and backups, worked out from what the API says.

Pure: documents and the time come in, texts and choices go out. `reading` and `backups` call it.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from soundstage.words import ends, starts
from soundstage.words.texts import Words

Document = dict[str, Any]

_TONES = {"READY": "good", "STOPPED": "quiet", "DELETED": "quiet"}
_MAY = {
    "CREATE_IN_PROGRESS": ("delete",),
    "READY": ("open", "extend", "backup", "stop", "delete"),
    "STOPPED": ("start", "delete"),
    "START_FAILED": ("start", "delete"),
    "STOP_FAILED": ("stop", "delete"),
    "CREATE_FAILED": ("delete",),
    "DELETE_FAILED": ("delete",),
}
"""What the API takes in which state."""
_LENGTHS = (15, 30, 60, 120, 240, 480)
"""Minutes that a link for looking on may be made for."""
_LONGEST_OUTPUT = 8000
"""Characters of a script's output: a page is to be small, and the command line has the rest."""
_PLAIN = {
    "The workstation is ready.",
    "The workstation is stopped.",
    "The workstation is being started.",
    "The workstation is being stopped.",
    "The workstation is being removed.",
    "The workstation can be reached again.",
}
"""Messages that say no more than the state does."""


_MENDED_BY_ADMINISTRATORS = {
    "INITIALIZATION_SCRIPT_ERROR",
    "AMI_VALIDATION_ERROR",
    "ACTIVE_DIRECTORY_DOMAIN_JOIN_ERROR",
    "NETWORK_CONNECTION_ERROR",
}
"""Status codes of starts that fail again until somebody changed something."""
SERVICE = "soundstage"
"""Who does what nobody asked for."""


class Step(msgspec.Struct, frozen=True):
    """A step of something in progress."""

    name: str
    phase: str
    """done, now, ahead or failed."""
    took: str = ""
    """How long it took; of what goes on, how long it does."""
    running_seconds: float | None = None
    """The same as a number, of what goes on."""
    usual: str = ""
    """How long it usually takes, of what goes on or is ahead, where that was measured."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a start is, where it is known how long the rest takes."""

    gone_seconds: float
    left_seconds: float
    text: str
    is_late: bool


class Countdown(msgspec.Struct, frozen=True, kw_only=True):
    """What will happen by itself."""

    at: datetime
    text: str
    reason: str
    since: datetime | None
    """The moment that the reason names."""
    is_soon: bool


class Workstation(msgspec.Struct, frozen=True, kw_only=True):
    """One session, for a card or a page of its own."""

    id: str
    studio_id: str
    profile_id: str
    name: str
    image: str
    size: str
    instance_type: str
    created_at: datetime
    state: str
    """The word for it."""
    tone: str
    in_progress: bool
    is_starting: bool
    """Reports whether a start goes on and its steps say of it what matters."""
    advice: str
    """What happened to it, and what to do next where there is anything to be done."""
    message: str
    """What the API says of it, in English, where that is more than the state and the advice."""
    steps: list[Step]
    progress: Progress | None
    course: list[Step]
    """How its last start went, where that is over."""
    course_took: str
    """How long all of that took."""
    countdown: Countdown | None
    may: frozenset[str]
    persists: bool
    """Reports whether it can be stopped and started again."""
    makes_backups: bool
    has_picture: bool
    """Reports whether its desktop may be shown: it runs, and it is the reader's own."""


class Choice(msgspec.Struct, frozen=True):
    """A value of a form's field, and how it is called."""

    value: str
    text: str


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One launch profile's card."""

    id: str
    studio_id: str
    name: str
    description: str
    images: list[Choice]
    sizes: list[Choice]
    size: str
    allows: list[tuple[str, bool]]
    """What is allowed, or is not, in words."""
    room: str
    room_tone: str
    expected: str
    """Empty while nothing was measured."""
    missing_eulas: list[Document]
    token: str
    """Launching twice by one page launches once."""


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """One backup of a timeline."""

    id: str
    studio_id: str
    session_id: str
    profile_id: str
    created_at: datetime
    size: str
    state: str
    tone: str
    is_ready: bool
    message: str
    is_current: bool
    """Reports whether its workstation was last started from it."""
    name: str = ""
    """What its workstation was called, where that is known."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A link for looking on."""

    id: str
    url: str
    ends_at: datetime
    viewers: str
    """How many look on, in words."""


class Looking(msgspec.Struct, frozen=True, kw_only=True):
    """How others may look on at a workstation."""

    shares: list[Share]
    lengths: list[Choice]
    viewers: list[Choice]


class ScriptOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What an initialization script said."""

    title: str
    began_at: datetime
    result: str
    tone: str
    text: str


def moment(text: str) -> datetime:
    """Read a moment of the API's."""
    return datetime.fromisoformat(text)


class Viewer:
    """Makes what is shown, in one language and at one moment."""

    def __init__(self, words: Words, now: datetime) -> None:
        self._words = words
        self._now = now

    def workstation(
        self,
        studio_id: str,
        session: Document,
        offer: Document | None,
        backups: Iterable[Document] = (),
        *,
        is_own: bool = False,
    ) -> Workstation:
        """Show a session; `offer` is what its launch profile offers, None where nobody tells."""
        words, state = self._words, session["state"]
        message = session.get("statusMessage", "")
        may = _may(session)
        lost_at = session.get("unreachableSince")
        return Workstation(
            id=session["sessionId"],
            studio_id=studio_id,
            profile_id=session["launchProfileId"],
            name=offer["launchProfile"]["name"] if offer else words("workstation.unknown"),
            image=_image_name(offer, session["streamingImageId"]),
            size=self._size_of(session, offer),
            instance_type=session["ec2InstanceType"],
            created_at=moment(session["createdAt"]),
            state=words(f"state.{state}" if lost_at is None else "state.out_of_reach"),
            tone=tone_of(state) if lost_at is None else "bad",
            in_progress=state.endswith("_IN_PROGRESS"),
            is_starting=state in _STARTS and "startSteps" in session,
            advice=self._advice(session, may, backups),
            message="" if _says_no_more(session, message) else _more_of(session, message),
            steps=self._steps(session, backups),
            progress=self._progress(session),
            course=self._start(session) if state in _STARTED else [],
            course_took=self._seconds(_total(session)),
            countdown=self._countdown(session.get("nextAction")),
            may=may,
            persists=_persists(session),
            makes_backups=_makes_backups(session),
            has_picture=is_own and state == "READY" and lost_at is None,
        )

    def _advice(self, session: Document, may: frozenset[str], backups: Iterable[Document]) -> str:
        words, state, code = self._words, session["state"], session.get("statusCode", "")
        lost_at = session.get("unreachableSince")
        if lost_at is not None:
            return words("advice.out_of_reach", length=words.length(self._now - moment(lost_at)))
        if _has_moved(session):
            return words("advice.moved")
        if _has_healed(session):
            return words("advice.healed", moment=words.moment(moment(session["healedAt"])))
        if state == "STOPPED":
            return self._after_a_stop(session, backups)
        if not state.endswith("_FAILED"):
            return ""
        told = [words(f"why.{code if f'why.{code}' in words else 'INTERNAL_ERROR'}")]
        is_start = starts.has_failed(session)
        if is_start and code in _MENDED_BY_ADMINISTRATORS:
            told.append(words("advice.mend"))
        if is_start and code == "INSUFFICIENT_CAPACITY":
            told.append(words("advice.room"))
        is_over = state == "STOP_FAILED" and "stop" not in may
        told.append(words("advice.over" if is_over else f"advice.{state}"))
        return " ".join(told)

    def _after_a_stop(self, session: Document, backups: Iterable[Document]) -> str:
        """Say what nobody asked for: that it stopped by itself, and what became of its backup."""
        told: list[str] = []
        if session.get("stoppedBy") == SERVICE:
            # A rule is told; what stops without one has died again and again.
            without = "COLLAPSE" if "healedAt" in session else "BEFORE"
            told.append(self._words(f"stopped.{session.get('stoppedByRule', without)}"))
        last = max(backups, key=lambda each: each["createdAt"], default=None)
        if last is not None and last["state"] == "CREATE_FAILED":
            told.append(self._words("advice.unsaved"))
        return " ".join(told)

    def profile(
        self,
        studio_id: str,
        offer: Document,
        missing_eulas: list[Document],
        token: str,
    ) -> Profile:
        """Show what a launch profile offers."""
        profile = offer["launchProfile"]
        rules = profile["streamConfiguration"]
        types = offer["instanceTypes"]
        images = {each["streamingImageId"]: each for each in offer["streamingImages"]}
        room, tone = self._room(types)
        soon = offer.get("expectedStartInSeconds")
        return Profile(
            id=profile["launchProfileId"],
            studio_id=studio_id,
            name=profile["name"],
            description=profile.get("description", ""),
            images=[
                Choice(each, images[each]["name"])
                for each in rules["streamingImageIds"]
                if each in images
            ],
            sizes=[self._size_choice(each) for each in types],
            size=self.size(types[0]) if types else "",
            allows=self._allows(rules),
            room=room,
            room_tone=tone,
            expected="" if soon is None else self._expected(soon),
            missing_eulas=missing_eulas,
            token=token,
        )

    def backup(
        self,
        studio_id: str,
        backup: Document,
        *,
        current: str | None = None,
        offer: Document | None = None,
    ) -> Backup:
        """Show a backup; `offer` is what its launch profile offers, None where nobody tells."""
        state, size = backup["state"], backup.get("sizeInBytes")
        return Backup(
            id=backup["backupId"],
            studio_id=studio_id,
            session_id=backup["sessionId"],
            profile_id=backup["launchProfileId"],
            created_at=moment(backup["createdAt"]),
            size="" if size is None else self._words.size(size),
            state=self._words(f"backup_state.{state}"),
            tone=tone_of(state),
            is_ready=state == "READY",
            message=backup.get("statusMessage", ""),
            is_current=backup["backupId"] == current,
            name=offer["launchProfile"]["name"] if offer else "",
        )

    def looking(self, told: Document) -> Looking | None:
        """Show the links for looking on; None where there may be none."""
        words, most = self._words, told.get("maxLengthInMinutes")
        if most is None:
            return None
        lengths = [*(each for each in _LENGTHS if each < most), most]
        return Looking(
            shares=[
                Share(
                    id=each["shareId"],
                    url=each["url"],
                    ends_at=moment(each["endsAt"]),
                    viewers=words(
                        "shares.viewers", number=each["viewers"], most=each["maxViewers"]
                    ),
                )
                for each in told["shares"]
            ],
            lengths=[Choice(str(n), words.length(timedelta(minutes=n))) for n in lengths],
            viewers=[
                Choice(str(n), words.count("shares.people", n))
                for n in range(1, told["maxViewers"] + 1)
            ],
        )

    def script(self, output: Document) -> ScriptOutput:
        """Show what a script said; of a long one the end, which says why it failed."""
        words, code = self._words, output.get("exitCode")
        as_root = output["runContext"] == "SYSTEM_INITIALIZATION"
        late = words("sessions.script_late")
        text = output["output"]
        return ScriptOutput(
            title=words(
                "sessions.script_run",
                attempt=output["attempt"],
                component=output["studioComponentName"],
                whom=words("sessions.as_root" if as_root else "sessions.as_user"),
            ),
            began_at=moment(output["beganAt"]),
            result=late if code is None else self._exit(code),
            tone="good" if code == 0 else "bad",
            text=text if len(text) <= _LONGEST_OUTPUT else f"…{text[-_LONGEST_OUTPUT:]}",
        )

    def _exit(self, code: int) -> str:
        words = self._words
        return words("sessions.script_ok") if code == 0 else words("sessions.script_bad", code=code)

    def size(self, kind: Document) -> str:
        """Write what a workstation of a type has here, or the type's name if that is not known."""
        if kind.get("cpus") is None:
            return str(kind["ec2InstanceType"])
        words = self._words
        cores = words.figure(round(kind["cpus"], 1))
        parts = [words("profile.cores", number=cores), words.size(kind["memoryInBytes"])]
        if kind["gpus"]:
            parts.append(words.count("profile.gpus", kind["gpus"]))
        return " · ".join(parts)

    def _size_of(self, session: Document, offer: Document | None) -> str:
        name = session["ec2InstanceType"]
        types = offer["instanceTypes"] if offer else []
        known = next((each for each in types if each["ec2InstanceType"] == name), None)
        return self.size(known or {"ec2InstanceType": name})

    def _size_choice(self, kind: Document) -> Choice:
        name, size = kind["ec2InstanceType"], self.size(kind)
        is_full = kind.get("freePlaces") == 0
        text = name if size == name else f"{name} ({size})"
        if is_full:
            text = self._words("profile.full", size=text)
        return Choice(name, text)

    def _room(self, types: list[Document]) -> tuple[str, str]:
        known = [each["freePlaces"] for each in types if each.get("freePlaces") is not None]
        if not known:
            return "", "quiet"
        most = max(known)
        if most == 0:
            return self._words("profile.no_room"), "bad"
        return self._words.count("profile.room", most), "good" if most > 1 else "busy"

    def _expected(self, seconds: float) -> str:
        length = self._words.length(timedelta(seconds=max(1, round(seconds))))
        return self._words("profile.expected", length=length)

    def _allows(self, rules: Document) -> list[tuple[str, bool]]:
        words = self._words
        length = timedelta(minutes=rules["maxSessionLengthInMinutes"])
        told = [(words("allows.length", length=words.length(length)), True)]
        idle = rules.get("idleStopInMinutes")
        if idle:
            length = timedelta(minutes=idle)
            told.append((words("allows.idle", length=words.length(length)), True))
        persists = rules.get("sessionPersistenceMode") == "ACTIVATED"
        told.append((words("allows.stop" if persists else "allows.no_stop"), persists))
        kept = (rules.get("sessionBackup") or {}).get("maxBackupsToRetain") or 0
        backs_up = (rules.get("sessionBackup") or {}).get("mode") == "AUTOMATIC" and kept > 0
        if backs_up:
            told.append((words.count("allows.backups", kept), True))
        else:
            told.append((words("allows.no_backups"), False))
        clipboard = rules["clipboardMode"] == "ENABLED"
        told.append((words("allows.clipboard" if clipboard else "allows.no_clipboard"), clipboard))
        uploads = "UPLOAD" in (rules.get("sessionStorage") or {}).get("mode", ())
        told.append((words("allows.upload" if uploads else "allows.no_upload"), uploads))
        if rules.get("sessionDownload"):
            told.append((words("allows.download"), True))
        if rules.get("sessionShare"):
            told.append((words("allows.share"), True))
        return told

    def _countdown(self, coming: Document | None) -> Countdown | None:
        if coming is None:
            return None
        at = moment(coming["at"])
        left = at - self._now
        kind = "stop" if coming["action"] == "STOP" else "end"
        allowed = timedelta(minutes=coming["allowedInMinutes"])
        since = at - allowed if coming["rule"] == "IDLE" else None
        return Countdown(
            at=at,
            text=self._words(f"countdown.{kind}", length=self._words.length(left)),
            reason=ends.reason(
                self._words,
                coming["rule"],
                allowed=allowed,
                idle_since=since,
                idle_by=coming.get("lastActivity"),
                host=coming.get("hostName", ""),
                host_reason=coming.get("hostReason", ""),
            ),
            since=since,
            is_soon=left < timedelta(minutes=15),
        )

    def _steps(self, session: Document, backups: Iterable[Document]) -> list[Step]:
        words, state = self._words, session["state"]
        if state in _STARTS:
            coming = [self._step_ahead(session, each) for each in _list(session, "startStepsAhead")]
            return [*self._start(session), *coming, Step(words("steps.ready"), "ahead")]
        if starts.has_failed(session):
            return self._start(session)
        names = _STEPS.get(state)
        if names is None:
            return []
        at = 0
        if state == "STOP_IN_PROGRESS":
            if not _makes_backups(session):
                names = ("stop", "stopped")
            elif any(each["state"] == "CREATE_IN_PROGRESS" for each in backups):
                at = 1
        phases = [
            "done" if number < at else "now" if number == at else "ahead"
            for number in range(len(names))
        ]
        return [
            Step(words(f"steps.{name}"), phase) for name, phase in zip(names, phases, strict=True)
        ]

    def _start(self, session: Document) -> list[Step]:
        """Tell the steps of a start, as they were measured."""
        taken = _list(session, "startSteps")
        found = [self._start_step(session, each) for each in taken]
        if found and starts.has_failed(session):
            name = starts.failure(self._words, session, taken[-1])
            found[-1] = msgspec.structs.replace(found[-1], name=name, phase="failed")
        return found

    def _start_step(self, session: Document, step: Document) -> Step:
        name = self._step_name(session, step)
        seconds = step.get("seconds")
        if seconds is not None:
            return Step(name, "done", self._seconds(seconds))
        so_far = max(0.0, (self._now - moment(step["beganAt"])).total_seconds())
        usual = starts.usual(self._words, step)
        return Step(name, "now", self._seconds(so_far), so_far, usual)

    def _step_ahead(self, session: Document, step: Document) -> Step:
        usual = starts.usual(self._words, step)
        return Step(self._step_name(session, step), "ahead", usual=usual)

    def _step_name(self, session: Document, step: Document) -> str:
        return starts.name(self._words, step, is_restored="startedFromBackupId" in session)

    def _progress(self, session: Document) -> Progress | None:
        left, taken = session.get("startRemainingSeconds"), _list(session, "startSteps")
        if left is None or not taken:
            return None
        gone = (self._now - moment(taken[0]["beganAt"])).total_seconds()
        is_late = starts.is_late(taken, self._now)
        words = self._words
        return Progress(
            gone_seconds=max(0.0, gone),
            left_seconds=left,
            text=words("start_steps.late") if is_late else starts.remaining(words, left),
            is_late=is_late,
        )

    def _seconds(self, seconds: float) -> str:
        return starts.took(self._words, seconds)


def _may(session: Document) -> frozenset[str]:
    """Say what may be done to a session now."""
    may = frozenset(_MAY.get(session["state"], ()))
    if not _persists(session):
        may -= {"stop", "start"}
    coming = session.get("nextAction")
    if coming is None or coming["rule"] == "HOST_EVACUATION":
        may -= {"extend"}
    if not _makes_backups(session):
        may -= {"backup"}
    if "unreachableSince" in session:
        may -= {"open", "extend", "backup"}
    return may


def _persists(session: Document) -> bool:
    return session.get("sessionPersistenceMode") == "ACTIVATED"


def _makes_backups(session: Document) -> bool:
    return session.get("backupMode") == "AUTOMATIC"


def _total(session: Document) -> float:
    return sum(step.get("seconds") or 0.0 for step in _list(session, "startSteps"))


def _list(session: Document, name: str) -> list[Document]:
    return session.get(name) or []


_STEP_SENTENCE = re.compile(r" after \d+\.\d\d s$")
"""What programs of a desktop say of themselves has its time at the end."""
_STARTS = {"CREATE_IN_PROGRESS", "START_IN_PROGRESS"}
_STARTED = {"READY", "STOP_IN_PROGRESS", "STOPPED", "STOP_FAILED"}
_STEPS = {
    "STOP_IN_PROGRESS": ("stop", "backup", "stopped"),
    "DELETE_IN_PROGRESS": ("remove", "gone"),
}


def _says_no_more(session: Document, message: str) -> bool:
    """Reports whether a message is told by the state, or by the steps of a start, already."""
    is_step = bool(session.get("startSteps")) and _STEP_SENTENCE.search(message) is not None
    return message in _PLAIN or is_step or _has_moved(session) or _has_healed(session)


def _more_of(session: Document, message: str) -> str:
    """Leave the sentence out that the state says already."""
    for plain in _PLAIN:
        message = message.removeprefix(f"{plain} ")
    # What an engine says that it does begins with a small letter.
    return message[:1].upper() + message[1:] if session["state"] in _STARTS else message


def tone_of(state: str) -> str:
    """Give the colour of a state: good, busy, bad or quiet."""
    if state.endswith("_IN_PROGRESS"):
        return "busy"
    return "bad" if state.endswith("_FAILED") else _TONES.get(state, "quiet")


def _has_moved(session: Document) -> bool:
    """Reports whether it runs because the service started it from a backup: its host was lost."""
    is_by_service = session.get("startedBy") == SERVICE and "startedFromBackupId" in session
    return is_by_service and session["state"] == "READY"


def _has_healed(session: Document) -> bool:
    """Reports whether it runs because the service started it again: it was found gone."""
    return session["state"] == "READY" and "healedAt" in session


def _image_name(offer: Document | None, image_id: str) -> str:
    images = offer["streamingImages"] if offer else []
    return next((each["name"] for each in images if each["streamingImageId"] == image_id), "")
