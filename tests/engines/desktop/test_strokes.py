"""What a page says of its pen: read whole, or not at all."""

import pytest

from soundstage.engines.desktop.strokes import (
    MOST_POINTS,
    Allowance,
    Area,
    Drawing,
    Point,
    UnreadableError,
    read,
)


def test_a_stroke_is_read() -> None:
    assert read("pen,display2,eraser,0 65535 1000 7,12 34 0 0") == Drawing(
        "display2", "eraser", [Point(0, 65535, 1000, 7), Point(12, 34, 0, 0)]
    )


def test_a_pen_that_has_left_draws_nothing() -> None:
    assert read("pen,away").points == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pen",
        "pen,away,",
        "pen,primary,stylus",
        "pen,primary,stylus,",
        "pen,primary,brush,1 1 1 1",
        "pen,display3,stylus,1 1 1 1",
        "pen,primary,stylus,1 1 1",
        "pen,primary,stylus,1 1 1 1 1",
        "pen,primary,stylus,-1 1 1 1",
        "pen,primary,stylus,1.5 1 1 1",
        "pen,primary,stylus,65536 1 1 1",
        "pen,primary,stylus,1 65536 1 1",
        "pen,primary,stylus,1 1 1001 1",
        "pen,primary,stylus,1 1 1 8",
        "pen,primary,stylus,\N{ARABIC-INDIC DIGIT ONE} 1 1 1",
        "pen,primary,stylus,1 1 1 1\n",
        "m,1,1,1,0,0",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    with pytest.raises(UnreadableError):
        read(text)


def test_there_are_only_so_many_points_in_one() -> None:
    head = "pen,primary,stylus"
    assert len(read(head + ",1 1 1 1" * MOST_POINTS).points) == MOST_POINTS
    with pytest.raises(UnreadableError):
        read(head + ",1 1 1 1" * (MOST_POINTS + 1))


def test_a_display_is_a_part_of_the_screen() -> None:
    right = Area(left=0.5, top=0.0, width=0.5, height=0.25)
    assert right.place(Point(0, 0, 5, 1)) == Point(32768, 0, 5, 1)
    assert right.place(Point(65535, 65535, 5, 1)) == Point(65535, 16384, 5, 1)
    assert Area().place(Point(7, 8, 9, 1)) == Point(7, 8, 9, 1)


def test_what_waited_for_a_second_may_come_at_once_but_no_more() -> None:
    allowance = Allowance()
    assert allowance.covers(1000, now=10.0)
    assert not allowance.covers(1, now=10.0)
    assert allowance.covers(250, now=10.5)
    assert allowance.covers(240, now=10.5)
    assert not allowance.covers(20, now=10.5)
    assert allowance.covers(1000, now=99.0)
