"""Which certificate the service shows.

`cli.serve` starts the server with it and has it looked at again every minute, so that one that was
renewed is shown without a restart.
"""

import re
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import structlog

from soundstage.kit.certificates import Certificate, ensure_own, expires_at, fingerprint
from soundstage.kit.clock import Clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.portal.welcome import OwnCertificate
from soundstage.wiring.reaching import own_folder

_ANY = {"0.0.0.0", "::", ""}  # noqa: S104 - it is read
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9-]{1,63})*\Z")

_log = structlog.get_logger("soundstage.tls")


class Tls:
    """The certificate of one running service."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Raises ConfigError when the given files can't be used."""
        self._settings = settings
        self._clock = clock
        self.certificate = _certificate_of(settings, clock)
        _check(self.certificate)
        self._shown = _state(self.certificate)

    def uvicorn_options(self) -> dict[str, Any]:
        """Keyword arguments for `uvicorn.Config`."""
        return {
            "ssl_certfile": str(self.certificate.chain),
            "ssl_keyfile": str(self.certificate.key),
        }

    def own(self) -> OwnCertificate | None:
        """Say what visitors must know of a certificate of our own; None for a given one."""
        made = self.certificate
        if made.authority is None:
            return None
        return OwnCertificate(
            fingerprint=fingerprint(made.chain),
            authority_fingerprint=fingerprint(made.authority),
            expires_at=expires_at(made.chain),
            authority=made.authority.read_bytes(),
        )

    def renew(self, context: ssl.SSLContext) -> None:
        """Show new connections what lies there now, or, where that can't be used, what did."""
        try:
            self.certificate = _certificate_of(self._settings, self._clock)
            found = _state(self.certificate)
            if found == self._shown:
                return
            _check(self.certificate)
            context.load_cert_chain(self.certificate.chain, self.certificate.key)
        except (ConfigError, OSError) as error:
            _log.warning("the certificate could not be renewed", error=str(error))
        else:
            self._shown = found
            _log.info("tls.renewed", certificate=str(self.certificate.chain))


def tls_of(settings: Settings, clock: Clock) -> Tls | None:
    """Make it for a service that speaks https. Raises ConfigError."""
    if settings.speaks_tls and not settings.address.startswith("https://"):
        raise ConfigError(
            f"SOUNDSTAGE_PUBLIC_URL: {settings.public_url} says http, but TLS is switched on. "
            "Write https."
        )
    return Tls(settings, clock) if settings.speaks_tls else None


def names_of(settings: Settings, host_name: Callable[[], str] = socket.gethostname) -> list[str]:
    """List what this installation is called, how browsers reach it first."""
    public = urlsplit(settings.address).hostname or "localhost"
    listens = [] if settings.host in _ANY else [settings.host]
    own = host_name()
    called = [own, f"{own.partition('.')[0]}.local"] if _HOST_NAME.match(own) else []
    return list(dict.fromkeys([public, *listens, *called, "localhost", "127.0.0.1", "::1"]))


def _certificate_of(settings: Settings, clock: Clock) -> Certificate:
    if settings.tls_certificate is None:
        return ensure_own(own_folder(settings), names_of(settings), clock())
    key = settings.tls_key or settings.tls_certificate
    return Certificate(chain=settings.tls_certificate, key=key)


def _check(certificate: Certificate) -> None:
    for name, path in (("CERTIFICATE", certificate.chain), ("KEY", certificate.key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"SOUNDSTAGE_TLS_{name}: {path} can't be read ({error.strerror})."
            ) from None
    try:
        # A password would be asked for at the terminal; there may be none.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            certificate.chain, certificate.key, password=_no_password
        )
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(
            f"SOUNDSTAGE_TLS_CERTIFICATE: {certificate.chain} and the key in {certificate.key} "
            f"are no pair that can be used ({error})."
        ) from None


def _no_password() -> str:
    raise ValueError("the key is locked by a password")


def _state(certificate: Certificate) -> tuple[tuple[int, int], ...]:
    seen = (path.stat() for path in (certificate.chain, certificate.key))
    return tuple((each.st_mtime_ns, each.st_ino) for each in seen)
