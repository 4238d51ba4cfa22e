"""Every table with leases has one worker, and an engine without backups needs none for them."""

from datetime import timedelta

from soundstage.engines.interface import Engine, SupportsBackups
from soundstage.engines.simulated.engine import SimulatedEngine
from soundstage.kit.database import metadata
from soundstage.resources.quotas import Quota
from soundstage.resources.reconcilers import workers
from soundstage.resources.sessions.countdown import TimeRules
from soundstage.testing.clock import SettableClock

QUOTAS = dict.fromkeys(Quota, 1)


class Plain(Engine):
    """An engine that can only run."""

    _inner = SimulatedEngine(SettableClock())
    observe, ensure_running = _inner.observe, _inner.ensure_running
    ensure_stopped, ensure_absent = _inner.ensure_stopped, _inner.ensure_absent
    refs, capabilities = _inner.refs, _inner.capabilities


def test_every_table_with_leases_has_a_worker() -> None:
    made = workers(
        SimulatedEngine(SettableClock()),
        keep_backups_for=timedelta(days=7),
        quotas=QUOTAS,
        time_rules=TimeRules(),
    )
    leased = {name for name, table in metadata.tables.items() if "lease_token" in table.c}
    assert {worker.table.name for worker in made} == leased
    assert len({worker.name for worker in made}) == len(made)


def test_an_engine_without_backups_has_no_worker_for_them() -> None:
    engine = Plain()
    assert not isinstance(engine, SupportsBackups)
    made = workers(
        engine, keep_backups_for=timedelta(days=7), quotas=QUOTAS, time_rules=TimeRules()
    )
    assert "backups" not in {worker.name for worker in made}
