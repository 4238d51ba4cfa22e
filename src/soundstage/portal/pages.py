"""The portal's answers to browsers: templates filled in, and the headers that hold for all of them.

`app` and the handlers call it. Every page works without script; our own modules make it live. There
is no inline script or style, and nothing comes from another origin.
"""

import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
from starlette.responses import HTMLResponse, Response

from soundstage import __version__
from soundstage.portal.door import Login, PortalSettings
from soundstage.portal.session import Cookies
from soundstage.words import languages
from soundstage.words.texts import Words

_STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PLAIN_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: browsers then send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
NO_STORE = {"Cache-Control": "no-store"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


class Pages:
    """Makes answers."""

    def __init__(self, settings: PortalSettings, cookies: Cookies, words: Words) -> None:
        self.words = words
        self.path = settings.address.path
        self._cookies = cookies
        self._files = {
            file.name: file.read_bytes() for file in sorted(_STATIC.iterdir()) if file.is_file()
        }
        together = b"\0".join(self._files.values())
        self._digest = hashlib.sha256(together).hexdigest()[:16]
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("soundstage.portal"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._templates.globals |= {
            "t": words,
            "at": self.path,
            "assets": f"{self.path}/assets/{self._digest}",
            "provider": settings.provider_name,
            "links": settings.offers_links,
            "version": __version__,
            "languages": languages.choices(),
        }

    def page(
        self,
        template: str,
        *,
        login: Login | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        **values: Any,
    ) -> Response:
        """Fill a template in."""
        token = self._cookies.token(login.id) if login else ""
        shared = {"login": login, "token": token, "pulse": None, "of_all": False, "waits": False}
        shared |= values
        text = self._templates.get_template(template).render(**shared)
        headers = {"Content-Security-Policy": _POLICY, **NO_STORE, **PLAIN_HEADERS}
        return HTMLResponse(text, status, headers=headers)

    def notice(
        self,
        key: str,
        status: HTTPStatus,
        *,
        login: Login | None = None,
        **values: object,
    ) -> Response:
        """Say in a page what went wrong and what to do next."""
        title, text = self.words(f"{key}.title"), self.words(f"{key}.text", **values)
        told = {"title": title, "text": text, "advice": "", "original": ""}
        return self.page("notice.html", login=login, status=status, **told)

    def go(self, path: str) -> Response:
        """Send the browser on to a path of ours."""
        return self.leave(f"{self.path}{path}")

    def leave(self, address: str) -> Response:
        """Send the browser on to an address that the API gave."""
        headers = {"Location": address, **NO_STORE, **PLAIN_HEADERS}
        return Response(status_code=HTTPStatus.SEE_OTHER, headers=headers)

    def data(self, response: Response) -> Response:
        """Put the headers on an answer that is no page."""
        response.headers.update(
            {"Content-Security-Policy": _DATA_POLICY, **NO_STORE, **PLAIN_HEADERS}
        )
        return response

    def asset(self, digest: str, name: str) -> Response:
        """Answer with a file of ours, to be kept for ever: another one has another address."""
        body = self._files.get(name) if digest == self._digest else None
        if body is None:
            return self.notice("missing", HTTPStatus.NOT_FOUND)
        headers = {"Content-Security-Policy": _DATA_POLICY, **_FOR_EVER, **PLAIN_HEADERS}
        kind = _TYPES[Path(name).suffix]
        # Not media_type: Starlette would write a charset into types that have none.
        return Response(body, headers={"Content-Type": kind, **headers})

    @property
    def no_picture(self) -> Response:
        """What stands in a desktop's place while it gives no picture."""
        body = self._files["no-picture.svg"]
        return self.data(Response(body, media_type="image/svg+xml"))

    @property
    def icon(self) -> Response:
        """The icon, at the address that browsers ask for by themselves."""
        return self.asset(self._digest, "icon.svg")
