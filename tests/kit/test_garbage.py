"""Whether garbage is looked for, within the blocks and after them."""

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from soundstage.kit.garbage import kept_for_good, left_alone


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    was_on, was_frozen = gc.isenabled(), gc.get_freeze_count() > 0
    yield
    (gc.enable if was_on else gc.disable)()
    if was_frozen:
        gc.freeze()
    else:
        gc.unfreeze()


@pytest.mark.parametrize("block", [left_alone, kept_for_good])
@pytest.mark.parametrize("is_on", [True, False])
def test_none_is_looked_for_within(
    block: Callable[[], AbstractContextManager[None]], is_on: bool
) -> None:
    (gc.enable if is_on else gc.disable)()
    with block():
        assert not gc.isenabled()
    assert gc.isenabled() is is_on
    with pytest.raises(KeyError), block():
        raise KeyError
    assert gc.isenabled() is is_on


def test_what_is_there_then_is_not_looked_at_again() -> None:
    gc.unfreeze()
    with left_alone():
        pass
    assert gc.get_freeze_count() == 0
    with kept_for_good():
        pass
    assert gc.get_freeze_count() > 0
