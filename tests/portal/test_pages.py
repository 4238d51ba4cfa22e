"""The headers of every answer, the assets, and what is not there."""

import re

import pytest

from soundstage.testing.visitor import Visitor

PATHS = ["/", "/sign-in", "/sign-in?link=x", "/logins", "/healthz", "/readyz", "/favicon.ico"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_security_headers(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    if answer.status_code != 303:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_no_page_has_script_or_style_in_it(visitor: Visitor) -> None:
    visitor.sign_in("anna")
    for path in PATHS:
        text = visitor.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
        assert all(' src="' in tag for tag in re.findall(r"<script[^>]*>", text))


def test_assets_are_kept_until_they_change(visitor: Visitor) -> None:
    page = visitor.get("/").text
    found = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)
    assert found
    sizes = 0
    for path in found:
        asset = visitor.get(path)
        assert asset.status_code == 200
        assert "immutable" in asset.headers["Cache-Control"]
        assert "url(" not in asset.text
        sizes += len(asset.content)
    assert sizes < 100_000


@pytest.mark.parametrize("name", ["x", "..%2fpages.py", "%2e%2e/door.py", "portal.css/", ".."])
def test_nothing_else_is_an_asset(visitor: Visitor, name: str) -> None:
    here = re.search(r'href="(/assets/[^"/]+)/', visitor.get("/").text)
    assert here is not None
    assert visitor.get(f"{here[1]}/{name}").status_code in {307, 404}
    assert visitor.get("/assets/0000000000000000/portal.css").status_code == 404


def test_a_name_is_text_and_never_markup(visitor: Visitor) -> None:
    name = "<img src=x onerror=alert(1)>"
    visitor.sign_in(name)
    page = visitor.get("/logins")
    assert page.status_code == 200
    assert "<img src=x" not in page.text
    assert "&lt;img src=x" in page.text
