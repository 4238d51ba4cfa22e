"""The browser's login cookie, and whether a form comes from a page of ours.

A login's cookie holds a secret of which the service keeps a hash. Forms carry a token that is made
of the login, so it is worth nothing in another browser, and their Origin must be our own. Before
somebody is signed in, a cookie of random bits stands in the login's place.
"""

import hashlib
import hmac
import secrets

from starlette.requests import Request
from starlette.responses import Response

from soundstage.kit.proxies import Proxies
from soundstage.portal.door import PortalSettings, Visit
from soundstage.words import languages

_LONGEST = 128
_LONGEST_ATTEMPT = 3500
"""Browsers keep cookies of 4 KiB."""
_FORM_SECONDS = 3600
_LANGUAGE_SECONDS = 365 * 24 * 3600


class Cookies:
    """Reads and writes the portal's cookies, and makes the tokens of forms."""

    def __init__(self, settings: PortalSettings) -> None:
        self._settings = settings
        self._proxies = Proxies(settings.trusted_proxies)
        address = settings.address
        # Only at the root of a secure host a browser keeps siblings from planting it.
        prefix = "__Host-" if address.is_secure and not address.path else ""
        self.login = f"{prefix}soundstage_login"
        self.form = f"{prefix}soundstage_form"
        self.attempt = f"{prefix}soundstage_sign_on"

    def visit(self, request: Request) -> Visit:
        """Say which browser this is and where."""
        peer = request.client.host if request.client else ""
        forwarded = ", ".join(request.headers.getlist("x-forwarded-for"))
        return Visit(
            browser=request.headers.get("user-agent", ""),
            address=self._proxies.client(peer, {"x-forwarded-for": forwarded}),
        )

    def secret(self, request: Request) -> str | None:
        """Read the login's secret."""
        return self._read(request, self.login)

    def put_login(self, response: Response, secret: str) -> None:
        """Sign the browser in."""
        self._put(response, self.login, secret, self._settings.login_seconds)
        self._put(response, self.form, "", 0)

    def remove_login(self, response: Response) -> None:
        """Sign the browser out."""
        self._put(response, self.login, "", 0)

    def stranger(self, request: Request) -> str | None:
        """Read the random bits of a browser that nobody is signed in on."""
        return self._read(request, self.form)

    def put_stranger(self, response: Response, bits: str) -> None:
        """Give them to the browser."""
        self._put(response, self.form, bits, _FORM_SECONDS)

    def sealed_attempt(self, request: Request) -> str | None:
        """Read what a browser keeps while its person is at the provider."""
        return self._read(request, self.attempt, _LONGEST_ATTEMPT)

    def put_attempt(self, response: Response, sealed: str, seconds: int) -> None:
        """Give it to the browser; with 0 seconds, take it away."""
        self._put(response, self.attempt, sealed, seconds)

    def put_language(self, response: Response, language: str) -> None:
        """Keep the language that somebody chose; the gateway's pages are told it as well."""
        self._put(response, languages.COOKIE, language, _LANGUAGE_SECONDS)

    def token(self, whose: str) -> str:
        """Make the token for forms, of a login's id or of a stranger's bits."""
        return hmac.new(self._settings.form_key, whose.encode(), hashlib.sha256).hexdigest()

    def is_token(self, token: str, whose: str) -> bool:
        """Reports whether a form's token is the one that it must have."""
        return hmac.compare_digest(token.encode(), self.token(whose).encode())

    def is_from_here(self, request: Request) -> bool:
        """Reports whether a page of ours sent this. Every browser of today says so in Origin."""
        return request.headers.getlist("origin") == [self._settings.address.origin]

    def _read(self, request: Request, name: str, longest: int = _LONGEST) -> str | None:
        value = request.cookies.get(name, "")
        return value if 0 < len(value) <= longest and value.isascii() else None

    def _put(self, response: Response, name: str, value: str, seconds: int) -> None:
        address = self._settings.address
        secure = "; Secure" if address.is_secure else ""
        response.headers.append(
            "Set-Cookie",
            f"{name}={value}; Path={address.path or '/'}; Max-Age={seconds}; HttpOnly; "
            f"SameSite=Lax{secure}",
        )


def new_bits() -> str:
    """Make random bits for a stranger's forms."""
    return secrets.token_urlsafe(16)
