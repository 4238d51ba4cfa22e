"""One suite for every engine: each test is a sentence of `engines/interface.py`.

Starting a real desktop takes seconds, so the tests share one workstation and bring it into the
state that they need; each can run alone. Their order is one in which most find it in that state.
Disks and backups are in test_backups.py.
"""

import contextlib
import time
from collections.abc import Callable

import msgspec
import pytest

from soundstage.engines.interface import (
    BackupPhase,
    Message,
    Observed,
    ObservedHost,
    PermanentError,
    Phase,
    Reason,
    RetryableError,
    Script,
    ScriptOutput,
    SupportsBackups,
    SupportsHosts,
    SupportsMessages,
    SupportsPersistence,
    SupportsPictures,
    SupportsScriptOutput,
    SupportsSizes,
    SupportsUse,
)
from soundstage.testing.contract import RESTING, Harness, Workstation, new_id


def test_a_ref_never_heard_of_is_absent(harness: Harness) -> None:
    ref = new_id()
    assert harness.engine.observe(ref).phase is Phase.ABSENT
    assert ref not in harness.engine.refs()


def test_stopping_and_removing_nothing_is_silent(harness: Harness) -> None:
    ref, engine = new_id(), harness.engine
    engine.ensure_stopped(ref)
    engine.ensure_absent(ref)
    assert isinstance(engine, SupportsBackups)
    assert isinstance(engine, SupportsPersistence)
    engine.ensure_volume_absent(ref)
    engine.ensure_backup_absent(ref, new_id())
    assert engine.observe_backup(ref, new_id()).phase is BackupPhase.ABSENT
    assert engine.observe(ref).phase is Phase.ABSENT


def test_an_unknown_image_can_not_run_here(harness: Harness) -> None:
    ref = new_id()
    with pytest.raises(PermanentError) as raised:
        harness.engine.ensure_running(ref, harness.spec(image="ami-unknown"))
    assert raised.value.reason is Reason.IMAGE
    assert harness.engine.observe(ref).phase is Phase.ABSENT


def test_capabilities_are_sentences_for_people(harness: Harness) -> None:
    told = {capability.name: capability.detail for capability in harness.engine.capabilities()}
    assert {"volume-size-limit", "memory-limit", "cpu-limit"} <= told.keys()
    assert all(told.values())


def test_a_full_place_refuses_and_keeps_its_word_to_who_crashed(
    harness: Harness, workstation: Workstation
) -> None:
    workstation.run()
    other = new_id()
    harness.let_fit(1)
    try:
        for crashes in (False, True):
            if crashes:
                harness.crash(workstation.ref)
                harness.until(lambda: workstation.phase() in RESTING)
            with pytest.raises(PermanentError, match=r"no room .* 1 workstation|1 fit") as raised:
                harness.engine.ensure_running(other, harness.spec())
            assert raised.value.reason is Reason.CAPACITY
            assert harness.engine.observe(other).phase is Phase.ABSENT
        workstation.start()
        assert workstation.phase() is Phase.RUNNING
        workstation.rest()
        # What was refused may be asked for again.
        assert isinstance(harness.engine, SupportsSizes)
        harness.engine.ensure_running(other, harness.spec())
        assert set(harness.engine.room().workstations) == {other}
        harness.until(
            lambda: harness.engine.observe(other).phase is Phase.ABSENT,
            lambda: harness.engine.ensure_absent(other),
        )
    finally:
        harness.let_fit(None)


def test_a_host_to_avoid_takes_nothing_new_and_keeps_whom_it_has(
    harness: Harness, workstation: Workstation
) -> None:
    workstation.run()
    engine, ref, other = harness.engine, workstation.ref, new_id()
    assert isinstance(engine, SupportsHosts)
    assert isinstance(engine, SupportsSizes)
    name = engine.observe(ref).host
    assert name in engine.host_names()

    def host() -> ObservedHost:
        return next(each for each in engine.hosts() if each.name == name)

    assert host().is_reachable
    assert ref in host().running
    avoided = engine.host_names()
    with pytest.raises(PermanentError, match="maintenance") as raised:
        engine.ensure_running(other, msgspec.structs.replace(harness.spec(), avoid=avoided))
    assert raised.value.reason is Reason.CAPACITY
    assert engine.observe(other).phase is Phase.ABSENT
    room = engine.room(avoid=avoided)
    assert (room.to_promise.cpus, room.workstations) == (0, {})
    assert room.types == engine.room().types
    workstation.rest()
    assert ref in host().resting
    assert engine.observe(ref).host == name
    again = msgspec.structs.replace(workstation.wish(), avoid=avoided)
    harness.until(
        lambda: workstation.phase() is Phase.RUNNING, lambda: engine.ensure_running(ref, again)
    )


def test_a_desktop_that_runs_can_be_looked_at(workstation: Workstation) -> None:
    assert isinstance(workstation.engine, SupportsPictures)
    workstation.run()
    assert workstation.engine.picture(workstation.ref).startswith(b"\xff\xd8\xff")
    with pytest.raises(RetryableError):
        workstation.engine.picture(new_id())


def test_asking_a_running_one_to_run_changes_nothing(workstation: Workstation) -> None:
    workstation.run()
    before = workstation.engine.observe(workstation.ref)
    workstation.engine.ensure_running(workstation.ref, workstation.spec)
    after = workstation.engine.observe(workstation.ref)
    assert (after.phase, after.attempt, after.address) == (
        before.phase,
        before.attempt,
        before.address,
    )


def test_a_running_one_outlives_the_service(workstation: Workstation) -> None:
    workstation.run()
    before = workstation.engine.observe(workstation.ref)
    workstation.harness.restart()
    after = workstation.engine.observe(workstation.ref)
    assert (after.phase, after.address, after.attempt) == (
        Phase.RUNNING,
        before.address,
        before.attempt,
    )


def test_a_message_may_be_repeated_and_needs_a_desktop(workstation: Workstation) -> None:
    engine = workstation.run().engine
    assert isinstance(engine, SupportsMessages)
    message = Message(key=new_id(), title="Soon", text="It stops.", urgent=True)
    for _ in range(2):
        engine.show_message(workstation.ref, message)
    workstation.rest()
    for ref in (workstation.ref, new_id()):
        with pytest.raises(RetryableError):
            engine.show_message(ref, message)


def test_a_start_leads_over_starting_to_running(workstation: Workstation) -> None:
    workstation.rest()
    spec = workstation.wish()
    seen = []

    def is_running() -> bool:
        observed = workstation.engine.observe(workstation.ref)
        seen.append(observed.phase)
        # An address says where a desktop answers, so only one that does has it.
        assert (observed.address is not None) is (observed.phase is Phase.RUNNING)
        return observed.phase is Phase.RUNNING

    workstation.engine.ensure_running(workstation.ref, spec)
    workstation.harness.until(
        is_running, lambda: workstation.engine.ensure_running(workstation.ref, spec)
    )
    assert set(seen) == {Phase.STARTING, Phase.RUNNING}
    observed = workstation.engine.observe(workstation.ref)
    assert (observed.attempt, observed.volume_generation) == (spec.attempt, 0)
    assert workstation.ref in workstation.engine.refs()


def test_use_never_falls_while_it_runs_and_is_not_known_at_rest(workstation: Workstation) -> None:
    engine = workstation.run().engine
    assert isinstance(engine, SupportsUse)
    before = engine.observe_use(workstation.ref).cpu_seconds
    assert engine.observe_use(workstation.ref).cpu_seconds >= before >= 0
    workstation.rest()
    with pytest.raises(RetryableError):
        engine.observe_use(workstation.ref)


def test_a_start_can_be_called_off(workstation: Workstation) -> None:
    workstation.rest()
    workstation.engine.ensure_running(workstation.ref, workstation.wish())
    workstation.harness.until(
        lambda: workstation.phase() is Phase.STOPPED,
        lambda: workstation.engine.ensure_stopped(workstation.ref),
    )
    assert workstation.engine.observe(workstation.ref).volume_generation == 0


def test_a_stopped_one_keeps_its_volume(workstation: Workstation) -> None:
    workstation.run()
    workstation.harness.put(workstation.ref, "kept", b"content")
    workstation.engine.ensure_stopped(workstation.ref)
    workstation.harness.until(lambda: workstation.phase() is Phase.STOPPED)
    observed = workstation.engine.observe(workstation.ref)
    assert (observed.address, observed.volume_generation) == (None, 0)
    assert workstation.harness.get(workstation.ref, "kept") == b"content"
    workstation.engine.ensure_stopped(workstation.ref)
    assert workstation.phase() is Phase.STOPPED


def test_only_a_later_attempt_starts_a_stopped_one(workstation: Workstation) -> None:
    workstation.run().rest()
    workstation.engine.ensure_running(workstation.ref, workstation.spec)
    assert workstation.phase() is Phase.STOPPED
    workstation.start()
    assert workstation.phase() is Phase.RUNNING


def test_a_crash_leaves_it_stopped_and_a_later_attempt_heals_it(workstation: Workstation) -> None:
    workstation.run()
    workstation.harness.put(workstation.ref, "mine", b"unharmed")
    workstation.harness.crash(workstation.ref)
    workstation.harness.until(lambda: workstation.phase() is Phase.STOPPED)
    observed = workstation.engine.observe(workstation.ref)
    assert observed.detail
    assert observed.since is not None
    workstation.engine.ensure_stopped(workstation.ref)
    workstation.start()
    assert workstation.phase() is Phase.RUNNING
    assert workstation.harness.get(workstation.ref, "mine") == b"unharmed"


def with_scripts(workstation: Workstation, *scripts: Script) -> Observed:
    """Start it anew with these; says how that went."""
    workstation.rest()
    spec = msgspec.structs.replace(workstation.wish(), scripts=list(scripts))

    def is_decided() -> bool:
        observed = workstation.engine.observe(workstation.ref)
        return observed.attempt == spec.attempt and observed.phase in {Phase.RUNNING, Phase.FAILED}

    workstation.harness.until(
        is_decided, lambda: workstation.engine.ensure_running(workstation.ref, spec)
    )
    return workstation.engine.observe(workstation.ref)


def outputs(workstation: Workstation) -> list[ScriptOutput]:
    assert isinstance(workstation.engine, SupportsScriptOutput)
    attempt = workstation.engine.observe(workstation.ref).attempt
    kept = workstation.engine.script_output(workstation.ref)
    return [each for each in kept if each.attempt == attempt]


def test_scripts_have_run_when_it_runs_and_what_they_said_is_kept(workstation: Workstation) -> None:
    observed = with_scripts(
        workstation,
        Script(component="Tools", as_root=True, text="echo root"),
        Script(
            component="Desk",
            as_root=False,
            text="echo $WORD",
            environment={"WORD": "opensesame"},
            secrets=["opensesame"],
        ),
    )
    assert observed.phase is Phase.RUNNING, observed.detail
    kept = outputs(workstation)
    assert [(each.component, each.as_root, each.exit_code, each.output) for each in kept] == [
        ("Tools", True, 0, "root\n"),
        ("Desk", False, 0, "***\n"),
    ]
    assert all(each.began_at <= each.ended_at for each in kept)
    workstation.harness.restart()
    assert outputs(workstation) == kept


@pytest.mark.parametrize("as_root", [True, False])
def test_a_script_that_fails_fails_the_start(workstation: Workstation, as_root: bool) -> None:
    after = Script(component="After", as_root=False, text="echo never")
    failing = Script(
        component="Broken",
        as_root=as_root,
        text="echo what went wrong\nexit 7",
        failure=Reason.DIRECTORY if as_root else Reason.SCRIPT,
    )
    observed = with_scripts(workstation, failing, after)
    assert observed.phase is Phase.FAILED
    assert observed.reason is failing.failure
    assert "'Broken' ended with code 7: what went wrong" in observed.detail
    assert [each.exit_code for each in outputs(workstation)] == [7]
    # The next start is as good as any.
    workstation.start()
    assert workstation.phase() is Phase.RUNNING


def test_what_scripts_said_goes_with_the_workstation(harness: Harness) -> None:
    other = Workstation(harness)
    assert isinstance(harness.engine, SupportsScriptOutput)
    with_scripts(other, Script(component="Tools", as_root=True, text="echo root"))
    assert outputs(other)
    other.remove()
    assert harness.engine.script_output(other.ref) == []


def test_one_that_waits_is_prepared_and_is_somebodys_when_it_is_asked_for(
    workstation: Workstation,
) -> None:
    workstation.rest()
    system = Script(component="Tools", as_root=True, text="echo root")
    own = Script(component="Desk", as_root=False, text="echo artist")
    wished = msgspec.structs.replace(workstation.wish(), scripts=[system, own])
    waiting = msgspec.structs.replace(wished, waits=True)

    def prepare() -> None:
        # A new engine is over the same state after the restart.
        workstation.engine.ensure_running(workstation.ref, waiting)

    def components() -> list[str]:
        return [each.component for each in outputs(workstation) if each.attempt == waiting.attempt]

    workstation.harness.until(lambda: workstation.phase() is Phase.PREPARED, prepare)
    workstation.harness.restart()
    prepare()
    observed = workstation.engine.observe(workstation.ref)
    assert (observed.phase, observed.attempt) == (Phase.PREPARED, waiting.attempt)
    assert observed.address is None, "nobody can reach it"
    assert components() == ["Tools"], "what is a person's has not run"
    engine = workstation.engine
    assert isinstance(engine, SupportsSizes)
    assert workstation.ref in engine.room().workstations, "it has its place"

    def is_decided() -> bool:
        seen = workstation.engine.observe(workstation.ref)
        return seen.attempt == wished.attempt and seen.phase in {Phase.RUNNING, Phase.FAILED}

    workstation.harness.until(
        is_decided, lambda: workstation.engine.ensure_running(workstation.ref, wished)
    )
    observed = workstation.engine.observe(workstation.ref)
    assert observed.phase is Phase.RUNNING, observed.detail
    assert observed.address is not None
    assert components() == ["Tools", "Desk"]
    # It can't be made to wait again.
    prepare()
    assert workstation.phase() is Phase.RUNNING


def test_one_that_waits_may_die_and_be_stopped(workstation: Workstation) -> None:
    workstation.rest()
    waiting = msgspec.structs.replace(workstation.wish(), waits=True)

    def prepared() -> None:
        workstation.harness.until(
            lambda: workstation.phase() is Phase.PREPARED,
            lambda: workstation.engine.ensure_running(workstation.ref, waiting),
        )

    prepared()
    workstation.harness.crash(workstation.ref)
    workstation.harness.until(lambda: workstation.phase() in RESTING)
    waiting = msgspec.structs.replace(workstation.wish(), waits=True)
    prepared()
    workstation.rest()
    assert workstation.phase() is Phase.STOPPED


def test_a_removed_one_is_absent_and_its_backups_stay(workstation: Workstation) -> None:
    workstation.rest()
    backup_id = new_id()
    workstation.back_up(backup_id)
    workstation.run()
    workstation.remove()
    observed = workstation.engine.observe(workstation.ref)
    assert (observed.attempt, observed.volume_generation) == (None, None)
    assert workstation.ref not in workstation.engine.refs()
    assert workstation.observed(backup_id).phase is BackupPhase.COMPLETE
    workstation.engine.ensure_absent(workstation.ref)
    workstation.engine.ensure_stopped(workstation.ref)
    assert workstation.phase() is Phase.ABSENT


def test_calls_return_soon(workstation: Workstation, harness: Harness) -> None:
    workstation.rest()
    backup_id, engine = new_id(), harness.engine
    calls: dict[str, Callable[[], object]] = {
        "observe": lambda: engine.observe(workstation.ref),
        "ensure_backup": lambda: workstation.backups.ensure_backup(workstation.ref, backup_id),
        "observe_backup": lambda: workstation.observed(backup_id),
        "ensure_backup_absent": lambda: workstation.backups.ensure_backup_absent(
            workstation.ref, backup_id
        ),
        "ensure_running": lambda: engine.ensure_running(workstation.ref, workstation.wish()),
        "ensure_stopped": lambda: engine.ensure_stopped(workstation.ref),
        "ensure_absent": lambda: engine.ensure_absent(workstation.ref),
        "refs": engine.refs,
    }
    for name, call in calls.items():
        began = time.monotonic()
        with contextlib.suppress(RetryableError):
            call()
        assert time.monotonic() - began < 1, name
    workstation.remove()
