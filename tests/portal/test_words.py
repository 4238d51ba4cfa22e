"""The words: all that are asked for are there, and none is left over."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soundstage.portal import words as module
from soundstage.portal.words import Words
from soundstage.resources.quotas import MEMBERS

HERE = Path(module.__file__).parent


def sources() -> str:
    files = [*HERE.rglob("*.py"), *HERE.rglob("*.html")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def asked_for() -> set[str]:
    """Every key that stands in the sources; one that goes on in the code ends with a mark."""
    return set(re.findall(r'"([a-z_]+\.[A-Za-z_.]*)"', sources())) | set(
        re.findall(r'f"([a-z_]+\.[a-z_.]*)\{', sources())
    )


def is_of_a_noun(key: str) -> bool:
    """Reports whether it is a text that kinds of things ask for by their own name."""
    noun, _, rest = key.partition(".")
    if noun == "quotas":
        return rest.removeprefix("field.") in MEMBERS.values()
    if noun not in {"profiles", "images", "components", "webhooks"}:
        return False
    everything = sources()
    if rest.startswith("field."):
        steps = rest.removeprefix("field.").removesuffix("_hint").split("_")
        return all(step in everything for step in steps)
    return rest in {
        *re.findall(r'noun ~ "\.(\w+)"', everything),
        *re.findall(r'Section\(\s*name="(\w+)"', everything),
    }


def test_every_text_that_is_asked_for_is_there() -> None:
    words = Words()
    asked = re.findall(r'\b(?:t|words)\("([a-z_.]*[a-z])"\s*[,)]', sources())
    counted = re.findall(r'\.count\("([a-z_.]+)"', sources())
    assert [key for key in asked if key not in words] == []
    assert [key for key in counted if f"{key}.one" not in words or f"{key}.many" not in words] == []
    assert len(asked) > 40


def test_no_text_is_left_over() -> None:
    asked = asked_for()
    begun = tuple(key for key in asked if key.endswith((".", "_")))
    notices = set(re.findall(r'"([a-z_]+)"', sources()))
    unused = [
        key
        for key in Words()._texts
        if key not in asked
        and key.removesuffix(".one").removesuffix(".many") not in asked
        and not key.startswith(begun)
        and key.removesuffix(".title").removesuffix(".text") not in notices
        and not is_of_a_noun(key)
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59, "1 min"),
        (690 * 60, "11 h 30 min"),
        (24 * 3600, "1 day"),
        (50 * 3600, "2 days 2 h"),
    ],
)
def test_lengths_are_written_for_people(seconds: float, text: str) -> None:
    assert Words().length(timedelta(seconds=seconds)) == text


def test_texts_are_listed_by_what_their_keys_begin_with() -> None:
    assert Words().below("length.days") == {"one": "{number} day", "many": "{number} days"}
    assert Words().below("length.day") == {}


def test_sizes_and_moments_are_too() -> None:
    words = Words()
    assert [words.size(number) for number in (0, 1023, 1536, 5 * 1024**3, 4096 * 1024**3)] == [
        "0 bytes",
        "1023 bytes",
        "1.5 KiB",
        "5.0 GiB",
        "4096.0 GiB",
    ]
    assert words.moment(datetime(2026, 11, 28, 9, 5, tzinfo=UTC)) == "2026-11-28 09:05 UTC"
