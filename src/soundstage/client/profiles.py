"""Studios elsewhere by name: the file that `soundstage login` writes and `--profile` reads.

    default = "film"

    [profiles.film]
    address = "https://studio.example.org"
    access_key_id = "AKIA…"
    secret = { command = "pass show studio" }

It holds no secret, only where that is; what it names may still be nobody else's business, so it is
written for its owner alone.
"""

import os
import re
import tempfile
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from soundstage.client.secrets import Reference
from soundstage.kit.config import ConfigError

HOME = "home"
"""The name that always means the service of this machine's home folder."""


class Profile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How one studio is reached, and as whom."""

    address: Annotated[str, Meta(pattern=r"^https?://[^/?#\s@]+\Z")]
    access_key_id: Annotated[str, Meta(pattern=r"^\w{1,128}\Z")]
    secret: Reference
    region: str = "us-west-2"
    studio: str = ""
    """The studio's id, where there are several."""
    certificate: str = ""
    """A file with what the service's own certificate is checked against."""


class Profiles(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The file."""

    default: str = ""
    profiles: dict[Annotated[str, Meta(pattern=r"^[\w.-]{1,64}\Z")], Profile] = {}


def read(file: Path) -> Profiles:
    """Read the file; where there is none there are no profiles. Raises ConfigError."""
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Profiles)
    except FileNotFoundError:
        return Profiles()
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is no TOML: {error}.") from None
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        raise ConfigError(f"{file}: {path.strip('`').removeprefix('$.')}: {what}.") from None


def find(file: Path, name: str) -> Profile:
    """Give a profile by its name. Raises ConfigError that lists those that there are."""
    known = read(file).profiles
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise ConfigError(
            f"There is no profile {name} in {file}, which has {names}. "
            f"`soundstage login {name}` makes one."
        )
    return known[name]


def write(file: Path, name: str, profile: Profile, *, is_default: bool = False) -> None:
    """Put a profile into the file, mode 0600, whole or not at all. Raises ConfigError."""
    before = read(file)
    after = Profiles(
        default=name if is_default else before.default,
        profiles={**before.profiles, name: profile},
    )
    try:
        msgspec.convert(msgspec.to_builtins(after), Profiles)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        raise ConfigError(f"{path.strip('`').rpartition('.')[2] or name}: {what}.") from None
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(_toml(after))
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{file} can't be written: {error.strerror}.") from None


def _toml(profiles: Profiles) -> str:
    document: dict[str, Any] = msgspec.to_builtins(profiles)
    lines = [f"default = {_string(profiles.default)}", ""] if profiles.default else []
    for name, profile in sorted(document.get("profiles", {}).items()):
        lines.append(f"[profiles.{_string(name)}]")
        for key, value in profile.items():
            written = (
                "{ " + ", ".join(f"{k} = {_string(v)}" for k, v in value.items() if v) + " }"
                if isinstance(value, dict)
                else _string(value)
            )
            lines.append(f"{key} = {written}")
        lines.append("")
    return "\n".join(lines)


def _string(text: str) -> str:
    """Write TOML's basic string, which is JSON's but for one more character that it escapes."""
    return re.sub("\x7f", r"\\u007f", msgspec.json.encode(text).decode())
