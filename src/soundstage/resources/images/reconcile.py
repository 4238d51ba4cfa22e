"""The worker that settles streaming images."""

from soundstage.resources.images import service, store
from soundstage.resources.settling import SettlingWorker


def worker() -> SettlingWorker:
    """Make it."""
    return SettlingWorker("images", store.images, service.settle)
