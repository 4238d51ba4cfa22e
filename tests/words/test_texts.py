"""The words: all that are asked for are there, and none is left over."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from soundstage import gateway, portal
from soundstage.resources.quotas import MEMBERS
from soundstage.words import texts
from soundstage.words.texts import FIRST, LANGUAGES, Words, speaking

WORDS = Path(texts.__file__).parent
PORTAL = Path(portal.__file__).parent
GATEWAY = Path(gateway.__file__).parent
SCRIPTS = "\n".join(
    script.read_text(encoding="utf-8") for script in (GATEWAY / "static").glob("*.js")
)
"""Those of a stream's page: what they say stands below `page` in the words."""


def sources() -> str:
    files = [*PORTAL.rglob("*.py"), *PORTAL.rglob("*.html"), *WORDS.glob("*.py")]
    files += [*GATEWAY.rglob("*.py"), *GATEWAY.rglob("*.html")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def asked_for() -> set[str]:
    """Every key that stands in the sources; one that goes on in the code ends with a mark."""
    return set(re.findall(r'"([a-z_]+\.[A-Za-z_.]*)"', sources())) | set(
        re.findall(r'f"([a-z_]+\.[a-z_.]*)\{', sources())
    )


def said_by_scripts() -> set[str]:
    """Every key that a stream's page asks for: by `say` of its own part, or of all."""
    found = set()
    for script in (GATEWAY / "static").glob("*.js"):
        text = script.read_text(encoding="utf-8")
        found |= {f"page.{script.stem}.{key}" for key in re.findall(r'"([a-z_]+)"', text)}
        found |= {f"page.{key}" for key in re.findall(r'soundstage\.say\("([a-z_.]+)"', text)}
        found |= {f"page.{script.stem}.said_{verb}" for verb in ("stops", "ends")}
    return found


def is_of_a_noun(key: str) -> bool:
    """Reports whether it is a text that kinds of things ask for by their own name."""
    noun, _, rest = key.partition(".")
    if noun == "quotas":
        return rest.removeprefix("field.") in MEMBERS.values()
    if noun not in {"profiles", "images", "components", "webhooks", "founding"}:
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
        for key in Words().texts
        if key not in asked
        and key.removesuffix(".one").removesuffix(".many") not in asked
        and not key.startswith(begun)
        and key.removesuffix(".title").removesuffix(".text") not in notices
        and not is_of_a_noun(key)
        and key not in said_by_scripts()
        and not key.startswith("desktop.refused.")
    ]
    assert unused == []


def test_every_text_that_scripts_ask_for_is_there() -> None:
    for script in (GATEWAY / "static").glob("*.js"):
        text = script.read_text(encoding="utf-8")
        asked = re.findall(r'(?<![.\w])say\("([a-z_]+)"', text)
        assert [key for key in asked if f"page.{script.stem}.{key}" not in Words()] == []
    assert "window.soundstage.say" in SCRIPTS


def test_scripts_show_no_text_of_their_own() -> None:
    shown = re.compile(r"""\b(?:textContent|title|placeholder) = .*["`][A-Z][a-z]{2,}""")
    scripts = [*(GATEWAY / "static").glob("*.js"), *(PORTAL / "static").glob("*.js")]
    lines = [line for script in scripts for line in script.read_text("utf-8").splitlines()]
    assert len(lines) > 500
    assert [line for line in lines if shown.search(line)] == []
    assert shown.search('open.textContent = text === "" ? "Tools" : text;')


OTHERS = [language for language in LANGUAGES if language != FIRST]


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_every_text_with_the_same_to_fill_in(language: str) -> None:
    first, other = Words(FIRST).texts, Words(language).texts
    assert list(other) == list(first)

    def filled_in(text: str) -> list[str]:
        return sorted(re.findall(r"\{(\w+)", text))

    different = [key for key in first if filled_in(first[key]) != filled_in(other[key])]
    # One of something need not be counted.
    assert [key for key in different if not key.endswith((".one", ".many"))] == []
    for key in different:
        assert set(filled_in(other[key])) <= {*filled_in(first[key]), "number"}


@pytest.mark.parametrize("language", OTHERS)
def test_another_language_is_one(language: str) -> None:
    first, other = Words(FIRST).texts, Words(language).texts
    same = [key for key in first if first[key] == other[key]]
    # Names of products and words that both have.
    assert len(same) < len(first) / 10


def test_a_language_is_spoken_while_the_block_lasts() -> None:
    words = Words()
    assert (words.language, words("nav.sign_out")) == ("en", "Sign out")
    with speaking("de"):
        assert (words.language, words("nav.sign_out")) == ("de", "Abmelden")
        assert Words("en")("nav.sign_out") == "Sign out"
        assert words.size(1536) == "1,5 KiB"
        assert words.figure(1.75) == "1,75"
        assert words.moment(datetime(2026, 11, 28, 9, 5, tzinfo=UTC)) == "28.11.2026 09:05 UTC"
    assert words.language == "en"


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
