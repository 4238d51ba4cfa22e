"""One transaction for one command."""

import pytest

from soundstage.cli.desk import desk_of
from soundstage.kit.config import Settings
from soundstage.resources.members import service as members


def test_a_command_that_fails_does_nothing(settings: Settings) -> None:
    def fail_after_a_change() -> None:
        with desk_of(settings) as desk:
            members.ensure_person(desk.transaction, "anna", desk.now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_a_change()
    with desk_of(settings) as desk:
        (operator,) = (person for person, _ in members.everybody(desk.transaction))
        assert (operator.name, operator.id) == ("operator", desk.actor)
