"""Instance types and how they are scaled to a host."""

import pytest

from soundstage.engines.instance_types import GIB, INSTANCE_TYPES, Size, catalogue, share_for
from soundstage.engines.interface import PermanentError, Reason


def test_all_thirteen_of_the_public_model_are_known() -> None:
    assert len(INSTANCE_TYPES) == 13
    assert {name.split(".")[0] for name in INSTANCE_TYPES} == {"g3", "g3s", "g4dn", "g5"}


def test_a_large_host_gives_all_that_is_asked() -> None:
    share = share_for("g4dn.12xlarge", host_cpus=64, host_memory_bytes=512 * GIB, host_gpus=4)
    assert (share.cpus, share.memory_bytes, share.gpus, share.scaled) == (48, 192 * GIB, 4, False)
    assert share.detail == "g4dn.12xlarge is 48 vCPUs, 192 GiB and 4 GPUs, as asked"


def test_a_host_with_fewer_cards_gives_those() -> None:
    share = share_for("g4dn.12xlarge", host_cpus=64, host_memory_bytes=512 * GIB, host_gpus=1)
    assert (share.gpus, share.scaled) == (1, True)
    assert share.detail.endswith("; this host gives 48 cores, 192.0 GiB and 1 GPU")


@pytest.mark.parametrize("name", sorted(INSTANCE_TYPES))
def test_a_small_host_keeps_something_for_itself_and_says_so(name: str) -> None:
    share = share_for(name, host_cpus=2, host_memory_bytes=8 * GIB)
    assert share.scaled
    assert share.cpus == 1.75
    assert share.memory_bytes == 7 * GIB
    assert "this host gives 1.75 cores, 7.0 GiB and no GPU" in share.detail


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


def test_the_operator_says_what_a_type_is_here() -> None:
    types = catalogue({"g5.xlarge": Size(cpus=2, gpus=0), "g3s.xlarge": Size(memory_gib=1.5)})
    assert (types["g5.xlarge"].vcpus, types["g5.xlarge"].memory_gib) == (2, 16)
    assert types["g5.2xlarge"] == INSTANCE_TYPES["g5.2xlarge"]
    share = share_for("g5.xlarge", host_cpus=8, host_memory_bytes=64 * GIB, types=types)
    assert (share.cpus, share.gpus, share.scaled) == (2, 0, False)
    small = share_for("g3s.xlarge", host_cpus=8, host_memory_bytes=64 * GIB, types=types)
    assert small.memory_bytes == 3 * GIB // 2


def test_a_size_for_what_is_no_type_is_refused() -> None:
    with pytest.raises(ValueError, match=r"m5\.large is not an instance type; known are g3"):
        catalogue({"m5.large": Size(cpus=2)})
