"""The site is made of the pages, with nothing missing, and loads nothing from elsewhere."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page

from soundstage.testing.browser import chromium_browser
from soundstage.testing.clients import ensure_sphinx

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "site", folder],
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    pages = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")}
    assert {page for page in pages if not (site / page).is_file()} == set()


def test_diagrams_are_drawn_and_nothing_comes_from_elsewhere(
    site: Path, chromium: Path | None
) -> None:
    diagrams = (DOCS / "reference" / "lifecycles.md").read_text().count("```mermaid")

    def drawn(page: Page) -> int:
        return page.locator(".highlight-mermaid svg[aria-roledescription=stateDiagram]").count()

    with chromium_browser(chromium) as browser:
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{site}/index.html")
        page.get_by_role("link", name="Lifecycles").first.click()
        page.wait_for_function(
            "many => document.querySelectorAll('.highlight-mermaid svg').length === many",
            arg=diagrams,
        )
        assert drawn(page) == diagrams
        page.goto(f"file://{site}/search.html?q=backup")
        page.wait_for_selector("#search-results li")
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("wrong", ["[gone](gone.md)", "[no heading](#nowhere)"])
def test_the_control_a_wrong_link_ends_it(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "README.md").write_text(f"# Title\n\n{wrong}\n")
    made = subprocess.run(
        [
            *(ensure_sphinx(ROOT), "-m", "sphinx", "-q", "-W"),
            *("-c", DOCS / "site", tmp_path, tmp_path / "made"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode != 0
    assert "myst.xref_missing" in made.stderr
