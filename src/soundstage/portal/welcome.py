"""What visitors of plain http are told where the service speaks https: the way there, and why their
browser may warn them.

`cli.serve` runs it on a port of its own. A certificate that browsers know already needs no words:
then every address leads to https. One that the service made for itself is explained once, with what
to compare and what to install.
"""

from datetime import datetime
from pathlib import Path

import jinja2
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from soundstage.words.languages import language_of
from soundstage.words.texts import Words

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ALL = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_STATIC = Path(__file__).parent / "static"
_AUTHORITY = "soundstage-authority.crt"
_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("soundstage.portal"),
    autoescape=True,
    trim_blocks=True,
    undefined=jinja2.StrictUndefined,
)


class OwnCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """What a visitor must know of a certificate that the service made for itself."""

    fingerprint: str
    """SHA-256 of the server's certificate, as browsers show it."""
    authority_fingerprint: str
    expires_at: datetime
    authority: bytes
    """What to install, PEM."""


def app(address: str, own: OwnCertificate | None) -> Starlette:
    """Make it for a service at this https address."""

    async def lead_on(request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            # What was sent is known to the network by now; sending it again is not for us to say.
            words = f"This port only leads to {address}. Send requests there.\n"
            return PlainTextResponse(words, 403, headers=_HEADERS)
        query = f"?{request.url.query}" if request.url.query else ""
        target = f"{address}{request.url.path}{query}"
        return RedirectResponse(target, 307, headers=_HEADERS)

    async def welcome(request: Request) -> Response:
        if own is None or request.method not in {"GET", "HEAD"}:
            return await lead_on(request)
        words = Words(language_of(request.headers.raw))
        page = _templates.get_template("welcome.html").render(
            t=words, address=address, own=own, authority=_AUTHORITY
        )
        return HTMLResponse(page, headers=_HEADERS)

    async def authority(request: Request) -> Response:
        if own is None:
            return await lead_on(request)
        return Response(
            own.authority,
            media_type="application/x-x509-ca-cert",
            headers={**_HEADERS, "Content-Disposition": f'attachment; filename="{_AUTHORITY}"'},
        )

    def shown(name: str, media_type: str) -> Route:
        content = (_STATIC / name).read_bytes()

        async def show(request: Request) -> Response:
            del request
            return Response(content, media_type=media_type, headers=_HEADERS)

        return Route(f"/{name}", show)

    return Starlette(
        routes=[
            Route("/", welcome, methods=_ALL),
            Route(f"/{_AUTHORITY}", authority),
            shown("portal.css", "text/css"),
            shown("icon.svg", "image/svg+xml"),
            Route("/{rest:path}", lead_on, methods=_ALL),
        ]
    )
