"""The worker that settles studio components."""

from functools import partial

from soundstage.resources.components import service, store
from soundstage.resources.settling import SettlingWorker


def worker(most_directories: int) -> SettlingWorker:
    """Make it; a studio may have so many Active Directory components."""
    settle = partial(service.settle, most_directories=most_directories)
    return SettlingWorker("components", store.components, settle)
