"""Selkies' web client as it is installed, read once and served from memory.

`app` makes one at start. The client comes from the stream environment's package, never from a
session's socket: the artist owns the process behind that socket, and what it would serve would run
on our origin. Since every file is in a table, an address is looked up and never becomes a path.
Some small files of our own stand beside the client's: a stylesheet, a script that leaves the page
when the stream has ended, one that loads it again when a part is missing, one that moves files, one
that makes the bar, one that chooses what the desktop is shown on, one that lets others look on and
one for their page, one that shows what the workstation will do by itself, what they have in common,
and their words in each language.
"""

import base64
import gzip
import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from soundstage.words.texts import FIRST, LANGUAGES, Words

OWN_FILES = Path(__file__).parent / "static"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    "": "text/plain; charset=utf-8",
}
"""Everything the package holds; a file of another kind is not served."""
_SMALL_ENOUGH = 16 * 1024 * 1024
_WRITTEN_STYLE = re.compile(rb"createElement\(`style`\);\w+\.textContent=`([^`\\$]+)`")
"""A style element with a constant text, as the client's build writes it."""
_OF_OWNERS = (
    "page.js",
    "own.js",
    "connection.js",
    "files.js",
    "bar.js",
    "displays.js",
    "pen.js",
    "share.js",
    "countdown.js",
)
"""Our scripts on a stream's page, in the order in which they run, before the client's."""
_AT_LAST = {"countdown.js": " defer"}
_OF_VIEWERS = ("page.js", "own.js", "connection.js", "viewer.js")
"""The same where somebody only looks on."""
_LEFT_OUT = ("src/", "jsdb/")
"""The client's sources, and button maps for game controllers, which no session has."""


class NotInstalledError(Exception):
    """The stream environment has no Selkies, or one whose client is built in another way."""


class Asset(msgspec.Struct, frozen=True):
    """One file as it is sent."""

    content_type: str
    body: bytes
    compressed: bytes | None
    """By gzip, where that is worth it."""


class WebClient:
    """The client's files by name, and its page."""

    def __init__(self, environment: Path, *, title: str) -> None:
        """Read the files. Raises NotInstalledError."""
        folder = _find(environment)
        files = _read_tree(folder)
        own = {f"soundstage/{name}": body for name, body in _read_tree(OWN_FILES).items()}
        if "index.html" not in files:
            raise NotInstalledError(f"{folder} has no index.html")
        page = files.pop("index.html")
        files["manifest.json"] = _manifest(title)
        own |= {f"soundstage/words-{each}.js": _words_in(each) for each in LANGUAGES}
        every = files | own
        self.digest = _digest({"index.html": page, "title": title.encode()} | every)
        self._assets = {name: _asset(name, body) for name, body in every.items()}
        self.style_hashes = _style_hashes(every)
        """CSP sources for the style sheets that the client's scripts write into the page."""
        self._page = page.decode()
        self._title = title

    def find(self, name: str) -> Asset | None:
        """Look a file up by its name relative to the client's folder."""
        return self._assets.get(name)

    def page(self, assets: str, language: str = FIRST, *, looks_on: bool = False) -> bytes:
        """Make the page, with its scripts and styles taken from the address `assets`; with
        `looks_on` the one of a share, which has nothing to do anything with.

        They are the same for all streams, so that a browser keeps one copy.
        """
        own = _OF_VIEWERS if looks_on else _OF_OWNERS
        return _adapt(self._page, self._title, assets, language, own).encode()


def inline_scripts(page: str) -> list[str]:
    """Find the scripts that stand in a page itself; the policy we send would not run them."""
    found = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL | re.IGNORECASE)
    return [body for attributes, body in found if "src" not in attributes.lower() and body.strip()]


def _style_hashes(files: dict[str, bytes]) -> tuple[str, ...]:
    sheets = {
        sheet
        for name, body in files.items()
        if name.startswith("assets/") and name.endswith(".js")
        for sheet in _WRITTEN_STYLE.findall(body)
    }
    return tuple(sorted(_hash_source(sheet) for sheet in sheets))


def _hash_source(text: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"


def _words_in(language: str) -> bytes:
    """Write the script that gives our own ones their words."""
    words = json.dumps(Words(language).below("page"), ensure_ascii=False)
    return f'"use strict";\n\nwindow.soundstageWords = {words};\n'.encode()


def _adapt(page: str, title: str, assets: str, language: str, own: Iterable[str]) -> str:
    style = f'<link rel="stylesheet" href="{assets}soundstage/page.css">'
    first, *others = (
        f'<script src="{assets}soundstage/{name}"{_AT_LAST.get(name, "")}></script>'
        for name in ("loading.js", f"words-{language}.js", *own)
    )
    head = "".join((first, style, *others))
    changes = {
        r"<title>[^<]*</title>": f"<title>{title}</title>{head}",
        r'<html lang="[^"]*">': f'<html lang="{language}">',
        r'(src|href)="(?:\./)?assets/': rf'\1="{assets}assets/',
    }
    # Who needs letters larger may enlarge the page.
    page = page.replace(",maximum-scale=1,user-scalable=no", "")
    for pattern, replacement in changes.items():
        page, count = re.subn(pattern, replacement, page)
        if not count:
            raise NotInstalledError("the client's page is not the one this release knows")
    if inline_scripts(page):
        raise NotInstalledError("the client's page has scripts of its own")
    return page


def _find(environment: Path) -> Path:
    found = sorted(environment.glob("lib/python3.*/site-packages/selkies/selkies_web"))
    if not found:
        raise NotInstalledError(f"{environment} has no Selkies")
    return found[-1]


def _read_tree(folder: Path) -> dict[str, bytes]:
    """Read the regular files below a folder; links are not followed and not read."""
    files: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix not in _TYPES or name.startswith(_LEFT_OUT) or not path.is_file():
            continue
        if path.is_symlink() or path.resolve() != folder.resolve() / name:
            continue
        if path.stat().st_size <= _SMALL_ENOUGH:
            files[name] = path.read_bytes()
    return files


def _asset(name: str, body: bytes) -> Asset:
    compressed = gzip.compress(body, 6, mtime=0) if len(body) > 1024 else body
    worth = len(compressed) < 0.9 * len(body)
    return Asset(
        content_type=_TYPES[os.path.splitext(name)[1]],  # noqa: PTH122 - a name, not a path
        body=body,
        compressed=compressed if worth else None,
    )


def _manifest(title: str) -> bytes:
    # The client takes its window title from here, over the one in the page.
    return json.dumps(
        {
            "name": title,
            "short_name": title,
            "display": "fullscreen",
            "background_color": "#000000",
            "theme_color": "#000000",
            "icons": [{"src": "icon-512.png", "type": "image/png", "sizes": "512x512"}],
            "start_url": ".",
        }
    ).encode()


def _digest(files: dict[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, body in sorted(files.items()):
        whole.update(f"{name}\0{len(body)}\0".encode())
        whole.update(body)
    return whole.hexdigest()[:20]
