"""A real provider, and what stands between it and us."""

from datetime import UTC, datetime

import pytest

from soundstage.kit.openid.flow import SignOn
from soundstage.kit.openid.provider import Provider, ProviderSettings
from soundstage.testing.clock import SettableClock
from soundstage.testing.openid import CLIENT_ID, CLIENT_SECRET, Between, OpenIDProvider


@pytest.fixture
def clock() -> SettableClock:
    """Give a clock that begins with the provider's."""
    made = SettableClock()
    made.set(datetime.now(UTC))
    return made


@pytest.fixture
def between() -> Between:
    """Give somebody who stands between."""
    return Between()


@pytest.fixture
def provider(openid_provider: OpenIDProvider, clock: SettableClock, between: Between) -> Provider:
    """Give the provider as we know it."""
    settings = ProviderSettings(
        issuer=openid_provider.issuer,
        client_id=CLIENT_ID,
        client_secret=lambda: CLIENT_SECRET,
    )
    return Provider(settings, clock, transport=between)


@pytest.fixture
def sign_on(provider: Provider) -> SignOn:
    """Give what somebody signs in with."""
    return SignOn(provider)
