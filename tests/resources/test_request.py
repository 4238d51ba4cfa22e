"""An installation names its resources."""

from soundstage.resources.request import Installation
from soundstage.wire.arn import ArnKind


def test_names_carry_the_region_and_the_account() -> None:
    home = Installation(
        account_id="123456789012",
        region="eu-west-1",
        address="http://localhost:8080",
        supports_persistence=True,
        supports_backups=True,
        stream_expiration_seconds=120,
        quotas={},
    )
    arn = home.arn(ArnKind.STREAMING_SESSION, "abc")
    assert arn == "arn:aws:nimble:eu-west-1:123456789012:streaming-session/abc"
