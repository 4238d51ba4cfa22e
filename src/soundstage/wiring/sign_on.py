"""Makes what people sign in by OpenID Connect with, of the settings; `service` asks.

The client's secret is a file's, or a command's that prints it. It is read whenever it is needed, so
that it can be changed while the service runs, and is kept nowhere.
"""

import os
import stat
from pathlib import Path

from soundstage.kit.clock import Clock
from soundstage.kit.command import CommandError, read_output
from soundstage.kit.config import ConfigError, Settings
from soundstage.kit.openid.flow import SignOn
from soundstage.kit.openid.provider import AwayError, Provider, ProviderSettings
from soundstage.resources.identities.model import Rules

_COMMAND_SECONDS = 10.0
_LONGEST_SECRET = 4096


def sign_on_of(settings: Settings, clock: Clock) -> SignOn | None:
    """Make it, if the settings name a provider. Raises ConfigError."""
    if not settings.oidc_issuer:
        if not settings.sign_in_links:
            raise ConfigError(
                "SOUNDSTAGE_SIGN_IN_LINKS: without links nobody could sign in. Set "
                "SOUNDSTAGE_OIDC_ISSUER first."
            )
        return None
    if not settings.oidc_client_id:
        raise ConfigError(
            "SOUNDSTAGE_OIDC_CLIENT_ID: it is needed with SOUNDSTAGE_OIDC_ISSUER. It is what this "
            "service is called at the provider."
        )
    secret = _Secret(settings)
    try:
        secret()
    except AwayError as error:
        raise ConfigError(str(error)) from None
    wanted = ("openid", *(each for each in settings.oidc_scopes if each != "openid"))
    provider = ProviderSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=secret,
        scopes=wanted,
        groups_claim=settings.oidc_groups_claim,
    )
    return SignOn(Provider(provider, clock))


def rules_of(settings: Settings) -> Rules:
    """Say what becomes of those who sign in so."""
    administrators = {group: tuple(names) for group, names in settings.oidc_administrators.items()}
    return Rules(makes_people=settings.oidc_new_people, administrators=administrators)


class _Secret:
    """Reads the client's secret. It shows itself to nobody."""

    def __init__(self, settings: Settings) -> None:
        self._file = settings.oidc_client_secret_file
        self._command = settings.oidc_client_secret_command
        if self._file is not None and self._command:
            raise ConfigError(
                "SOUNDSTAGE_OIDC_CLIENT_SECRET_COMMAND: the secret is in a file or printed by a "
                "command, not both. Unset one."
            )

    def __call__(self) -> str:
        """Read it; an empty one is none. Raises AwayError."""
        if self._file is not None:
            return _text(_read(self._file), "FILE")
        if not self._command:
            return ""
        try:
            output = read_output(
                self._command, seconds=_COMMAND_SECONDS, most_bytes=_LONGEST_SECRET
            )
        except CommandError as error:
            raise AwayError(f"SOUNDSTAGE_OIDC_CLIENT_SECRET_COMMAND: {error}.") from None
        return _text(output, "COMMAND")


def _read(path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode) or mode & 0o077:
                raise AwayError(
                    f"SOUNDSTAGE_OIDC_CLIENT_SECRET_FILE: others may read {path}. Run: "
                    f"chmod 600 {path}"
                )
            return file.read(_LONGEST_SECRET + 1)
    except OSError as error:
        raise AwayError(
            f"SOUNDSTAGE_OIDC_CLIENT_SECRET_FILE: {path} can't be read ({error.strerror})."
        ) from None


def _text(content: bytes, where: str) -> str:
    secret = content.decode("ascii", errors="replace").strip()
    if not 1 <= len(secret) <= _LONGEST_SECRET or not (secret.isascii() and secret.isprintable()):
        raise AwayError(
            f"SOUNDSTAGE_OIDC_CLIENT_SECRET_{where}: it holds no secret, which is a line of ASCII."
        )
    return secret
