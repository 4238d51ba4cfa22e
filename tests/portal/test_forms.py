"""Where a sign-in may lead; what forms may hold is tried through the pages."""

import pytest

from soundstage.portal.forms import own_path


@pytest.mark.parametrize("path", ["/", "/logins", "/a/b?c=d&e=%2F", "/us-west-2:stid-1/x"])
def test_paths_of_ours_stay(path: str) -> None:
    assert own_path(path, "/home") == path


@pytest.mark.parametrize(
    "path",
    ["", "x", "//x", "///x", "/\\x", "\\/x", "/\tx", "/\n/x", " /x", "/x y", "http://x", "/é"],
)
def test_all_else_does_not(path: str) -> None:
    assert own_path(path, "/home") == "/home"
