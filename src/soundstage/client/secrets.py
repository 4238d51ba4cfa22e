"""Secrets by reference: a file says where one is, never what it is.

Profiles of the command line (`client.profiles`) and studio files (`cli.studio_file`) hold these.
"""

import stat
from pathlib import Path
from typing import Any

import msgspec

from soundstage.kit import environment
from soundstage.kit.command import CommandError, read_output
from soundstage.kit.config import ConfigError

_COMMAND_SECONDS = 30.0
_LONGEST = 65_536


class Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is: exactly one of a variable, a file, and a command that prints it."""

    env: str | None = None
    file: str | None = None
    command: str | None = None

    def __post_init__(self) -> None:
        """Refuse none and more than one."""
        given = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a secret is named by one of `env`, `file` and `command`")


def is_reference(value: Any) -> bool:
    """Reports whether a value of a document is meant as a reference."""
    return isinstance(value, dict) and bool(value) and value.keys() <= {"env", "file", "command"}


def resolve(reference: Reference, folder: Path, *, where: str, is_private: bool = False) -> str:
    """Fetch what is referred to. Raises ConfigError, which never repeats it.

    `folder` is what a relative file begins at, and `where` names the place in an error. A private
    file is refused while others may read it.
    """
    if reference.env is not None:
        found = environment.variable(reference.env)
        if found is None:
            raise ConfigError(f"{where}: the variable {reference.env} is not set.")
        return found
    if reference.command is not None:
        try:
            output = read_output(reference.command, seconds=_COMMAND_SECONDS, most_bytes=_LONGEST)
        except CommandError as error:
            raise ConfigError(f"{where}: of its command: {error}.") from None
        return _text(output, where)
    return _text(_read(folder, reference.file or "", where, is_private=is_private), where)


def _read(folder: Path, name: str, where: str, *, is_private: bool) -> bytes:
    path = folder / Path(name).expanduser()
    try:
        with path.open("rb") as file:
            if is_private and stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise ConfigError(f"{where}: others may read {path}. Run: chmod 600 {path}")
            content = file.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"{where}: {path} can't be read ({error.strerror}).") from None
    if len(content) > _LONGEST:
        raise ConfigError(f"{where}: {path} is longer than {_LONGEST} bytes.")
    return content


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: what is there is no text in UTF-8.") from None
