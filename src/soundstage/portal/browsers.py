"""Names a browser and its system by what it says of itself, for people who look at their logins.

Nothing is decided by it: browsers say what they like.
"""

import re

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPad", "iPad"),
    ("iPhone", "iPhone"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def told_by(agent: str) -> tuple[str, str]:
    """Give the names of the browser and of its system; an empty one where nothing is known."""
    return _first(agent, _BROWSERS) or _program(agent), _first(agent, _SYSTEMS)


def _first(agent: str, marks: tuple[tuple[str, str], ...]) -> str:
    return next((name for mark, name in marks if mark in agent), "")


def _program(agent: str) -> str:
    found = re.match(r"[A-Za-z][\w.-]{0,40}", agent)
    return found[0] if found else ""
