"""The worker that settles studios."""

from soundstage.resources.settling import SettlingWorker
from soundstage.resources.studios import service, store


def worker() -> SettlingWorker:
    """Make it."""
    return SettlingWorker("studios", store.studios, service.settle)
