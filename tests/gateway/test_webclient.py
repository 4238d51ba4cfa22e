"""What of the installed client is served, and what the page is made into."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from soundstage.gateway.webclient import NotInstalledError, WebClient, inline_scripts

INSTALLED = Path(__file__).parents[2] / ".venv-stream"


def test_the_page_loads_shared_files_and_ours_before_the_clients(environment: Path) -> None:
    page = WebClient(environment, title="A title").page("/x/").decode()
    assert "<title>A title</title>" in page
    assert 'src="/x/assets/index-1.js"' in page
    assert page.index("/x/soundstage/page.js") < page.index("/x/assets/index-1.js")


def test_files_have_their_types_and_are_compressed_where_it_is_worth_it(environment: Path) -> None:
    client = WebClient(environment, title="A title")
    script = client.find("assets/index-1.js")
    assert script is not None
    assert script.content_type == "text/javascript; charset=utf-8"
    assert script.compressed is not None
    assert len(script.compressed) < len(script.body)
    icon = client.find("icon.png")
    assert icon is not None
    assert (icon.content_type, icon.compressed) == ("image/png", None)
    manifest = client.find("manifest.json")
    assert manifest is not None
    assert b'"name": "A title"' in manifest.body


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "assets/link.js",
        "outside/secret.txt",
        "../secret.txt",
        "assets/../icon.png",
        "/etc/passwd",
        "",
        "assets",
        "ICON.PNG",
    ],
)
def test_nothing_else_is_found(environment: Path, name: str) -> None:
    assert WebClient(environment, title="A title").find(name) is None


def test_a_link_put_in_later_changes_nothing(environment: Path, tmp_path: Path) -> None:
    client = WebClient(environment, title="A title")
    icon = next(environment.rglob("icon.png"))
    icon.unlink()
    icon.symlink_to(tmp_path / "secret.txt")
    found = client.find("icon.png")
    assert found is not None
    assert found.body == b"png"


def test_the_digest_follows_the_content(environment: Path) -> None:
    before = WebClient(environment, title="A title").digest
    assert WebClient(environment, title="A title").digest == before
    next(environment.rglob("icon.png")).write_bytes(b"other")
    assert WebClient(environment, title="A title").digest != before


def test_style_sheets_that_scripts_write_are_known_by_hash(environment: Path) -> None:
    digest = hashlib.sha256(b"body { margin: 0 }").digest()
    expected = f"'sha256-{base64.b64encode(digest).decode()}'"
    assert WebClient(environment, title="A title").style_hashes == (expected,)


@pytest.mark.parametrize(
    "page",
    [
        "<title>x</title>",
        '<title>x</title><script src="./assets/a.js"></script><script>alert(1)</script>',
        '<script src="./assets/a.js"></script>',
    ],
)
def test_a_client_of_another_build_is_not_served(environment: Path, page: str) -> None:
    next(environment.rglob("index.html")).write_text(page)
    with pytest.raises(NotInstalledError):
        WebClient(environment, title="A title").page("/")


def test_an_environment_without_selkies_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotInstalledError, match="has no Selkies"):
        WebClient(tmp_path, title="A title")


def test_the_installed_client_is_one_we_know() -> None:
    client = WebClient(INSTALLED, title="A title")
    page = client.page("/shared/").decode()
    assert inline_scripts(page) == []
    assert client.style_hashes
    assert client.find("codecs/libopus-wasm/index.js") is not None
    assert client.find("src/selkies-core.js") is None


def test_the_page_speaks_a_language_and_its_scripts_have_the_words(environment: Path) -> None:
    client = WebClient(environment, title="A title")
    page = client.page("/x/", "de").decode()
    assert '<html lang="de">' in page
    assert page.index("/x/soundstage/words-de.js") < page.index("/x/soundstage/own.js")
    for language, tools in (("en", "Tools"), ("de", "Werkzeuge")):
        script = client.find(f"soundstage/words-{language}.js")
        assert script is not None
        assert script.content_type == "text/javascript; charset=utf-8"
        begun = b'"use strict";\n\nwindow.soundstageWords = '
        words = json.loads(script.body.removeprefix(begun).removesuffix(b";\n"))
        assert words["bar.tools"] == tools
