"""Members become options, and options members."""

from typing import Annotated, Any, Literal

import click
import pytest
from click.testing import CliRunner
from msgspec import Meta

from soundstage.cli import options
from soundstage.wire.shapes import Shape


class Lens(Shape, frozen=True, kw_only=True):
    """A lens."""

    length: int
    maker: str | None = None


class CreateCameraInput(Shape, frozen=True, kw_only=True):
    """What a camera is made of."""

    camera_name: Annotated[str, Meta(max_length=8)]
    speed: Annotated[int, Meta(ge=1, le=60)] | None = None
    """Pictures a second."""
    mood: Literal["CALM", "WILD"] | None = None
    is_on: bool | None = None
    weight: Annotated[float, Meta(ge=0)] | None = None
    owners: Annotated[list[str], Meta(max_length=3)] | None = None
    lens: Lens | None = None
    spare: list[Lens] | None = None
    tags: dict[str, str] | None = None


@click.command(
    params=[
        options.option(CreateCameraInput, field) for field in options.members(CreateCameraInput)
    ]
)
@options.cli_input
def command(cli_input: Any, **values: Any) -> None:
    """Make a camera."""
    found = options.given(CreateCameraInput, values, cli_input)
    click.echo(f"{found} {options.missing(CreateCameraInput, found)}")


def typed(*arguments: str) -> str:
    return CliRunner().invoke(command, arguments).output


def test_every_kind_of_member_has_its_option() -> None:
    assert (
        typed(
            *("--camera-name", "a", "--speed", "25", "--mood", "CALM", "--is-on", "true"),
            *("--weight", "1.5", "--owners", "b", "--owners", "c", "--lens", "{length: 50}"),
            *("--spare", '[{"length": 35}]', "--tags", "k=v", "--tags", "l=m=n"),
        ).strip()
        == str(
            {
                "cameraName": "a",
                "speed": 25,
                "mood": "CALM",
                "isOn": True,
                "weight": 1.5,
                "owners": ["b", "c"],
                "lens": {"length": 50},
                "spare": [{"length": 35}],
                "tags": {"k": "v", "l": "m=n"},
            }
        )
        + " []"
    )


def test_options_win_over_the_document() -> None:
    said = typed("--cli-input", '{"cameraName": "a", "speed": 1}', "--speed", "2")
    assert said.strip() == "{'cameraName': 'a', 'speed': 2} []"
    assert typed().strip() == "{} ['--camera-name']"


def test_help_has_the_text_under_a_member_or_else_its_limits() -> None:
    page = " ".join(typed("--help").split())
    for part in (
        "--camera-name TEXT At most 8 characters. [required]",
        "--speed INTEGER RANGE Pictures a second. [1<=x<=60]",
        "--mood [CALM|WILD]",
        "--owners TEXT May be repeated, at most 3 times.",
        "--lens DOCUMENT Members: length, maker.",
        "--spare DOCUMENT A list of any number, each with: length, maker.",
        "--tags NAME=VALUE May be repeated.",
    ):
        assert part in page


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--speed", "61"), "61 is not in the range 1<=x<=60"),
        (("--mood", "SAD"), "'SAD' is not one of"),
        (("--tags", "x"), "'x' is not NAME=VALUE"),
        (("--lens", "{"), "--lens, line 1"),
        (("--cli-input", "words"), "must be an object"),
    ],
)
def test_what_is_wrong_is_named(arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in " ".join(typed(*arguments).split())
