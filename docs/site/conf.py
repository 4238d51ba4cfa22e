"""How the site is made from the pages; `scripts/site` calls Sphinx with it.

The pages are those that are read on a code host too: plain Markdown, one table of contents
(`README.md`), and nothing that only Sphinx understands. So what Sphinx needs besides is worked out
here: its own tables of contents from ours, and diagrams, which a script beside the pages draws.
"""

import re
from typing import Any

from docutils import nodes
from pygments.lexers.special import TextLexer

project = "Soundstage"
author = "The Soundstage authors"
copyright = "The Soundstage authors, Apache-2.0"  # noqa: A001 - Sphinx's word
root_doc = "README"
exclude_patterns = ["site"]
extensions = ["myst_parser"]
nitpicky = True

myst_heading_anchors = 3
# Addresses with a scheme are the world's; any other must be a page, a heading or a file of ours.
myst_url_schemes = ["http", "https", "mailto"]

html_theme = "furo"
html_title = "Soundstage"
html_copy_source = False
html_show_sphinx = False

_KIND = re.compile(r"^\*\*(.+)\*\*$")
_ENTRY = re.compile(r"^- \[(.+?)\]\((.+?)\.md\)")
_DECISION = re.compile(r"\((\d{4}-[a-z0-9-]+)\.md\)")
_DRAW = """
const drawings = [...document.querySelectorAll(".highlight-mermaid pre")];
for (const drawing of drawings) drawing.textContent = drawing.textContent;
const chosen = document.body.dataset.theme;
const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
const dark = chosen === "dark" || (chosen !== "light" && prefersDark);
mermaid.initialize({startOnLoad: false, theme: dark ? "dark" : "neutral"});
mermaid.run({nodes: drawings});
"""


def _contents(text: str) -> str:
    """The page's own lists of links as Sphinx's tables of contents, one for each bold line."""
    trees: list[str] = []
    for line in text.splitlines():
        if kind := _KIND.match(line):
            trees.append(f"\n```{{toctree}}\n:hidden:\n:caption: {kind[1]}\n")
        elif trees and (entry := _ENTRY.match(line)):
            trees[-1] += f"{entry[1]} <{entry[2]}>\n"
    return "".join(f"{tree}```\n" for tree in trees)


def _decisions(text: str) -> str:
    """The list of decisions, likewise."""
    named = "\n".join(dict.fromkeys(_DECISION.findall(text)))
    return f"\n```{{toctree}}\n:hidden:\n{named}\n```\n"


def _read(_app: object, page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += _contents(source[0])
    elif page == "adr/README":
        source[0] += _decisions(source[0])


def _is_diagram(node: nodes.Node) -> bool:
    return isinstance(node, nodes.literal_block) and node["language"] == "mermaid"


def _show(
    app: Any, _page: str, _template: str, _context: object, document: nodes.document | None
) -> None:
    if document is not None and document.next_node(_is_diagram):
        app.add_js_file("mermaid.js")  # Laid there by `scripts/site`: nothing comes from elsewhere.
        app.add_js_file(None, body=_DRAW)


def setup(app: Any) -> dict[str, bool]:
    """Sphinx's entry."""
    for language in ("csv", "mermaid"):
        app.add_lexer(language, TextLexer)
    app.connect("source-read", _read)
    app.connect("html-page-context", _show)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
