"""Reads what a form sent, within bounds; `app` calls it for every POST."""

from urllib.parse import parse_qsl

from starlette.requests import Request

_KIND = "application/x-www-form-urlencoded"
_MOST_FIELDS = 250
"""A launch profile's form has a box to tick for each component, image and size."""


class BadFormError(Exception):
    """What came is no form of ours."""


async def read_form(request: Request, most_bytes: int) -> dict[str, str]:
    """Read a form's fields; of one that came twice, the last. Raises BadFormError."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _KIND:
        raise BadFormError("It has another type than a form's.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise BadFormError("It is too large.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise BadFormError("It can't be read.") from None
    return dict(pairs)


def own_path(text: str, otherwise: str) -> str:
    """Give a path of ours to go on to; whatever could lead elsewhere becomes `otherwise`.

    Browsers read a backslash as a slash, skip control characters, and take `//host` for a host.
    """
    is_plain = all("!" <= letter <= "~" and letter != "\\" for letter in text)
    is_own = text.startswith("/") and not text.startswith("//") and len(text) <= 1024
    return text if is_plain and is_own else otherwise
