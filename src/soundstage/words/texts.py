"""The texts of pages: `en.toml` beside this module, and a file beside it for each further language.

A further language is one more file, with the same keys and the same {braces} in its texts (a test
compares them); `languages` finds it by its name. Templates and handlers ask for a text by its key,
and have it in the language that is spoken in the request they answer. What the API says, such as a
status message, is English: pages say it in words of their own, and have it behind those, as `told`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

FIRST = "en"
"""What is spoken where nobody wants another one."""
_FOLDER = Path(__file__).parent
LANGUAGES = tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))
_spoken: ContextVar[str] = ContextVar("soundstage.language", default=FIRST)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language while the block lasts, in what it calls and the threads that it starts."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


class Words:
    """The texts, in one language, or in whichever is spoken when they are asked for."""

    def __init__(self, language: str | None = None) -> None:
        self._language = language

    @property
    def language(self) -> str:
        """The language that is spoken now."""
        return self._language or _spoken.get()

    @property
    def texts(self) -> Mapping[str, str]:
        """All texts by their keys."""
        return _read(self.language)

    def __call__(self, key: str, **values: object) -> str:
        """Give a text with its values put in. Raises KeyError for one that is not there."""
        return self.texts[key].format(**values)

    def __contains__(self, key: str) -> bool:
        """Reports whether there is such a text."""
        return key in self.texts

    def below(self, key: str) -> dict[str, str]:
        """Give all texts whose keys begin with this one and a dot, by the rest of their keys."""
        begun = f"{key}."
        return {
            each.removeprefix(begun): text
            for each, text in self.texts.items()
            if each.startswith(begun)
        }

    def count(self, key: str, number: int) -> str:
        """Give a text about so many of something."""
        return self(f"{key}.{'one' if number == 1 else 'many'}", number=number)

    def length(self, length: timedelta) -> str:
        """Write a length of time: two units at the most, seconds only below a minute."""
        seconds = max(0, round(length.total_seconds()))
        if seconds < 55:
            return self.count("length.seconds", seconds)
        minutes = (seconds + 30) // 60
        days, rest = divmod(minutes, 24 * 60)
        hours, minutes = divmod(rest, 60)
        units = (("days", days), ("hours", hours), ("minutes", minutes))
        parts = [self.count(f"length.{unit}", number) for unit, number in units if number]
        return self("length.and", first=parts[0], second=parts[1]) if len(parts) > 1 else parts[0]

    def moment(self, moment: datetime) -> str:
        """Write a moment, in UTC; where script is on, the browser puts it into local time."""
        return self("length.moment", moment=moment)

    def size(self, number: float) -> str:
        """Write a number of bytes."""
        for unit in ("bytes", "kib", "mib", "gib"):
            if number < 1024 or unit == "gib":
                text = f"{number:.{0 if unit == 'bytes' else 1}f}"
                return self(f"size.{unit}", number=self._pointed(text))
            number /= 1024
        raise AssertionError("The loop has an answer for every number.")

    def figure(self, number: float) -> str:
        """Write a number that need not be whole."""
        return self._pointed(f"{number:g}")

    def _pointed(self, number: str) -> str:
        return number.replace(".", self("size.point"))


@cache
def _read(language: str) -> Mapping[str, str]:
    text = (_FOLDER / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(text), ""))


def _flat(document: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in document.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, str(value))]
    return found
