"""Which language is spoken to whom."""

import pytest

from soundstage.words.languages import COOKIE, choices, language_of, preferred


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("DE-de", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr,it;q=0.9", "en"),
        ("fr, de;q=0.5", "de"),
        ("en;q=0.1, de;q=0.7", "de"),
        ("de;q=0", "en"),
        ("de;q=much", "en"),
        ("de;q=7", "en"),
        (";;;,,q=1", "en"),
        ("*", "en"),
    ],
)
def test_a_browser_asks_for_the_languages_of_its_person(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


def test_what_somebody_chose_comes_first() -> None:
    german = (b"accept-language", b"de")
    assert language_of([german]) == "de"
    for cookie, language in (("en", "en"), ("de", "de"), ("xx", "de"), ("", "de"), ("../en", "de")):
        kept = (b"cookie", f"a=b; {COOKIE}={cookie}; c=d".encode())
        assert language_of([kept, german]) == language
    assert language_of([]) == "en"


def test_only_so_much_of_a_header_is_read() -> None:
    assert language_of([(b"accept-language", b"fr," * 500 + b"de")]) == "en"


def test_each_language_calls_itself_by_its_own_name() -> None:
    assert choices() == [("de", "Deutsch"), ("en", "English")]
