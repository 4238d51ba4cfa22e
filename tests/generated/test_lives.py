"""Lives of sessions that a machine thinks of: anything asked, broken or waited for, in any order.

One studio, a simulated engine, time moved by hand. After every step: nothing failed inside, only
transitions of the tables were made, whatever is in progress will be looked at again, time limits
hold, and no disk has lost what was written on it. `--hypothesis-profile=long` lives longer.
"""

import shutil
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from soundstage.client.calls import CallError, Client
from soundstage.engines.interface import Phase
from soundstage.engines.simulated.misbehaviour import Misbehaviour
from soundstage.kit import journal
from soundstage.kit.machine import Machine
from soundstage.resources.backups import lifecycle as backup_rules
from soundstage.resources.backups import store as backup_store
from soundstage.resources.sessions import lifecycle as session_rules
from soundstage.resources.sessions import service as sessions
from soundstage.resources.sessions import store as session_store
from soundstage.resources.sessions.model import StreamingSession
from soundstage.resources.sessions.steps import UNDONE
from soundstage.resources.streams import lifecycle as stream_rules
from soundstage.resources.streams import store as stream_store
from soundstage.testing.world import World

PROFILES: dict[str, dict[str, Any]] = {
    "backed up": {
        "sessionPersistenceMode": "ACTIVATED",
        "sessionBackup": {"mode": "AUTOMATIC", "maxBackupsToRetain": 2},
        "maxSessionLengthInMinutes": 120,
    },
    "ends by itself": {
        "sessionPersistenceMode": "ACTIVATED",
        "automaticTerminationMode": "ACTIVATED",
        "sessionBackup": {"mode": "AUTOMATIC", "maxBackupsToRetain": 1},
        "maxSessionLengthInMinutes": 30,
        "maxStoppedSessionLengthInMinutes": 60,
    },
    "kept without backups": {"sessionPersistenceMode": "ACTIVATED"},
    "gone when over": {"maxSessionLengthInMinutes": 45},
}
SPOILERS = [
    Misbehaviour.NEVER_STARTS,
    Misbehaviour.DIES_WHILE_STARTING,
    Misbehaviour.CRASHES,
    Misbehaviour.ANSWERS_LATE,
    Misbehaviour.STOPS_SLOWLY,
    Misbehaviour.FAILS_BACKUP,
    Misbehaviour.FAILS_RESTORE,
    Misbehaviour.OUT_OF_CAPACITY,
    Misbehaviour.RETRYABLE,
]
MEMBERSHIP = {"identityStoreId": "d-soundstage"}
MOST_SESSIONS = 3
PATIENCE = st.sampled_from([0, 20, 20])
"""How many seconds somebody waits after a wish; mostly until it has come true."""
SLACK = timedelta(minutes=5)
"""How far time may jump between two looks when a day passes, and a little more."""
REFUSALS = {400, 402, 403, 404, 409}
FILE = "work"


class Believed(msgspec.Struct):
    """What the test believes of one session."""

    id: str
    contents: set[bytes | None]
    """What may be on its disk: more than one only after a restore that may have come to pass."""
    before: set[bytes | None] = set()
    """What was on it before the restore that is going on."""
    written_in: int = -1
    """The attempt in which it was last written to."""


class Lives(RuleBasedStateMachine):
    """Four profiles, two people, a few sessions, and whatever may happen to them."""

    template: Path
    """A home whose studio is furnished."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="soundstage-lives-"))
        shutil.copytree(self.template, self.home, dirs_exist_ok=True)
        self.world = World(self.home)
        self.world.clock.advance(timedelta(minutes=5))
        self.people: dict[str, Client] = {}
        self.profiles: dict[str, str] = {}
        self.known: dict[str, Believed] = {}
        self.copied: dict[str, set[bytes | None]] = {}
        self.last_entry = 0
        self.states: dict[str, str] = {}
        self.written = 0
        self.studio_id = ""

    def teardown(self) -> None:
        self.world.close()
        shutil.rmtree(self.home)

    @initialize()
    def come_in(self) -> None:
        self.people = {"operator": self.world.operator, "ann": self.world.client("ann")}
        self.studio_id = self.world.operator.call("ListStudios")["studios"][0]["studioId"]
        for profile in self.ask("operator", "ListLaunchProfiles")["launchProfiles"]:
            self.profiles[profile["name"]] = profile["launchProfileId"]
        self.put_in(name="backed up")

    def ask(self, who: str, operation: str, /, **members: Any) -> dict[str, Any]:
        """Call an operation; a refusal is an answer, a failure of ours is not."""
        try:
            return self.people[who].call(operation, studioId=self.studio_id, **members)
        except CallError as error:
            if error.status not in REFUSALS:
                raise
            return {}

    # What people do.

    @precondition(lambda self: len(self.known) < MOST_SESSIONS)
    @rule(
        name=st.sampled_from(sorted(PROFILES)),
        who=st.sampled_from(["operator", "operator", "ann"]),
        wait=PATIENCE,
    )
    def launch(self, name: str, who: str, wait: int) -> None:
        profile_id = self.profiles[name]
        made = self.ask(who, "CreateStreamingSession", launchProfileId=profile_id)
        if made:
            session_id = made["session"]["sessionId"]
            self.known[session_id] = Believed(session_id, {None})
            self.wait(wait)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), who=st.sampled_from(["operator", "operator", "ann"]), wait=PATIENCE)
    def start(self, data: st.DataObject, who: str, wait: int) -> None:
        believed = self.one(data)
        choices: list[str | None] = [None, *sorted(self.copied)]
        backup_id = data.draw(st.sampled_from(choices), label="backup")
        made = self.ask(who, "StartStreamingSession", sessionId=believed.id, backupId=backup_id)
        if made:
            believed.before = believed.contents
            if backup_id is not None:
                believed.contents = self.copied[backup_id]
            self.wait(wait)

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        who=st.sampled_from(["operator", "operator", "ann"]),
        retention=st.sampled_from([None, "RETAIN", "DELETE"]),
        wait=PATIENCE,
    )
    def stop(self, data: st.DataObject, who: str, retention: str | None, wait: int) -> None:
        same = {"sessionId": self.one(data).id, "volumeRetentionMode": retention}
        if self.ask(who, "StopStreamingSession", **same):
            self.wait(wait)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), who=st.sampled_from(["operator", "ann"]))
    def delete(self, data: st.DataObject, who: str) -> None:
        self.ask(who, "DeleteStreamingSession", sessionId=self.one(data).id)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), seconds=st.sampled_from([0, 60, 3600]))
    def open_stream(self, data: st.DataObject, seconds: int) -> None:
        session_id = self.one(data).id
        made = self.ask(
            "operator",
            "CreateStreamingSessionStream",
            sessionId=session_id,
            expirationInSeconds=seconds,
        )
        if made:
            stream_id = made["stream"]["streamId"]
            same = {"sessionId": session_id, "streamId": stream_id}
            assert self.ask("operator", "GetStreamingSessionStream", **same)

    @rule(name=st.sampled_from(sorted(PROFILES)), text=st.sampled_from(["one", "two"]))
    def update_profile(self, name: str, text: str) -> None:
        self.ask(
            "operator",
            "UpdateLaunchProfile",
            launchProfileId=self.profiles[name],
            description=text,
        )

    @rule(name=st.sampled_from(sorted(PROFILES)))
    def put_in(self, name: str) -> None:
        person = {"principalId": self.world.principal_id("ann"), "persona": "USER"}
        self.ask(
            "operator",
            "PutLaunchProfileMembers",
            launchProfileId=self.profiles[name],
            **MEMBERSHIP,
            members=[person],
        )

    @rule(name=st.sampled_from(sorted(PROFILES)))
    def take_out(self, name: str) -> None:
        self.ask(
            "operator",
            "DeleteLaunchProfileMember",
            launchProfileId=self.profiles[name],
            principalId=self.world.principal_id("ann"),
        )

    # What happens to them.

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        self.world.engine.crash(self.one(data).id)

    @rule(what=st.sampled_from(SPOILERS), times=st.sampled_from([1, 1, 3, 40]))
    def misbehave(self, what: Misbehaviour, times: int) -> None:
        self.world.engine.misbehave(what, times=times)

    @rule()
    def heal_the_engine(self) -> None:
        self.world.engine.calm()

    @rule()
    def kill_the_service(self) -> None:
        self.world.restart()

    @rule(seconds=st.sampled_from([0.2, 1, 3, 10, 60]))
    def a_moment_passes(self, seconds: float) -> None:
        self.world.advance(timedelta(seconds=seconds))

    @rule(minutes=st.sampled_from([5, 31, 61, 24 * 60 + 5]))
    def time_passes(self, minutes: int) -> None:
        self.world.advance(timedelta(minutes=minutes))

    @rule()
    def somebody_sweeps(self) -> None:
        self.world.service.housekeeping.sweep()

    # What is always so.

    @invariant()
    def only_transitions_of_the_tables_were_made(self) -> None:
        machines: dict[str, Machine[Any]] = {
            "sessions": session_rules.MACHINE,
            "streams": stream_rules.MACHINE,
            "backups": backup_rules.MACHINE,
        }
        with self.world.service.database.transaction(write=False) as transaction:
            entries = journal.read(transaction, after=self.last_entry)
        for entry in entries:
            self.last_entry = entry.sequence
            noun, _, state = entry.kind.partition(".")
            machine = machines.get(noun)
            if machine is None or state not in {row.target for row in machine.transitions} | {
                machine.initial
            }:
                continue
            # Of streams the journal tells under their session's name.
            who = f"{noun} {entry.detail.get('streamId', entry.subject)}"
            is_first = who not in self.states and state == machine.initial
            before = {self.states.get(who, machine.initial)}
            if noun == "streams" and who not in self.states:
                before.add("READY")  # One that is open at once has nothing to be told before.
            self.states[who] = state
            pairs = {(row.source, row.target) for row in machine.transitions}
            possible = is_first or any((source, state) in pairs for source in before)
            assert possible, f"{who}: {before} → {state}"

    @invariant()
    def whatever_is_in_progress_has_a_next_look_and_an_end(self) -> None:
        now = self.world.clock()
        for row in self.rows(session_store.table):
            state = row.state
            if state in session_rules.MACHINE.limits or state == "READY":
                assert row.due_at is not None, f"{row.id} is {state} for ever"
            limit = session_rules.MACHINE.limits.get(state)
            waits_for_backup = state == "STOP_IN_PROGRESS" and any(
                backup.session_id == row.id and backup.state == "CREATE_IN_PROGRESS"
                for backup in self.rows(backup_store.table)
            )
            if limit is not None and not waits_for_backup:
                assert now - row.state_since <= limit + SLACK, f"{row.id} hangs in {state}"
        for table, machine in (
            (backup_store.table, backup_rules.MACHINE),
            (stream_store.table, stream_rules.MACHINE),
        ):
            for row in self.rows(table):
                limit = machine.limits.get(row.state)
                if limit is not None:
                    assert row.due_at is not None
                    assert now - row.state_since <= limit + SLACK

    @invariant()
    def what_a_quota_counts_is_what_there_is(self) -> None:
        sessions_ = [row for row in self.rows(session_store.table) if row.state != "DELETED"]
        living = Counter(row.owned_by for row in sessions_)
        counted = {row.owned_by: row.living for row in self.rows(session_store.counts_table)}
        assert counted.pop("", 0) == living.total()
        assert counted == living

    @invariant()
    def time_limits_stand_where_they_belong(self) -> None:
        now = self.world.clock()
        for session in self.present():
            stop_at, terminate_at = session.stop_at, session.terminate_at
            if session.state == "READY":
                assert (stop_at is None) != (terminate_at is None), session
                assert (stop_at is not None) == session.may_be_stopped
                ends_at = stop_at or terminate_at
                assert ends_at is not None
                longest = timedelta(minutes=session.max_session_length_in_minutes)
                assert ends_at <= session.state_since + longest
                assert ends_at > now - timedelta(seconds=30), f"{session.id} outlived its time"
            elif session.state == "STOPPED":
                assert stop_at is None
                ends = session.automatic_termination_mode == "ACTIVATED"
                assert (terminate_at is not None) == ends
                assert terminate_at is None or terminate_at > now - timedelta(seconds=30)
            else:
                assert (stop_at, terminate_at) == (None, None), session

    @invariant()
    def no_more_backups_are_kept_than_asked_for(self) -> None:
        ready = [row for row in self.rows(backup_store.table) if row.state == "READY"]
        for session in self.present():
            mine = [row for row in ready if row.session_id == session.id]
            # The newest becomes READY a moment before the oldest goes.
            spare = session.state != "STOPPED"
            assert len(mine) <= session.max_backups_to_retain + spare

    @invariant()
    def nothing_runs_that_should_not(self) -> None:
        engine, now = self.world.engine, self.world.clock()
        present = {session.id: session for session in self.present()}
        assert engine.refs() <= set(self.known)
        if not engine.is_calm:
            return
        for ref, workstation in engine.world.workstations.items():
            session = present.get(ref)
            if session is None or session.state == "DELETED":
                assert ref not in engine.refs(), f"{ref} outlived its session"
            elif now - session.state_since > timedelta(minutes=1) and session.state in {
                *("STOPPED", "CREATE_FAILED", "START_FAILED")
            }:
                assert workstation.phase not in {Phase.RUNNING, Phase.STARTING}, session.state

    @invariant()
    def no_work_is_lost(self) -> None:
        engine = self.world.engine
        for session in self.present():
            believed = self.known[session.id]
            if session.state == "START_FAILED":
                believed.contents = believed.contents | believed.before
            is_up = session.running_attempt == session.attempt
            observed = engine._lives.current(session.id)
            if session.state != "READY" or not is_up or observed is None:
                continue
            if observed.phase is not Phase.RUNNING or observed.attempt != session.attempt:
                continue
            found = engine.read(session.id, FILE)
            assert found in believed.contents, f"{session.id}: {found!r}, {believed}"
            self.written += 1
            content = b"%d" % self.written
            engine.write(session.id, FILE, content)
            believed.contents = {content}

    @invariant()
    def a_backup_holds_what_the_disk_held(self) -> None:
        for row in self.rows(backup_store.table):
            if row.state != "READY":
                self.copied.pop(row.id, None)
                continue
            kept = self.world.engine.world.backups.get(row.id)
            assert kept is not None, f"the backup {row.id} is READY and not there"
            content = kept.files.get(FILE)
            if row.id not in self.copied and row.session_id in self.known:
                assert content in self.known[row.session_id].contents
            self.copied[row.id] = {content}

    @invariant()
    def streams_are_open_for_ready_sessions_only(self) -> None:
        states = {session.id: session.state for session in self.present()}
        self.world.settle()
        for row in self.rows(stream_store.table):
            if row.state in {"READY", "CREATE_IN_PROGRESS"}:
                assert states.get(row.session_id) == "READY"

    @invariant()
    def lists_and_single_answers_agree(self) -> None:
        if not self.studio_id:
            return
        listed = self.ask("operator", "ListStreamingSessions")["sessions"]
        assert {one["sessionId"] for one in listed} <= set(self.known)
        for one in listed:
            found = self.ask("operator", "GetStreamingSession", sessionId=one["sessionId"])
            if one["state"] not in UNDONE:
                found["session"].pop("startSteps", None)
            assert found["session"] == one
            message = one["statusMessage"]
            assert message
            assert len(message) < 500
            for secret in (str(self.home), "Traceback", "ticket", "simulated/"):
                assert secret not in message
        backups = self.ask("operator", "ListStreamingSessionBackups")["streamingSessionBackups"]
        for one in backups:
            same = self.ask("operator", "GetStreamingSessionBackup", backupId=one["backupId"])
            assert same["streamingSessionBackup"] == one

    @invariant()
    def what_is_deleted_can_be_read_for_a_day(self) -> None:
        present = {session.id for session in self.present()}
        gone_at: dict[str, datetime] = {}
        with self.world.service.database.transaction(write=False) as transaction:
            for session_id in set(self.known) - present:
                told = journal.read(transaction, subject=f"streaming-session/{session_id}")
                # What somebody was refused stands there too.
                entries = [entry for entry in told if entry.kind.startswith("sessions.")]
                assert entries[-1].kind == "sessions.DELETED"
                gone_at[session_id] = entries[-1].at
        for session_id, moment in gone_at.items():
            assert self.world.clock() - moment >= timedelta(hours=24)
            del self.known[session_id]

    # How the test goes about it.

    def wait(self, seconds: int) -> None:
        """Wait for a wish to come true, with all that is always so looked at before."""
        if seconds:
            self.no_work_is_lost()
            self.world.advance(timedelta(seconds=seconds))

    def one(self, data: st.DataObject) -> Believed:
        index = data.draw(st.integers(0, len(self.known) - 1), label="session")
        return list(self.known.values())[index]

    def rows(self, table: Any) -> list[Any]:
        with self.world.service.database.transaction(write=False) as transaction:
            return list(transaction.execute(table.select()))

    def present(self) -> list[StreamingSession]:
        with self.world.service.database.transaction(write=False) as transaction:
            found = [sessions.look_up(transaction, session_id) for session_id in self.known]
        return [session for session in found if session is not None]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("lives")
    made = World(home)
    try:
        studio_id = made.studio()["studioId"]
        for name, rules in PROFILES.items():
            profile = made.profile(studio_id, **rules)
            made.operator.call(
                "UpdateLaunchProfile",
                studioId=studio_id,
                launchProfileId=profile["launchProfileId"],
                name=name,
            )
            made.settle()
    finally:
        made.close()
    return home


@pytest.mark.timeout(600)
def test_every_life_is_possible(template: Path) -> None:
    lives = type("Lives", (Lives,), {"template": template})
    examples = settings().max_examples * 3 // 2
    run_state_machine_as_test(
        lives, settings=settings(max_examples=examples, stateful_step_count=40)
    )
