"""Whether the service is ready, what of the studio is amiss, and to the operator what the machine
lacks.
"""

from starlette.responses import Response

from soundstage import __version__
from soundstage.portal.admin.desk import Desk, Place, lost_webhooks
from soundstage.portal.admin.telling import host_of
from soundstage.portal.stage import Asked

_TONES = {"ok": "good", "warning": "busy", "fault": "bad"}
_ORDER = ("fault", "warning", "ok")


def show(desk: Desk, asked: Asked, place: Place) -> Response:
    """Show it, what is to be mended first."""
    checks = desk.stage.door.examine() if place.is_operator else []
    return desk.show(
        "health.html",
        asked,
        place,
        "health",
        live=False,
        webhooks=[(each["webhookId"], host_of(each["url"])) for each in lost_webhooks(place)],
        troubles=desk.stage.troubles(),
        checks=[
            (each, _TONES[each.state])
            for each in sorted(checks, key=lambda each: _ORDER.index(each.state))
        ],
        version_here=__version__,
    )
