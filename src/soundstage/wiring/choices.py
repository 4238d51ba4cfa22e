"""What each part must be told of the settings, in a struct of its own; `service` asks."""

from datetime import timedelta
from ipaddress import ip_network

from soundstage.api.door import ApiSettings
from soundstage.api.throttling import Limits
from soundstage.engines.images.catalogue import catalogue as catalogue_of_images
from soundstage.engines.instance_types import catalogue, sizes_of
from soundstage.engines.interface import (
    Engine,
    SupportsBackups,
    SupportsPersistence,
)
from soundstage.engines.shares import RefusedError, SharedFolder
from soundstage.engines.shares import parse as parse_shared_folders
from soundstage.gateway.settings import GatewaySettings
from soundstage.kit import pinned
from soundstage.kit.addresses import PublicAddress
from soundstage.kit.buckets import Rate
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.crypto import InstallationSecret
from soundstage.kit.outbound import Outbound
from soundstage.portal.door import PortalSettings
from soundstage.resources.quotas import Quota, Quotas
from soundstage.resources.request import Installation
from soundstage.resources.sessions.countdown import TimeRules


def installation_of(settings: Settings, secret: InstallationSecret, engine: Engine) -> Installation:
    """Say what this installation is. Its account id follows from its secret, for ever."""
    number = int.from_bytes(secret.derive("account-id")[:8])
    return Installation(
        outbound=outbound_of(settings),
        account_id=str(10**11 + number % (9 * 10**11)),
        region=settings.region,
        address=settings.address,
        supports_persistence=isinstance(engine, SupportsPersistence),
        supports_backups=isinstance(engine, SupportsBackups),
        stream_expiration_seconds=settings.stream_expiration_seconds,
        quotas=quotas_of(settings),
        shared_folders=shared_folders_of(settings),
        instance_types=catalogue(sizes_of(settings)),
        images=images_of(settings),
    )


def shared_folders_of(settings: Settings) -> list[SharedFolder]:
    """Say which folders of this host may be shared with workstations. Raises ConfigError."""
    try:
        return parse_shared_folders(settings.shared_folders)
    except RefusedError as error:
        raise ConfigError(f"SOUNDSTAGE_SHARED_FOLDERS: {error}") from None


def images_of(settings: Settings) -> dict[str, str]:
    """Say what each `ec2ImageId` means to the engine. Raises ConfigError."""
    try:
        return catalogue_of_images(settings.images)
    except ValueError as error:
        raise ConfigError(f"SOUNDSTAGE_IMAGES: {error}") from None


def time_rules_of(settings: Settings) -> TimeRules:
    """Say to the sessions how this installation deals with time."""
    return TimeRules(
        warnings=tuple(timedelta(minutes=each) for each in settings.warn_minutes_before_end),
        busy_cores=settings.idle_cpu_percent / 100,
    )


def quotas_of(settings: Settings) -> Quotas:
    """Take the quotas from the settings, which have one for each of them."""
    return {quota: getattr(settings, f"quota_{quota.name.lower()}") for quota in Quota}


def api_settings_of(settings: Settings) -> ApiSettings:
    """Say to the API how often somebody may call."""
    return ApiSettings(
        throttling=Limits(
            reads=Rate(settings.throttle_reads_per_second, settings.throttle_reads_burst),
            writes=Rate(settings.throttle_writes_per_second, settings.throttle_writes_burst),
            failures=Rate(settings.throttle_failures_per_second, settings.throttle_failures_burst),
            trusted_proxies=_trusted_proxies_of(settings),
        )
    )


def gateway_settings_of(settings: Settings) -> GatewaySettings:
    """Say to the gateway what it must know. Raises ConfigError."""
    return GatewaySettings(
        public_url=settings.address,
        stream_environment=settings.stream_environment,
        identity=pinned.identity(settings.home / "keys"),
        trusted_proxies=_trusted_proxies_of(settings),
        upload_most_bytes=settings.upload_most_bytes,
    )


def portal_settings_of(settings: Settings, secret: InstallationSecret) -> PortalSettings:
    """Say to the portal what it must know. Raises ConfigError."""
    return PortalSettings(
        address=PublicAddress(settings.address),
        form_key=secret.derive("portal-forms"),
        trusted_proxies=_trusted_proxies_of(settings),
        login_seconds=settings.sign_in_days * 24 * 3600,
        idle_hours=settings.sign_in_idle_hours,
        offers_links=settings.sign_in_links,
        provider_name=settings.oidc_name if settings.oidc_issuer else "",
        sign_ins_per_minute=settings.throttle_sign_ins_per_minute,
        keep_backups_days=settings.deleted_sessions_keep_backups_days,
    )


def outbound_of(settings: Settings) -> Outbound:
    """Say where webhooks may send to. Raises ConfigError."""
    return Outbound(_networks("WEBHOOK_NETWORKS", settings.webhook_networks))


def _trusted_proxies_of(settings: Settings) -> tuple[str, ...]:
    return _networks("TRUSTED_PROXIES", settings.trusted_proxies)


def _networks(name: str, networks: list[str]) -> tuple[str, ...]:
    for network in networks:
        try:
            ip_network(network)
        except ValueError:
            raise ConfigError(
                f"SOUNDSTAGE_{name}: {network} is no address such as 10.0.0.7 and no "
                "network such as 10.0.0.0/8."
            ) from None
    return tuple(networks)
