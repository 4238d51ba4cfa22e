"""The words of the pages, all in one place: `words/en.toml`, and a file beside it for each further
language.

Templates and handlers ask for a text by its key. What the API says, such as a status message, is
shown as it came.
"""

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "words"


class Words:
    """The texts of one language."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        document = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
        self._texts = dict(_flat(document, ""))

    def __call__(self, key: str, **values: object) -> str:
        """Give a text with its values put in. Raises KeyError for one that is not there."""
        return self._texts[key].format(**values)

    def __contains__(self, key: str) -> bool:
        """Reports whether there is such a text."""
        return key in self._texts

    def below(self, key: str) -> dict[str, str]:
        """Give all texts whose keys begin with this one and a dot, by the rest of their keys."""
        begun = f"{key}."
        return {
            each.removeprefix(begun): text
            for each, text in self._texts.items()
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
                return self(f"size.{unit}", number=f"{number:.{0 if unit == 'bytes' else 1}f}")
            number /= 1024
        raise AssertionError("The loop has an answer for every number.")


def _flat(document: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in document.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, str(value))]
    return found
