"""Health: everybody who administers sees whether it runs, the operator what the machine lacks."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.portal.admin.conftest import Office


def test_the_operator_sees_each_look_and_others_none(office: "Office") -> None:
    page = office.see("health").text
    assert page.index("memory-limit") < page.index("versions")
    assert "Works without" in page
    assert str(office.world.settings.home) in page
    other = office.see("health", office.ben).text
    assert str(office.world.settings.home) not in other
    assert "shown to whoever runs this installation" in other


def test_what_keeps_it_from_being_ready_is_shown(
    office: "Office", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office.world.service.loop.health, "read", Late, raising=True)
    assert "The reconciler has not looked for a while." in office.see("health", office.ben).text


class Late:
    """A loop that is late."""

    def is_late(self, now: object) -> bool:
        del now
        return True
