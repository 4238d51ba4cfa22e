"""The gateway's answers to browsers: headers that hold for all of them, and the notice page.

`app` calls it.
"""

import base64
import hashlib
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from soundstage.gateway.handshake import is_host
from soundstage.gateway.refusals import Notice, aftermath, notice_of
from soundstage.gateway.settings import GatewaySettings
from soundstage.gateway.upstreams import Refused
from soundstage.gateway.webclient import WebClient
from soundstage.words.texts import Words

_HERE = Path(__file__).parent
_FEATURES = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=(), "
    "autoplay=(self), clipboard-read=(self), clipboard-write=(self), fullscreen=(self)"
)

PLAIN_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""For everything that the gateway answers."""

NO_STORE = {"Cache-Control": "no-store"}

_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


class Pages:
    """Makes answers."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._words = Words()
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )
        self._notice = environment.get_template("notice.html")
        self._style = (_HERE / "static" / "notice.css").read_text()
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._notice_policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        )

    def refusal(self, refused: Refused) -> Response:
        """Say in a page why a stream is not opened; of one that ended, what became of it."""
        became = refused.became
        if became is None:
            return self.notice(refused.reason)
        if became.how == "removed":
            return self._say(aftermath(became), to="/", label="desktop.portal")
        return self._say(aftermath(became), to=became.path, label="desktop.workstation")

    def notice(self, reason: str) -> Response:
        """Say in a page why there is no desktop."""
        # Whoever looks on by a link may be nobody in the portal.
        to = None if reason.startswith("share-") else "/"
        return self._say(notice_of(reason), to=to, label="desktop.portal")

    def _say(self, notice: Notice, *, to: str | None, label: str) -> Response:
        retry = notice.status == HTTPStatus.SERVICE_UNAVAILABLE
        body = self._notice.render(
            notice=notice,
            t=self._words,
            retry=retry,
            to=None if to is None else f"{self._settings.public_path}{to}",
            label=label,
            style=Markup(self._style),  # noqa: S704 - our own file
        )
        headers = {"Content-Security-Policy": self._notice_policy, **NO_STORE, **PLAIN_HEADERS}
        if retry:
            headers["Retry-After"] = "5"
        return HTMLResponse(body, status_code=notice.status, headers=headers)

    def client(
        self,
        request: Request,
        stream_id: str,
        assets: str,
        client: WebClient,
        *,
        looks_on: bool = False,
    ) -> Response:
        """Answer with the client's page; `assets` is the address of its scripts and styles."""
        policy = self.client_policy(request, stream_id, assets, client.style_hashes)
        return HTMLResponse(
            client.page(assets, self._words.language, looks_on=looks_on),
            headers={
                "Content-Security-Policy": policy,
                # The client compares it after a break, to load itself anew after an update.
                "ETag": f'"{client.digest}"',
                "Permissions-Policy": _FEATURES,
                **NO_STORE,
                **PLAIN_HEADERS,
            },
        )

    def client_policy(
        self, request: Request, stream_id: str, assets: str, style_hashes: Iterable[str]
    ) -> str:
        """Write the policy that Selkies' client works under.

        Its workers and audio worklets are made from blobs (the worklets with `page.js`'s aid), its
        Opus decoder is WebAssembly, its cursors are data: images, its own style sheets are known
        by their hashes, and nothing it does needs eval or inline scripts. It may connect
        to its own stream only: the API and the portal live on the same origin, and a page that
        shows an artist's desktop has no business there.
        """
        host = request.headers.get("host", "")
        # A policy has no way to write an IPv6 address.
        is_named = is_host(host) and not host.startswith("[")
        own = f"//{host}{self._settings.stream_path(stream_id)}" if is_named else None
        shared = f"//{host}{assets}" if own else None
        if own and self._settings.is_secure:
            connect = f"https:{own} wss:{own} https:{shared}"
        elif own:
            connect = f"http:{own} ws:{own} http:{shared}"
        else:
            connect = "'self'"
        return (
            "default-src 'none'; "
            "script-src 'self' blob: 'wasm-unsafe-eval'; "
            "worker-src blob:; "
            f"connect-src {connect}; "
            "img-src 'self' data: blob:; "
            f"style-src 'self' {' '.join(style_hashes)}; "
            "font-src 'self'; "
            "media-src 'self' blob:; "
            "manifest-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    def data(self, body: bytes, content_type: str = "application/json") -> Response:
        """Answer a question of the client's scripts."""
        return Response(
            body,
            media_type=content_type,
            headers={"Content-Security-Policy": _DATA_POLICY, **NO_STORE, **PLAIN_HEADERS},
        )
