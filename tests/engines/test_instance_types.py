"""Instance types and how they are scaled to a host."""

import pytest

from soundstage.engines.instance_types import GIB, INSTANCE_TYPES, share_for
from soundstage.engines.interface import PermanentError, Reason


def test_all_thirteen_of_the_public_model_are_known() -> None:
    assert len(INSTANCE_TYPES) == 13
    assert {name.split(".")[0] for name in INSTANCE_TYPES} == {"g3", "g3s", "g4dn", "g5"}


def test_a_large_host_gives_all_that_is_asked() -> None:
    share = share_for("g4dn.xlarge", host_cpus=64, host_memory_bytes=512 * GIB)
    assert (share.cpus, share.memory_bytes, share.scaled) == (4.0, 16 * GIB, False)
    assert share.detail == "g4dn.xlarge is 4 vCPUs and 16 GiB, as asked"


@pytest.mark.parametrize("name", sorted(INSTANCE_TYPES))
def test_a_small_host_keeps_something_for_itself_and_says_so(name: str) -> None:
    share = share_for(name, host_cpus=2, host_memory_bytes=8 * GIB)
    assert share.scaled
    assert share.cpus == 1.75
    assert share.memory_bytes == 7 * GIB
    assert "this host gives at most 1.75 cores and 7.0 GiB" in share.detail


def test_only_what_is_too_small_is_scaled() -> None:
    share = share_for("g4dn.xlarge", host_cpus=2, host_memory_bytes=512 * GIB)
    assert (share.cpus, share.memory_bytes) == (1.75, 16 * GIB)
    assert share.scaled


def test_the_smallest_host_still_gives_something() -> None:
    share = share_for("g5.16xlarge", host_cpus=1, host_memory_bytes=GIB // 2)
    assert share.cpus == 0.75
    assert share.memory_bytes == GIB


def test_a_wrong_name_is_refused_with_the_right_ones() -> None:
    with pytest.raises(PermanentError, match=r"known are .*g5\.xlarge") as refused:
        share_for("m5.large", host_cpus=2, host_memory_bytes=GIB)
    assert refused.value.reason is Reason.CAPACITY
