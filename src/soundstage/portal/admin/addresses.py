"""Which address leads to which page for administrators; `portal.app` mounts them."""

from collections.abc import Callable
from functools import partial

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from soundstage.portal.admin import capacity, events, health, hosts, people, sessions
from soundstage.portal.admin.components import Components
from soundstage.portal.admin.desk import Desk, Handler
from soundstage.portal.admin.founding import PATH, Founding
from soundstage.portal.admin.images import Images
from soundstage.portal.admin.profiles import Profiles
from soundstage.portal.admin.quotas import Quotas
from soundstage.portal.admin.webhooks import Webhooks
from soundstage.portal.stage import Stage

_STUDIO = "/admin/{studio}"


def routes(stage: Stage) -> list[BaseRoute]:
    """Make the routes."""
    desk = Desk(stage)
    webhooks = Webhooks(desk)
    quotas = Quotas(desk)
    founding = Founding(stage)
    nouns = (Profiles(desk), Images(desk), Components(desk), webhooks)
    shown: list[tuple[str, Callable[..., Response]]] = [
        ("sessions", sessions.show),
        ("people", people.show),
        ("capacity", capacity.show),
        ("health", health.show),
        ("capacity/hosts/{id}/evacuate", hosts.ask_to_evacuate),
        ("capacity/hosts/{id}/reopen", hosts.ask_to_reopen),
        ("events", events.show),
        ("events/file/{form}", events.take),
    ]
    sent: list[tuple[str, Handler]] = [
        ("people", partial(people.add, desk)),
        ("people/remove", partial(people.remove, desk)),
        ("profiles/{id}/members", people.change_of_profile(desk, adds=True)),
        ("profiles/{id}/members/remove", people.change_of_profile(desk, adds=False)),
        ("capacity/quotas", quotas.change),
        ("capacity/hosts/{id}/evacuate", partial(hosts.evacuate, desk)),
        ("capacity/hosts/{id}/reopen", partial(hosts.reopen, desk)),
        ("webhooks/{id}/switch", webhooks.switch),
        ("webhooks/{id}/redeliver", webhooks.redeliver),
    ]
    for noun in nouns:
        sent += [
            (f"{noun.name}/new", noun.make),
            (f"{noun.name}/{{id}}", noun.change),
            (f"{noun.name}/{{id}}/delete", noun.delete),
        ]
    return [
        Route("/admin", stage.page(desk.entry), methods=["GET"]),
        Route(PATH, stage.page(founding.show), methods=["GET"]),
        Route(PATH, stage.action(founding.make), methods=["POST"]),
        *(
            Route(f"{_STUDIO}/{path}", desk.page(partial(handler, desk)), methods=["GET"])
            for path, handler in shown
        ),
        Route(f"{_STUDIO}/capacity/quotas", desk.page(quotas.show), methods=["GET"]),
        *(
            Route(f"{_STUDIO}/{path}", desk.page(handler), methods=["GET"])
            for noun in nouns
            for path, handler in (
                (noun.name, noun.overview),
                (f"{noun.name}/new", noun.new),
                (f"{noun.name}/{{id}}", noun.show),
                (f"{noun.name}/{{id}}/delete", noun.ask_to_delete),
            )
        ),
        *(
            Route(f"{_STUDIO}/{path}", desk.action(handler), methods=["POST"])
            for path, handler in sent
        ),
    ]
