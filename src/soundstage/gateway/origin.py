"""Whether a request that changes something comes from a page of ours.

`filerights` and `sharing` ask. What a browser writes in Origin no page can choose.
"""

from starlette.requests import Request

from soundstage.gateway.settings import GatewaySettings
from soundstage.kit.proxies import Proxies


class Origin:
    """Knows the addresses that this gateway is reached by."""

    def __init__(self, settings: GatewaySettings, proxies: Proxies) -> None:
        self._settings = settings
        self._proxies = proxies

    def is_ours(self, request: Request) -> bool:
        """Reports whether the page that sends it is at our address."""
        peer = request.client.host if request.client else ""
        scheme = self._proxies.scheme(peer, request.url.scheme, request.headers)
        ours = {self._settings.public_origin, f"{scheme}://{request.headers.get('host', '')}"}
        return request.headers.get("origin") in ours
