"""The worker that settles launch profiles."""

from soundstage.resources.launch_profiles import service, store
from soundstage.resources.settling import SettlingWorker


def worker() -> SettlingWorker:
    """Make it."""
    return SettlingWorker("launch_profiles", store.launch_profiles, service.settle)
