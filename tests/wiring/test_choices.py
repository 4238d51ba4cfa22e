"""What each part is told of the settings."""

from pathlib import Path

from soundstage.api.throttling import Limits
from soundstage.kit.buckets import Rate
from soundstage.kit.config import Settings
from soundstage.resources.quotas import Quota
from soundstage.wiring.choices import api_settings_of, quotas_of


def test_quotas_and_rates_are_those_of_the_settings() -> None:
    settings = Settings(
        home=Path("/h"),
        throttle_reads_burst=7,
        throttle_failures_per_second=0,
        quota_sessions=3,
        trusted_proxies=["10.0.0.1"],
    )
    assert quotas_of(settings) == {
        Quota.SESSIONS_PER_USER: 10,
        Quota.SESSIONS: 3,
        Quota.LAUNCH_PROFILES: 50,
        Quota.CUSTOM_IMAGES: 10,
        Quota.SHARED_FILE_SYSTEMS: 10,
        Quota.ACTIVE_DIRECTORIES: 1,
        Quota.COMPONENTS: 100,
        Quota.WEBHOOKS: 10,
    }
    assert api_settings_of(settings).throttling == Limits(
        reads=Rate(50, 7),
        writes=Rate(10, 20),
        failures=Rate(0, 100),
        trusted_proxies=("10.0.0.1",),
    )
