"""The worker that settles studios."""

from collections.abc import Sequence
from functools import partial

from soundstage.resources.settling import Blocker, SettlingWorker
from soundstage.resources.studios import service, store


def worker(blockers: Sequence[Blocker]) -> SettlingWorker:
    """Make it; `blockers` say what keeps a studio from being deleted."""
    return SettlingWorker("studios", store.studios, partial(service.settle, blockers=blockers))
