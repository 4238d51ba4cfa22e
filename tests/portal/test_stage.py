"""The guards: what a refusal of the API looks like to a person."""

import pytest
from starlette.responses import Response

from soundstage.client.calls import CallError
from soundstage.kit.buckets import Buckets, Rate
from soundstage.portal.pages import Pages
from soundstage.portal.session import Cookies
from soundstage.portal.stage import Stage
from soundstage.testing.world import World
from soundstage.wiring.choices import portal_settings_of
from soundstage.wiring.home import secret_of
from soundstage.wiring.portal import PortalDoor
from soundstage.words.texts import Words, speaking


def stage(world: World) -> Stage:
    settings = portal_settings_of(world.settings, secret_of(world.settings))
    cookies = Cookies(settings)
    return Stage(
        settings=settings,
        door=PortalDoor(world.service, world.service.app),
        cookies=cookies,
        pages=Pages(settings, cookies, Words()),
        sign_ins=Buckets(Rate(1, 1)),
        troubles=list,
        changes=world.service.changes,
    )


@pytest.mark.parametrize(
    ("error", "status", "advice"),
    [
        (CallError("ConflictException", 409, "It stops <b>now</b>."), 409, "decide anew"),
        (CallError("ServiceQuotaExceededException", 402, "10 of 10."), 402, "Delete a workstation"),
        (CallError("Unreachable", 0, "x does not answer"), 502, "Try again in a moment"),
        (CallError("InternalServerException", 500, "Oh."), 502, "tell whoever runs this studio"),
    ],
)
def test_a_refusal_says_what_to_do_next(
    shared: World, error: CallError, status: int, advice: str
) -> None:
    answer: Response = stage(shared).refusal(error, None)
    text = bytes(answer.body).decode()
    assert answer.status_code == status
    assert advice in text
    assert "<b>" not in text


STOPPING = {"kind": "streaming session", "state": "STOP_IN_PROGRESS", "possible": "STOPPED"}


def test_a_refusal_is_told_in_the_reader_s_language_with_the_api_s_words_behind_it(
    shared: World,
) -> None:
    coded = CallError("ConflictException", 409, "It is so.", code="STATE", context=STOPPING)
    bare = CallError("ConflictException", 409, "It is so.")
    with speaking("de"):
        told, left = (
            bytes(stage(shared).refusal(error, None).body).decode() for error in (coded, bare)
        )
    assert 'role="alert">Arbeitsplatz: inzwischen „Hält an“, und so geht das nicht.' in told
    for page in (told, left):
        assert '<summary>Technische Einzelheiten</summary><p lang="en">It is so.</p>' in page
    assert f'role="alert">{Words("de")("refused.ConflictException")}</p>' in left


@pytest.mark.parametrize("name", ["UnrecognizedClientException", "Unreachable"])
def test_what_the_front_door_says_has_words_by_its_name(shared: World, name: str) -> None:
    with speaking("de"):
        page = bytes(stage(shared).refusal(CallError(name, 403, "No."), None).body).decode()
    assert '<p lang="en">No.</p>' in page
