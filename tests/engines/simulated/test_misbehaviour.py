"""An order is used up by the steps that it is for."""

from tests.engines.simulated.conftest import OTHER, REF

from soundstage.engines.simulated.misbehaviour import Misbehaviour, Orders


def test_an_order_for_one_is_used_before_one_for_any() -> None:
    orders = Orders()
    orders.add(Misbehaviour.FAILS_BACKUP, None, 1)
    orders.add(Misbehaviour.FAILS_BACKUP, REF, 1)
    assert orders.use(REF, Misbehaviour.FAILS_BACKUP) is Misbehaviour.FAILS_BACKUP
    assert orders.use(OTHER, Misbehaviour.FAILS_BACKUP) is Misbehaviour.FAILS_BACKUP
    assert orders.use(REF, Misbehaviour.FAILS_BACKUP) is None
    assert not orders.are_any


def test_only_the_first_of_several_is_used() -> None:
    orders = Orders()
    orders.add(Misbehaviour.CRASHES, None, 1)
    orders.add(Misbehaviour.ANSWERS_LATE, None, 1)
    kinds = (Misbehaviour.NEVER_STARTS, Misbehaviour.ANSWERS_LATE, Misbehaviour.CRASHES)
    assert orders.use(REF, *kinds) is Misbehaviour.ANSWERS_LATE
    assert orders.are_any
    orders.clear()
    assert orders.use(REF, *kinds) is None
