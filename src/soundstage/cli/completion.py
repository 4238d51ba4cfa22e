"""`soundstage completion`: what a shell must read to complete the names of commands and options."""

import click
from click.shell_completion import get_completion_class

from soundstage.kit.config import ConfigError

_PROGRAM = "soundstage"
_SHELLS = {
    "bash": 'Put `eval "$(soundstage completion bash)"` into ~/.bashrc.',
    "zsh": 'Put `eval "$(soundstage completion zsh)"` into ~/.zshrc, after compinit.',
    "fish": "Write it to ~/.config/fish/completions/soundstage.fish.",
}


@click.command(
    "completion",
    epilog="\b\n" + "\n".join(f"{shell}: {how}" for shell, how in _SHELLS.items()),
)
@click.argument("shell", type=click.Choice(sorted(_SHELLS)))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print a shell's completion."""
    made = get_completion_class(shell)
    if made is None:
        raise ConfigError(f"There is no completion for {shell}.")
    program = context.find_root().command
    click.echo(made(program, {}, _PROGRAM, "_SOUNDSTAGE_COMPLETE").source())
