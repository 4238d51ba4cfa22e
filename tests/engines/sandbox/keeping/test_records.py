"""What is kept of workstations on disk, and the locks."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from soundstage.engines.interface import Spec, Volume
from soundstage.engines.sandbox.keeping.records import Record, Records, next_uid

RECORD = Record(
    uid=200_000,
    spec=Spec(image="ami-host", instance_type="g5.xlarge", volume=Volume()),
    wanted="running",
    asked_at=1.5,
    machine_id="0" * 32,
)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "workstations")


def test_a_record_is_found_again(records: Records) -> None:
    assert records.read("ref") is None
    records.write("ref", RECORD)
    assert records.read("ref") == RECORD
    assert records.refs() == {"ref"}
    assert records.directory("ref").stat().st_mode & 0o777 == 0o700


def test_secrets_in_a_record_are_for_the_service_alone(records: Records) -> None:
    os.umask(0o022)
    records.write("ref", RECORD)
    assert (records.directory("ref") / "record.json").stat().st_mode & 0o077 == 0


def test_half_a_file_is_no_record(records: Records) -> None:
    records.write("ref", RECORD)
    path = records.directory("ref") / "record.json"
    path.write_bytes(path.read_bytes()[:-5])
    assert records.read("ref") is None
    assert records.refs() == {"ref"}


@pytest.mark.parametrize("ref", ["", "..", "a/b", "/etc", "a\0b", ".locks", "x" * 65])
def test_an_id_can_be_no_path(records: Records, ref: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        records.directory(ref)


def test_removing_takes_everything_and_follows_no_link(records: Records, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    records.write("ref", RECORD)
    (records.directory("ref") / "stream").mkdir()
    (records.directory("ref") / "stream" / "s.sock").touch()
    (records.directory("ref") / "link").symlink_to(kept)
    records.remove("ref")
    records.remove("ref")
    assert records.refs() == set()
    assert (kept / "file").exists()


def test_the_life_lock_is_held_by_one_and_seen_by_all(records: Records) -> None:
    assert not records.is_alive("ref")
    records.write("ref", RECORD)
    held = records.take_life("ref")
    assert held is not None
    assert records.is_alive("ref")
    assert records.take_life("ref") is None
    os.close(held)
    assert not records.is_alive("ref")


def test_the_life_lock_lives_on_in_who_inherited_it(records: Records) -> None:
    records.write("ref", RECORD)
    held = records.take_life("ref")
    assert held is not None
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, pass_fds=(held,), stdin=subprocess.PIPE) as child:
        os.close(held)
        assert records.is_alive("ref")
        child.communicate(b"\n")
    assert not records.is_alive("ref")


def test_two_who_ask_at_once_do_not_see_each_other(records: Records) -> None:
    records.write("ref", RECORD)
    os.close(records.take_life("ref") or -1)
    seen: list[bool] = []

    def ask() -> None:
        seen.extend(records.is_alive("ref") for _ in range(200))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 800
    assert not any(seen)


def test_a_named_lock_keeps_others_out(records: Records) -> None:
    order: list[str] = []
    entered = threading.Event()

    def second() -> None:
        entered.set()
        with records.lock("a"):
            order.append("second")

    with records.lock("a"):
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait()
        with records.lock("b"):
            order.append("other name")
        order.append("first")
    thread.join()
    assert order == ["other name", "first", "second"]


def test_uids_are_given_from_the_lowest_free_one() -> None:
    assert next_uid(10, set()) == 10
    assert next_uid(10, {10, 11, 13}) == 12


def test_uids_in_use_are_those_of_all_records(records: Records) -> None:
    records.write("a", RECORD)
    records.write("b", RECORD)
    assert records.uids() == {200_000}
