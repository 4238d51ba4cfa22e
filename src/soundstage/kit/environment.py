"""What the environment tells a command of the studio to call and of who calls, no settings of ours.

Read by `cli` and `client`. SDKs read most of the same variables.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

PRINCIPAL_ID = "SOUNDSTAGE_PRINCIPAL_ID"
"""What `soundstage env` tells scripts of their caller."""
PROFILE = "SOUNDSTAGE_PROFILE"
STUDIO = "SOUNDSTAGE_STUDIO"
"""Which profile and which studio the command line speaks to."""
PROFILES = "SOUNDSTAGE_PROFILES"
"""Where the file of the command line's profiles is."""


def sdk_data_path(environment: Mapping[str, str] | None = None) -> list[str]:
    """Give the folders that the caller's SDKs look for services in, in their order."""
    environment = os.environ if environment is None else environment
    return [part for part in environment.get("AWS_DATA_PATH", "").split(os.pathsep) if part]


class CallerVariables(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment says of the studio to call, as SDKs read it too."""

    endpoint: str
    access_key_id: str
    secret_access_key: str
    region: str
    certificate: str
    """File of the authorities that it must be known by; empty for those that the system knows."""


def caller(environment: Mapping[str, str] | None = None) -> CallerVariables:
    """Read which studio the environment names; what it does not say is empty."""
    found = os.environ if environment is None else environment
    return CallerVariables(
        endpoint=found.get("AWS_ENDPOINT_URL_NIMBLE", "").rstrip("/"),
        access_key_id=found.get("AWS_ACCESS_KEY_ID", ""),
        secret_access_key=found.get("AWS_SECRET_ACCESS_KEY", ""),
        region=found.get("AWS_REGION", "") or found.get("AWS_DEFAULT_REGION", ""),
        certificate=found.get("AWS_CA_BUNDLE", ""),
    )


def variable(name: str) -> str | None:
    """Read a variable that a person named in a file, such as where a secret is."""
    return os.environ.get(name)


def profiles_file(environment: Mapping[str, str] | None = None) -> Path:
    """Say where the command line's profiles are: studios elsewhere, and how to get into them."""
    found = os.environ if environment is None else environment
    if found.get(PROFILES):
        return Path(found[PROFILES]).expanduser().absolute()
    configuration = found.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(configuration) / "soundstage" / "config.toml"
