"""All settings together, read once, by `wiring` and `cli`, from variables and a file.

A setting `port` is the variable `SOUNDSTAGE_PORT` or the key `port` of the TOML file; a variable
wins over the file, the file over the default. The file is `soundstage.toml` in the home folder
unless `SOUNDSTAGE_CONFIG` names another. What there is to set stands in `kit/settings`, room by
room; a part that needs one room's settings alone can ask for these.
"""

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from soundstage.kit import environment
from soundstage.kit.settings.backups import BackupSettings
from soundstage.kit.settings.engines import EngineSettings
from soundstage.kit.settings.hosts import HostSettings
from soundstage.kit.settings.service import ServiceSettings, default_home
from soundstage.kit.settings.sessions import SessionSettings
from soundstage.kit.settings.signing_in import SigningInSettings
from soundstage.kit.settings.streams import StreamSettings
from soundstage.kit.settings.studios import StudioSettings
from soundstage.kit.settings.surroundings import SurroundingsSettings
from soundstage.kit.settings.throttling import ThrottlingSettings

PREFIX = "SOUNDSTAGE_"
_CONFIG = f"{PREFIX}CONFIG"
_NO_SETTINGS = {
    _CONFIG,
    environment.PRINCIPAL_ID,
    environment.PROFILE,
    environment.PROFILES,
    environment.STUDIO,
}
_WRONG_KIND = re.compile(r"Expected `(int|float)`, got")
_KINDS = {"int": "a whole number", "float": "a number"}
_ON = {"true", "yes", "on", "1"}
_OFF = {"false", "no", "off", "0"}


class ConfigError(Exception):
    """A setting can't be used; the message names it and says what it may be."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(
    ServiceSettings,
    EngineSettings,
    StreamSettings,
    BackupSettings,
    StudioSettings,
    ThrottlingSettings,
    SigningInSettings,
    SessionSettings,
    HostSettings,
    SurroundingsSettings,
):
    """All settings, with their defaults, in the order in which they are documented."""


FIELDS = {field.name: field for room in Settings.__bases__ for field in dataclasses.fields(room)}
"""What there is to set, in that order."""


def load(variables: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises ConfigError naming the setting and where it was read."""
    variables = os.environ if variables is None else variables
    given = {
        key.removeprefix(PREFIX).lower(): value
        for key, value in variables.items()
        if key.startswith(PREFIX) and key not in _NO_SETTINGS and value != ""
    }
    home = Path(given["home"]).expanduser() if "home" in given else default_home()
    named = variables.get(_CONFIG)
    file = Path(named).expanduser() if named else home / "soundstage.toml"
    merged = _read(file, needed=bool(named)) | {
        name: _read_variable(name, value) for name, value in given.items()
    }
    try:
        settings = msgspec.convert(merged, Settings, strict=False, dec_hook=_read_path)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), set(given), file, merged)) from None
    return dataclasses.replace(
        settings,
        home=settings.home.expanduser().absolute(),
        stream_environment=settings.stream_environment.expanduser().absolute(),
    )


def reference() -> str:
    """Write the table of settings for the documentation."""
    lines = ["| Variable | Default | What it is |", "|---|---|---|"]
    for name, field in FIELDS.items():
        default = "see text" if field.default is dataclasses.MISSING else field.default
        if isinstance(default, tuple):
            default = ",".join(map(str, default))
        text = next(filter(None, (meta.description for meta in get_args(field.type)[1:])))
        lines.append(
            f"| `{PREFIX}{name.upper()}` | {default if default != '' else 'empty'} | {text} |"
        )
    return "\n".join(lines) + "\n"


def _read_variable(name: str, text: str) -> Any:
    """Read what a variable holds: parts with commas between, JSON, or the setting itself."""
    if name not in FIELDS:
        raise ConfigError(f"{PREFIX}{name.upper()}: there is no such setting.{_like(name, PREFIX)}")
    wanted = get_args(FIELDS[name].type)[0]
    if wanted is bool:
        return _read_switch(name, text)
    kind = get_origin(wanted)
    if kind in {list, tuple}:
        return [part.strip() for part in text.split(",")]
    if kind is not dict:
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{PREFIX}{name.upper()}: this is no JSON: {error}") from None


def _read_switch(name: str, text: str) -> bool:
    """Read yes or no, in the words that people have for it."""
    if text.casefold() in _ON:
        return True
    if text.casefold() in _OFF:
        return False
    raise ConfigError(f"{PREFIX}{name.upper()}: it is true or false, not {text}.")


def _explain(complaint: str, variables: set[str], file: Path, given: Mapping[str, Any]) -> str:
    """Name the setting, and where it was read, in place of the decoder's path to it."""
    what, _, path = complaint.partition(" - at ")
    name = path.strip("`").removeprefix("$.").partition("[")[0]
    kind = _WRONG_KIND.match(what)
    if kind and isinstance(given.get(name), str | int | float):
        what = f"It is {_KINDS[kind[1]]}, not {given[name]}."
    if name in variables:
        return f"{PREFIX}{name.upper()}: {what}"
    if not name:
        return f"{file}: {what}"
    example = _example(name, given.get(name)) if path.strip("`") == f"$.{name}" else ""
    return f"{file}: {name}: {what}{example}"


def _example(name: str, given: Any) -> str:
    """Show how a list is written in the file, made of what stands there."""
    is_list = get_origin(get_args(FIELDS[name].type)[0]) in {list, tuple}
    if not is_list or isinstance(given, list | dict):
        return ""
    parts = [part.strip() for part in given.split(",")] if isinstance(given, str) else [given]
    written = ", ".join(msgspec.json.encode(part).decode() for part in parts)
    return f". It is a list, so write {name} = [{written}]"


def _read_path(kind: type, text: Any) -> Any:
    if kind is Path and isinstance(text, str):
        return Path(text)
    raise NotImplementedError(kind)


def _read(file: Path, *, needed: bool) -> dict[str, Any]:
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if needed:
            raise ConfigError(f"{_CONFIG} names {file}, which does not exist.") from None
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} can't be read: {error}") from None
    for name in read:
        if name not in FIELDS:
            raise ConfigError(f"{file}: {name}: there is no such setting.{_like(name)}")
    return read


def _like(name: str, prefix: str = "") -> str:
    """Name the setting that was meant, if one is called nearly so."""
    found = difflib.get_close_matches(name, FIELDS, 1)
    meant = f"{prefix}{found[0]}".upper() if prefix and found else "".join(found)
    return f" Is {meant} meant?" if found else " `soundstage reference settings` lists them all."
