"""Commands that are imported when they are run: the list of them all costs next to nothing.

`main` names each with its module and the line that help shows; a test holds that line to the
command's own.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click
import msgspec

from soundstage.kit import garbage

_LONGEST_LINE = 400
"""Letters; longer first sentences no command has."""


class Lazy(msgspec.Struct, frozen=True):
    """A command that is somewhere."""

    place: str
    """`module:name`, or `module:name:argument` for a function that makes it."""
    help: str


class KnowingGroup(click.Group):
    """A group that says of a wrong name which of its commands are called nearly so."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; click itself knows only of those that are made already."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            names = self.list_commands(ctx)
            raise click.NoSuchCommand(error.command_name, possibilities=names, ctx=ctx) from None


class ListedGroup(KnowingGroup):
    """A group whose help says of each command what it does, and breaks no sentence off."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list; what stands behind a semicolon is for the command's own help."""
        listed = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, _line_of(found)) for name, found in listed if found])


# Groups within it are of the same kind.
ListedGroup.group_class = ListedGroup


def _line_of(command: click.Command) -> str:
    text, semicolon, _ = command.get_short_help_str(_LONGEST_LINE).partition(";")
    return f"{text}." if semicolon else text


class LazyGroup(KnowingGroup):
    """A group whose commands come in sections, each imported when it is needed."""

    sections: ClassVar[Mapping[str, Mapping[str, Lazy]]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all, in the order of the sections."""
        del ctx
        return [name for commands in self.sections.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        del ctx
        for commands in self.sections.values():
            if cmd_name in commands:
                return _import(commands[cmd_name].place)
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections without importing anything."""
        del ctx
        for section, commands in self.sections.items():
            with formatter.section(section):
                formatter.write_dl([(name, lazy.help) for name, lazy in commands.items()])


def _import(place: str) -> click.Command:
    module, name, *argument = place.split(":")
    with garbage.left_alone():
        found = getattr(import_module(module), name)
    command = found(*argument) if argument else found
    if not isinstance(command, click.Command):
        raise TypeError(f"{place} is no command.")
    return command
