"""Names that Incus takes, for ids that it would not."""

import re
import string

import pytest

from soundstage.engines.incus.names import copy_of, home_of, instance_of, ref_of

REFS = ["a" * 22, "-_" * 11, "-u" * 11, "_h" * 11, string.digits + "ABCdef-_-_xY"]


@pytest.mark.parametrize("ref", REFS)
def test_an_id_is_found_again(ref: str) -> None:
    assert ref_of(instance_of(ref)) == ref
    assert re.fullmatch(r"[a-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]", instance_of(ref))


def test_no_two_are_called_the_same() -> None:
    assert len({instance_of(ref) for ref in REFS}) == len(REFS)
    assert len({home_of("a" * 22, 0), home_of("a" * 22, 1), copy_of("a" * 22, "b" * 22)}) == 3


@pytest.mark.parametrize("ref", ["", "../x", "a/b", "a b", "x" * 25])
def test_what_is_no_id_is_no_part_of_a_path(ref: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        instance_of(ref)


def test_other_instances_are_nobody_s() -> None:
    assert ref_of("somebody-else") is None
