"""Ids of events are sorted as the events are, and nothing else is one."""

import pytest

from soundstage.resources.events.model import id_of, number_of


def test_ids_are_sorted_as_their_numbers() -> None:
    numbers = [1, 9, 10, 99, 123456]
    assert sorted(map(id_of, numbers)) == [id_of(number) for number in numbers]
    assert [number_of(id_of(number)) for number in numbers] == numbers


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "٣", "1" * 17])
def test_what_is_no_id(text: str) -> None:
    assert number_of(text) is None
