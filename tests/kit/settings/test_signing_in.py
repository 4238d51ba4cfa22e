"""A provider is believed only where nobody can stand in between."""

from pathlib import Path

import pytest

from soundstage.kit.config import ConfigError, load


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example.org",
        "http://localhost.example.org",
        "https://id.example.org/?x",
        "id.example.org",
        "ftp://localhost",
    ],
)
def test_an_issuer_is_reached_by_https_or_is_on_this_machine(tmp_path: Path, issuer: str) -> None:
    given = {"SOUNDSTAGE_HOME": str(tmp_path)}
    assert load(given | {"SOUNDSTAGE_OIDC_ISSUER": "http://localhost:9/x"}).oidc_issuer
    with pytest.raises(ConfigError, match="SOUNDSTAGE_OIDC_ISSUER"):
        load(given | {"SOUNDSTAGE_OIDC_ISSUER": issuer})
