"""How programs on this machine reach the service, and which certificate they trust.

The command line and `wiring.examination` ask. It stands apart from `tls`, which makes certificates
and shows them: to reach a service needs none of that, nor what it imports.
"""

import ssl
from pathlib import Path

from soundstage.kit.config import Settings

_THIS_MACHINE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - it is read


def local_address(settings: Settings) -> str:
    """Say where this machine reaches the service, whatever browsers call it."""
    host = _THIS_MACHINE.get(settings.host, settings.host)
    scheme = "https" if settings.speaks_tls else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def own_folder(settings: Settings) -> Path:
    """Name the folder of a certificate that the service makes for itself."""
    return settings.home / "keys" / "tls"


def own_authority(settings: Settings) -> Path | None:
    """Name the file of what clients must trust, if the certificate is one of our own."""
    is_own = settings.tls and settings.tls_certificate is None
    return own_folder(settings) / "authority.pem" if is_own else None


def trust_of(settings: Settings) -> ssl.SSLContext | None:
    """What our own command line trusts: this very certificate, by whatever name it is reached."""
    if not settings.speaks_tls:
        return None
    chain = settings.tls_certificate or own_folder(settings) / "server.pem"
    context = ssl.create_default_context()
    try:
        first = chain.read_text(encoding="ascii").partition("-----END CERTIFICATE-----")
        context = ssl.create_default_context(cadata=first[0] + first[1])
    except (OSError, UnicodeDecodeError, ssl.SSLError):
        # Then nothing answers yet, or nothing that could be trusted.
        return context
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
