"""The worker that settles studio components."""

from soundstage.resources.components import service, store
from soundstage.resources.settling import SettlingWorker


def worker() -> SettlingWorker:
    """Make it."""
    return SettlingWorker("components", store.components, service.settle)
