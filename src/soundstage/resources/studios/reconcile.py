"""The worker that settles studios, and looks at the provider of single sign-on for a repair."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from soundstage.resources.request import SingleSignOn
from soundstage.resources.settling import Blocker, SettlingWorker
from soundstage.resources.studios import service, store


class StudioWorker(SettlingWorker):
    """A settling worker that also asks the provider of single sign-on for everything anew."""

    def __init__(self, blockers: Sequence[Blocker], sign_on: SingleSignOn | None) -> None:
        settle = partial(service.settle, blockers=blockers, sign_on=sign_on)
        super().__init__("studios", store.studios, settle)
        self._sign_on = sign_on

    def act(self, loaded: Any, now: datetime) -> datetime | None:
        """Look at the provider, if that is asked for; `settle` says what became of it."""
        if self._sign_on is not None and service.is_repaired(loaded):
            self._sign_on.look_again()
        return super().act(loaded, now)


def worker(blockers: Sequence[Blocker], sign_on: SingleSignOn | None = None) -> StudioWorker:
    """Make it; `blockers` say what keeps a studio from being deleted."""
    return StudioWorker(blockers, sign_on)
