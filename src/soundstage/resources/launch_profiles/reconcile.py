"""The worker that settles launch profiles."""

from collections.abc import Sequence
from functools import partial

from soundstage.resources.launch_profiles import service, store
from soundstage.resources.settling import Blocker, SettlingWorker


def worker(blockers: Sequence[Blocker]) -> SettlingWorker:
    """Make it; `blockers` say what keeps a launch profile from being deleted."""
    settle = partial(service.settle, blockers=blockers)
    return SettlingWorker("launch_profiles", store.launch_profiles, settle)
