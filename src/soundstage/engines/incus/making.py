"""Makes the engine from the settings of an installation; found by its entry point."""

from ipaddress import ip_network

from soundstage.engines import shares
from soundstage.engines.admission import rules_of
from soundstage.engines.incus.connection import Target
from soundstage.engines.incus.engine import IncusEngine
from soundstage.engines.incus.settings import IncusSettings
from soundstage.engines.instance_types import sizes_of
from soundstage.kit.clock import Clock
from soundstage.kit.config import ConfigError, Settings


def make(settings: Settings, clock: Clock) -> IncusEngine:  # noqa: ARG001 -- every maker gets it.
    """The engine of this installation. Raises ConfigError."""
    return IncusEngine(settings_of(settings))


def settings_of(settings: Settings) -> IncusSettings:
    """What the engine must be told of all settings. Raises ConfigError."""
    for network in settings.incus_closed_networks:
        try:
            ip_network(network)
        except ValueError:
            raise ConfigError(
                f"SOUNDSTAGE_INCUS_CLOSED_NETWORKS: {network} is no address such as 10.0.0.7 and "
                "no network such as 10.0.0.0/8."
            ) from None
    return IncusSettings(
        home=settings.home,
        target=_target_of(settings),
        project=settings.incus_project,
        pool=settings.incus_pool,
        network=settings.incus_network,
        subnet=settings.incus_subnet,
        images=dict(settings.images),
        closed=tuple(settings.incus_closed_networks),
        starts_per_core=settings.incus_starts_per_core,
        frames_per_second=settings.frames_per_second,
        backup_repository=settings.backup_repository,
        backup_credentials=settings.backup_credentials,
        shared_folders=shares.parse(settings.shared_folders),
        rules=rules_of(settings),
        sizes=sizes_of(settings),
    )


def _target_of(settings: Settings) -> Target:
    target = Target(
        addresses=settings.incus_address,
        certificate=settings.incus_certificate,
        key=settings.incus_key,
        server_certificate=settings.incus_server_certificate,
    )
    if target.is_local:
        return target
    for name in ("incus_certificate", "incus_key", "incus_server_certificate"):
        path = getattr(settings, name)
        if path is None or not path.is_file():
            raise ConfigError(
                f"SOUNDSTAGE_{name.upper()}: an Incus that is reached by HTTPS needs this file; "
                f"{'it is not set' if path is None else f'{path} is not there'}."
            )
    return target
