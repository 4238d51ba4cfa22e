"""Which language is spoken to whom: the one that they chose here, else what their browser asks for.

Doors wrap what answers pages with `spoken`; the portal has the form that keeps a choice.
"""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from soundstage.words.texts import FIRST, LANGUAGES, Words, speaking

COOKIE = "soundstage_language"
_LONGEST = 512
"""What of a header is looked at; browsers send a few dozen characters."""


def choices() -> list[tuple[str, str]]:
    """List the languages, each with the name that it calls itself."""
    return [(language, Words(language)("language.name")) for language in LANGUAGES]


def language_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Say which language to speak, from a request's headers."""
    wanted = ""
    for name, value in headers:
        text = value[:_LONGEST].decode("latin-1")
        if name == b"cookie" and (chosen := _kept(text)) in LANGUAGES:
            return chosen
        if name == b"accept-language":
            wanted = text
    return preferred(wanted)


def preferred(accepted: str) -> str:
    """Find the best of our languages in an Accept-Language header."""
    found: list[tuple[float, str]] = []
    for part in accepted.split(","):
        tag, _, rest = part.strip().partition(";")
        language = tag.partition("-")[0].strip().lower()
        if language in LANGUAGES:
            found.append((_weight(rest), language))
    best = max(found, key=lambda each: each[0], default=(0.0, FIRST))
    return best[1] if best[0] > 0 else FIRST


def spoken(app: ASGIApp) -> ASGIApp:
    """Answer each request in its language."""

    async def speaker(scope: Scope, receive: Receive, send: Send) -> None:
        with speaking(language_of(scope.get("headers", ()))):
            await app(scope, receive, send)

    return speaker


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value) if 0 <= float(value) <= 1 else 0.0
    except ValueError:
        return 0.0


def _kept(cookies: str) -> str:
    for each in cookies.split(";"):
        name, _, value = each.strip().partition("=")
        if name == COOKIE:
            return value
    return ""
