"""Reference pages made from the code."""

import pytest

from soundstage.cli.reference import PAGES
from soundstage.kit.config import FIELDS
from soundstage.resources.operations import OPERATIONS
from soundstage.wire.codes import Code
from soundstage.wire.faults import FAULTS


def test_every_setting_is_explained() -> None:
    page = PAGES["settings"]()
    assert [name for name in FIELDS if f"| `SOUNDSTAGE_{name.upper()}` |" not in page] == []


def test_every_noun_with_states_has_its_diagram() -> None:
    page = PAGES["lifecycles"]()
    assert page.count("```mermaid") == page.count("## ") == 9
    assert "STOP_IN_PROGRESS --> STOPPED" in page


def test_every_operation_has_its_row() -> None:
    page = PAGES["operations"]()
    for row in OPERATIONS:
        assert f"| {row.name} | `{row.method} {row.path}` | " in page


def test_every_error_and_every_code_has_its_row() -> None:
    page = PAGES["error-codes"]()
    assert [each.name for each in FAULTS if f"| `{each.name}` | {each.status} | " not in page] == []
    assert [each for each in Code if f"| `{each}` | {each.text} |" not in page] == []


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_says_how_it_is_made(name: str) -> None:
    assert f"`soundstage reference {name}`" in PAGES[name]()
