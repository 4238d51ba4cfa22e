"""The workers of all nouns, for the reconciler's loop."""

from datetime import timedelta
from typing import Any

from soundstage.engines.interface import Engine, SupportsBackups
from soundstage.kit.convergence import Worker
from soundstage.kit.outbound import Outbound
from soundstage.resources.backups.reconcile import BackupWorker
from soundstage.resources.components import reconcile as components
from soundstage.resources.components import service as component_service
from soundstage.resources.hosts.reconcile import HostWorker
from soundstage.resources.images import reconcile as images
from soundstage.resources.images import service as image_service
from soundstage.resources.launch_profiles import reconcile as launch_profiles
from soundstage.resources.launch_profiles import service as launch_profile_service
from soundstage.resources.launch_profiles.model import LaunchProfileStatusCode
from soundstage.resources.quotas import Quotas
from soundstage.resources.request import SingleSignOn
from soundstage.resources.sessions import evacuating
from soundstage.resources.sessions import service as session_service
from soundstage.resources.sessions.countdown import TimeRules
from soundstage.resources.sessions.fencing import FencingWorker
from soundstage.resources.sessions.reconcile import SessionWorker
from soundstage.resources.settling import Blocker
from soundstage.resources.streams.reconcile import StreamWorker
from soundstage.resources.studios import reconcile as studios
from soundstage.resources.studios.model import StudioStatusCode
from soundstage.resources.warm_workstations import service as warm_service
from soundstage.resources.warm_workstations.reconcile import WarmWorker
from soundstage.resources.webhooks.reconcile import DeliveryWorker, WebhookWorker

_STUDIO_BLOCKERS = [
    Blocker(
        status_code=StudioStatusCode.STUDIO_WITH_LAUNCH_PROFILES_NOT_DELETED,
        what="launch profiles",
        is_there=launch_profile_service.has_any,
    ),
    Blocker(
        status_code=StudioStatusCode.STUDIO_WITH_STUDIO_COMPONENTS_NOT_DELETED,
        what="studio components",
        is_there=component_service.has_any,
    ),
    Blocker(
        status_code=StudioStatusCode.STUDIO_WITH_STREAMING_IMAGES_NOT_DELETED,
        what="streaming images",
        is_there=image_service.has_any,
    ),
]
"""What keeps a studio from being deleted: nouns that its own may not import."""

_PROFILE_BLOCKERS = [
    Blocker(
        status_code=LaunchProfileStatusCode.LAUNCH_PROFILE_WITH_STREAM_SESSIONS_NOT_DELETED,
        what="streaming sessions",
        is_there=session_service.has_any_of_profile,
    )
]
"""What keeps a launch profile from being deleted."""


def workers(
    engine: Engine,
    *,
    keep_backups_for: timedelta,
    quotas: Quotas,
    time_rules: TimeRules,
    script_seconds: int = 600,
    warm_for: timedelta = timedelta(hours=12),
    outbound: Outbound | None = None,
    address: str = "",
    sign_on: SingleSignOn | None = None,
) -> list[Worker[Any, Any]]:
    """Make them all; an engine without backups gets no worker for backups."""
    made: list[Worker[Any, Any]] = [
        studios.worker(_STUDIO_BLOCKERS, sign_on),
        components.worker(quotas),
        images.worker(),
        launch_profiles.worker(engine, _PROFILE_BLOCKERS, warm_service.ensure_places),
        WarmWorker(engine, oldest=warm_for, script_seconds=script_seconds),
        SessionWorker(
            engine,
            keep_backups_for=keep_backups_for,
            rules=time_rules,
            script_seconds=script_seconds,
        ),
        FencingWorker(engine),
        HostWorker(engine, evacuating),
        StreamWorker(engine),
        WebhookWorker(),
        DeliveryWorker(outbound or Outbound(), address),
    ]
    if isinstance(engine, SupportsBackups):
        made.append(BackupWorker(engine))
    return made
