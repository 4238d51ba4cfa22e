"""How uvicorn must be set so that the gateway's promises hold; `wiring` starts the server with it.

The service is one uvicorn process: these hold for the API's and the portal's requests as well.
"""

from typing import Any

from soundstage.gateway.intake import bounded_http
from soundstage.gateway.relay import Surroundings, relay_protocol


def uvicorn_options(surroundings: Surroundings) -> dict[str, Any]:
    """Make keyword arguments for `uvicorn.Config`."""
    settings = surroundings.settings
    return {
        "http": bounded_http(settings),
        "ws": relay_protocol(surroundings),
        # It prints queries, and tickets travel in queries (`intake` sees to it as well);
        # `accesslog` has our own.
        "access_log": False,
        # uvicorn believes X-Forwarded-* of anybody on loopback unless this is off.
        "proxy_headers": False,
        "server_header": False,
        "limit_concurrency": settings.connections_in_total,
        "timeout_keep_alive": 15,
        "timeout_graceful_shutdown": 3,
    }
