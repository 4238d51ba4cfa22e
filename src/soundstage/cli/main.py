"""The command `soundstage`: knows every command by its name and its line of help, imports the one
that is asked for, and turns errors into a sentence and an exit code.
"""

from typing import Any

import click

from soundstage import __version__
from soundstage.cli.catalogue import SECTIONS
from soundstage.cli.lazy import LazyGroup

_INTERRUPTED = 130
"""`Exit.INTERRUPTED`, for which alone that module need not be imported."""


class _Soundstage(LazyGroup):
    """All commands; an error that a person can mend is one line, without a trace."""

    sections = SECTIONS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before the command."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.UsageError(
                f"No such option {error.option_name!r} here. Options stand behind the command that "
                "they are for: soundstage COMMAND OPTION.",
                ctx,
            ) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it fails with decides the exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo(err=True)
            ctx.exit(_INTERRUPTED)
        except Exception as error:
            # What works needs none of this, nor what it imports.
            from soundstage.cli.exits import EXPECTED, explained  # noqa: PLC0415

            if not isinstance(error, EXPECTED):
                raise
            code, sentence = explained(error)
            click.echo(f"soundstage: {sentence}", err=True)
            ctx.exit(code)


@click.group(cls=_Soundstage, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="soundstage")
@click.pass_context
def soundstage(context: click.Context) -> None:
    """Virtual workstations on your own machines."""
    # Help and completion need no settings, and are quicker without.
    from soundstage.kit import config  # noqa: PLC0415

    context.obj = config.load()


def main() -> None:
    """Run the command line."""
    soundstage(prog_name="soundstage")


if __name__ == "__main__":
    main()
