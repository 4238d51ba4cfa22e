"""`soundstage backups`: what is kept, what is in it, whether it is whole, and the way back.

Listing, looking inside and asking for a backup go through the API of a running service, here or
elsewhere. Checks, keys and the recovery work on the home folder and the store themselves.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from soundstage.cli import recover
from soundstage.cli.commands import noun_group
from soundstage.cli.connection import Connection, with_connection
from soundstage.cli.output import Form, output_option, show_one, show_rows
from soundstage.client.calls import CallError
from soundstage.engines import registry
from soundstage.engines.interface import EngineError, SupportsChecking, SupportsStudioCopies
from soundstage.kit.clock import system_clock
from soundstage.kit.config import ConfigError, Settings
from soundstage.resources.backups import safekeeping
from soundstage.resources.backups.safekeeping import Verdict
from soundstage.wiring.home import opened

_READ_SECONDS = 300.0


backups = noun_group("backups")


@backups.command("create")
@click.argument("session")
@with_connection
def create_command(connection: Connection, *, session: str) -> None:
    """Begin a backup of a session that rests or runs."""
    made = connection.client.call(
        "CreateStreamingSessionBackup", studioId=connection.studio_id, sessionId=session
    )
    click.echo(made["streamingSessionBackup"]["backupId"])


@backups.command("browse")
@click.argument("backup")
@click.argument("path", default="")
@output_option
@with_connection
def browse_command(connection: Connection, *, backup: str, path: str, output: Form) -> None:
    """List a folder of a backup, the home itself if no PATH is given."""
    files = connection.client.pages(
        "ListStreamingSessionBackupFiles",
        studioId=connection.studio_id,
        backupId=backup,
        path=path or None,
    )
    rows = [
        {
            "type": file["type"],
            "bytes": file["sizeInBytes"],
            "modified": file["modifiedAt"],
            "path": file["path"],
        }
        for file in files
    ]
    show_rows(output, "files", rows)


@backups.command("fetch")
@click.argument("backup")
@click.argument("path")
@click.argument("target", required=False, type=click.Path(path_type=Path))
@with_connection
def fetch_command(connection: Connection, *, backup: str, path: str, target: Path | None) -> None:
    """Take one file out of a backup, into TARGET or this folder."""
    name = path.rstrip("/").rpartition("/")[2]
    place = target / name if target is not None and target.is_dir() else target or Path(name)
    found = connection.client.call(
        "GetStreamingSessionBackupFile",
        studioId=connection.studio_id,
        backupId=backup,
        path=path,
    )
    # The address is the one for browsers; a program reaches the service where it calls it.
    query = found["url"].partition("?")[2]
    url = f"{connection.client.address}/backup-files/?{query}"
    _download(url, place, found["file"]["sizeInBytes"])


def _download(url: str, place: Path, size: int) -> None:
    """Write beside the place first: what is there is replaced by a whole file or not at all."""
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    timeout = httpx.Timeout(30.0, read=_READ_SECONDS)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    try:
        with (
            httpx.stream("GET", url, timeout=timeout, trust_env=False) as answer,
            Progress(*columns, console=Console(file=sys.stderr)) as progress,
            unfinished.open("wb") as file,
        ):
            if not answer.is_success:
                raise CallError("NotFetched", answer.status_code, answer.read().decode().strip())
            task = progress.add_task(place.name, total=size)
            for piece in answer.iter_bytes():
                file.write(piece)
                progress.update(task, advance=len(piece))
        unfinished.rename(place)
    except httpx.HTTPError as error:
        raise CallError("NotFetched", 0, f"It broke off: {error}") from None
    except OSError as error:
        raise ConfigError(f"{place} can't be written: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)


@backups.command("verify")
@click.option("--all-data", is_flag=True, help="Read everything; takes as long as a full restore.")
@click.option("--last", is_flag=True, help="Show what was found last, by whomever it was done.")
@output_option
@click.pass_obj
def verify_command(settings: Settings, *, all_data: bool, last: bool, output: Form) -> None:
    """Look whether every backup is there and whole; exit code 1 if not."""
    if last:
        verdict = safekeeping.read_notes(settings.home).verdict
        if verdict is None:
            raise ConfigError("The backups were never looked through.")
    else:
        with _working("Looking through the backups"), opened(settings) as (database, _):
            engine = registry.make(settings, system_clock)
            if not isinstance(engine, SupportsChecking):
                raise ConfigError("SOUNDSTAGE_ENGINE: this engine's backups can't be checked.")
            data = "100%" if all_data else None
            verdict = safekeeping.verify(engine, database, data=data, clock=system_clock)
        safekeeping.write_notes(settings.home, verdict=verdict)
    _show(verdict, output)
    if not verdict.is_well:
        sys.exit(1)


def _show(verdict: Verdict, output: Form) -> None:
    show_one(
        output,
        {
            "looked": verdict.at,
            "data read": verdict.data,
            "backups": verdict.backups,
            "problems": verdict.problems,
            "missing": verdict.missing,
            "unknown": verdict.unknown,
            "verdict": "all is well" if verdict.is_well else "NOT WELL",
        },
    )


@backups.command("studio")
@click.pass_obj
def studio_command(settings: Settings) -> None:
    """Keep a copy of the studio's database beside the backups, now."""
    with _working("Keeping the studio"), opened(settings) as (database, _):
        engine = registry.make(settings, system_clock)
        if not isinstance(engine, SupportsStudioCopies):
            raise ConfigError("SOUNDSTAGE_ENGINE: this engine keeps no copies of the studio.")
        if not database.can_be_copied:
            raise ConfigError(
                "SOUNDSTAGE_DATABASE_URL: this database has tools of its own, such as pg_dump."
            )
        safekeeping.keep_studio(engine, database)
        safekeeping.write_notes(settings.home, studio_kept_at=system_clock())


@backups.group("key")
def key() -> None:
    """What opens the backups when nothing else is left."""


@key.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def key_export_command(settings: Settings, *, file: Path) -> None:
    """Write the recovery key into FILE; keep it apart from the backups, and from others."""
    with _working("Writing the key"):
        recover.export_key(settings, file)


@backups.command("recover")
@click.argument("file", metavar="KEYFILE", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def recover_command(settings: Settings, *, file: Path) -> None:
    """Bring the studio back on an empty machine, from its backups and its recovery key."""
    with _working("Recovering the studio"):
        found = recover.recover(settings, file)
    show_one(
        "table",
        {
            "kept": found.kept_at,
            "sessions with a backup": found.sessions.with_backup,
            "sessions without": found.sessions.without_backup,
            "newer backups": found.sessions.adopted,
            "missing backups": found.sessions.missing,
        },
    )
    click.echo("Start the service now. Each session starts from its newest backup.")


@contextmanager
def _working(what: str) -> Iterator[None]:
    """Show that it works, and turn what went wrong outside into one sentence."""
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            progress.add_task(what, total=None)
            yield
    except EngineError as error:
        raise ConfigError(str(error)) from None
