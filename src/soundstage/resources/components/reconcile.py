"""The worker that settles studio components."""

from functools import partial

from soundstage.resources.components import service, store
from soundstage.resources.quotas import Quotas
from soundstage.resources.settling import SettlingWorker


def worker(installation: Quotas) -> SettlingWorker:
    """Make it; `installation` says how much a studio may have that has no quotas of its own."""
    settle = partial(service.settle, installation=installation)
    return SettlingWorker("components", store.components, settle)
