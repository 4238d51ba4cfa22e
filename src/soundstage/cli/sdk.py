"""`soundstage sdk` and the model that `soundstage env` leads to: today's SDKs get the service back.

SDKs look for services in folders of documents, `nimble/<version>/service-2.json` and its like. When
several folders have a service they take the newest version, and of one version the first folder's.
"""

import os
import tempfile
from pathlib import Path

import click
import msgspec

from soundstage.cli.lazy import ListedGroup
from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.operations import OPERATIONS
from soundstage.resources.waiters import WAITERS
from soundstage.wire.service_model import API_VERSION, GENERATOR, SERVICE, documents, encoded

FALLBACK_VERSION = "2020-07-31"
"""A day before the public API's: an SDK that still has a model of its own prefers it to ours."""
_WHAT = f"the {len(OPERATIONS)} operations of {SERVICE}"
_READABLE = 0o644


@click.group("sdk", cls=ListedGroup)
def sdk() -> None:
    """Give the service back to SDKs that no longer know it."""


@sdk.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def export_command(folder: Path) -> None:
    """Write the service's model into DIR, for AWS_DATA_PATH."""
    export(folder)


@sdk.command("install")
@click.option("--force", is_flag=True, help="Replace a model that is not from here.")
def install_command(*, force: bool) -> None:
    """Write the service's model to ~/.aws/models, where your SDKs always look."""
    install(force=force)


def export(folder: Path) -> None:
    """Write the model into a folder that AWS_DATA_PATH can name."""
    _write(folder, API_VERSION)
    click.echo(f"Wrote {_WHAT} to {folder / SERVICE / API_VERSION}.")
    click.echo(f"An SDK finds them with AWS_DATA_PATH={folder.absolute()}")


def install(*, force: bool) -> None:
    """Write the model where the user's SDKs always look. Raises ConfigError for others' files."""
    models = Path.home() / ".aws" / "models"
    folder = models / SERVICE / API_VERSION
    foreign = [name for name in _contents(API_VERSION) if not _is_ours_or_absent(folder / name)]
    if foreign and not force:
        raise ConfigError(
            f"{folder} has {', '.join(foreign)} from elsewhere. With --force they are replaced."
        )
    written = _write(models, API_VERSION)
    if written:
        click.echo(f"Wrote {_WHAT} to {folder}.")
    else:
        click.echo(f"{folder} has {_WHAT} already.")
    click.echo("Every boto3 and AWS command line of this user knows them now.")


def ensure_fallback(settings: Settings) -> Path:
    """Keep a model in the home folder, for SDKs that have none, and give AWS_DATA_PATH's folder."""
    folder = settings.home / "sdk"
    _write(folder, FALLBACK_VERSION)
    return folder


def _contents(version: str) -> dict[str, bytes]:
    made = documents(OPERATIONS, WAITERS, version)
    return {name: encoded(document) for name, document in made.items()}


def _write(models: Path, version: str) -> list[str]:
    """Write what differs, each file at once or not at all, and give the names of what did."""
    folder = models / SERVICE / version
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in _contents(version).items():
            path = folder / name
            if not path.is_file() or path.read_bytes() != content:
                _replace(path, content)
                written.append(name)
    except OSError as error:
        raise ConfigError(f"{folder} can't be written: {error.strerror}.") from None
    return written


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(_READABLE)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _is_ours_or_absent(path: Path) -> bool:
    if not path.exists():
        return True
    try:
        document = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return False
    return isinstance(document, dict) and document.get("generatedBy") == GENERATOR
