"""What an instance keeps of its workstation."""

import msgspec

from soundstage.engines.admission import Promise
from soundstage.engines.incus.names import instance_of
from soundstage.engines.incus.records import (
    Status,
    kept,
    outputs_kept,
    workstation_of,
)
from soundstage.engines.interface import Spec, Volume
from soundstage.engines.keeping import KeptOutput, Wish

REF = "a-_" + "b" * 19
SPEC = Spec(image="ami-x", instance_type="g5.xlarge", volume=Volume(generation=2), attempt=7)
RECORD = Wish(spec=SPEC, wanted="running", asked_at=1.5, promise=Promise(cpus=1.5, memory_bytes=2))
SAID = KeptOutput(
    component="Tools", as_root=True, exit_code=0, began_at=1, ended_at=2, output="it's\nfine"
)


def instance(**facts: object) -> dict[str, object]:
    config = {"limits.memory": "1GiB", **kept(**facts)}
    return {"name": instance_of(REF), "status": "Stopped", "config": config, "location": "none"}


def test_what_is_kept_is_read_again() -> None:
    found = workstation_of(instance(record=RECORD, generation=2, built=7, begun=6))
    assert found is not None
    assert (found.ref, found.record, found.attempt) == (REF, RECORD, 7)
    assert (found.generation, found.built, found.begun, found.status) == (2, 7, 6, None)


def test_nothing_is_kept_as_nothing() -> None:
    assert kept(failure=None) == {"user.soundstage.failure": ""}
    found = workstation_of(instance(record=RECORD, generation=None))
    assert found is not None
    assert found.generation is None


def test_an_instance_of_somebody_else_is_none_of_ours() -> None:
    assert workstation_of(instance()) is None
    assert workstation_of({**instance(record=RECORD), "name": "web"}) is None


def test_a_word_on_an_earlier_attempt_is_not_of_this_one() -> None:
    old = Status(attempt=6, phase="running", ready=True)
    found = workstation_of(instance(record=RECORD, status=old))
    assert found is not None
    assert (found.status, found.own_status) == (old, None)


def test_what_scripts_said_is_kept_for_five_starts() -> None:
    facts = {f"scripts.{number}": [SAID] for number in (2, 3, 4, 5, 6)}
    found = workstation_of(instance(record=RECORD, **facts))
    assert found is not None
    assert found.scripts[6] == [SAID]
    told = outputs_kept(found, Status(attempt=7, phase="running", outputs=[SAID]))
    assert told["user.soundstage.scripts.2"] == ""
    assert msgspec.json.decode(told["user.soundstage.scripts.7"], type=list[KeptOutput]) == [SAID]
    assert len(told) == 2
