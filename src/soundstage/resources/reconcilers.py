"""The workers of all nouns, for the reconciler's loop."""

from datetime import timedelta
from typing import Any

from soundstage.engines.interface import Engine, SupportsBackups
from soundstage.kit.convergence import Worker
from soundstage.resources.backups.reconcile import BackupWorker
from soundstage.resources.components import reconcile as components
from soundstage.resources.images import reconcile as images
from soundstage.resources.launch_profiles import reconcile as launch_profiles
from soundstage.resources.sessions.reconcile import SessionWorker
from soundstage.resources.streams.reconcile import StreamWorker
from soundstage.resources.studios import reconcile as studios


def workers(engine: Engine, *, keep_backups_for: timedelta) -> list[Worker[Any, Any]]:
    """Make them all; an engine without backups gets no worker for backups."""
    made: list[Worker[Any, Any]] = [
        studios.worker(),
        components.worker(),
        images.worker(),
        launch_profiles.worker(),
        SessionWorker(engine, keep_backups_for=keep_backups_for),
        StreamWorker(engine),
    ]
    if isinstance(engine, SupportsBackups):
        made.append(BackupWorker(engine))
    return made
