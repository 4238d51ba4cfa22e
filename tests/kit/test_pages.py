"""Page tokens work for the list that they came from, and for no other."""

import itsdangerous
import pytest

from soundstage.kit.pages import BadPageTokenError, Cursor, Pages, scope_of

PAGES = Pages(b"k" * 32)
SCOPE = scope_of("ann", "ListStreamingSessions", {"studioId": "s", "ownedBy": None})


def test_a_token_gives_its_cursor_back() -> None:
    assert PAGES.read(PAGES.sign([7, "id"], scope=SCOPE), scope=SCOPE) == [7, "id"]


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_the_first_page(token: str | None) -> None:
    assert PAGES.read(token, scope=SCOPE) is None


@pytest.mark.parametrize(
    ("principal", "operation", "filters"),
    [
        ("bob", "ListStreamingSessions", {"studioId": "s"}),
        ("ann", "ListLaunchProfiles", {"studioId": "s"}),
        ("ann", "ListStreamingSessions", {"studioId": "other"}),
        ("ann", "ListStreamingSessions", {"studioId": "s", "ownedBy": "ann"}),
    ],
)
def test_another_list_refuses_it(principal: str, operation: str, filters: dict[str, str]) -> None:
    token = PAGES.sign([7, "id"], scope=SCOPE)
    with pytest.raises(BadPageTokenError):
        PAGES.read(token, scope=scope_of(principal, operation, filters))


def test_a_filter_that_is_none_was_not_given() -> None:
    assert scope_of("ann", "L", {"a": None}) == scope_of("ann", "L", {})


@pytest.mark.parametrize("position", [0, 5, -5])
def test_a_changed_token_is_refused(position: int) -> None:
    token = PAGES.sign([7, "id"], scope=SCOPE)
    letters = list(token)
    letters[position] = "A" if letters[position] != "A" else "B"
    with pytest.raises(BadPageTokenError):
        PAGES.read("".join(letters), scope=SCOPE)


def test_another_installation_s_token_is_refused() -> None:
    with pytest.raises(BadPageTokenError):
        Pages(b"j" * 32).read(PAGES.sign([7, "id"], scope=SCOPE), scope=SCOPE)


@pytest.mark.parametrize("content", [[], "text", [SCOPE], [SCOPE, {"a": 1}], [SCOPE, [1.5]]])
def test_a_signed_text_of_another_form_is_refused(content: object) -> None:
    signed = itsdangerous.URLSafeSerializer(b"k" * 32, salt="soundstage.page.1").dumps(content)
    with pytest.raises(BadPageTokenError):
        PAGES.read(str(signed), scope=SCOPE)


def _list(rows: dict[int, str], token: str | None) -> tuple[list[int], str | None]:
    """List two keys a page, as a service does with SQL."""

    def cursor_of(key: int) -> Cursor:
        return [key, rows[key]]

    cursor = PAGES.read(token, scope=SCOPE)
    after = -1 if cursor is None else int(cursor[0])
    fetched = [key for key in sorted(rows) if key > after][:3]
    return PAGES.cut(fetched, 2, cursor_of=cursor_of, scope=SCOPE)


def test_rows_that_come_and_go_between_pages_neither_repeat_nor_hide_others() -> None:
    rows = {key: f"id{key}" for key in range(0, 60, 10)}
    first, token = _list(rows, None)
    del rows[10]  # the very row that the token names
    rows[5] = "id5"  # before the cursor: belongs to a page already shown
    rows[25] = "id25"  # after it
    second, token = _list(rows, token)
    third, token = _list(rows, token)
    fourth, token = _list(rows, token)
    assert [first, second, third, fourth] == [[0, 10], [20, 25], [30, 40], [50]]
    assert token is None


def test_a_last_page_that_is_just_full_has_no_token() -> None:
    assert _list({1: "a", 2: "b"}, None) == ([1, 2], None)
