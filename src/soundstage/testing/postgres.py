"""A PostgreSQL server for the length of a test run: in a folder of its own, without a TCP port.

Tests of what must hold on both databases use it. It needs the server's programs (`postgresql` in
`requirements/apt-test.txt`), and fails without them, so that no promise goes untested.
"""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy

from soundstage.kit.database import Database

_QUIET = (
    "-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=200 "
    # Nobody needs what a test wrote after a power cut.
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
)


class MissingPostgresError(Exception):
    """The server's programs are not installed."""


class Postgres:
    """A running server; `database` makes one database after another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._template = ""

    def url(self, name: str = "postgres") -> str:
        """Name a database as SQLAlchemy does."""
        return f"postgresql+psycopg://soundstage@/{name}?host={self.folder}"

    @contextmanager
    def database(self, *, is_current: bool = False) -> Iterator[str]:
        """Make a database, give its address, and drop it: an empty one, or one with this release's
        schema, as `testing.schema` gives it to files.
        """
        name = f"test_{secrets.token_hex(6)}"
        template = f" TEMPLATE {self._current()}" if is_current else ""
        self._execute(f"CREATE DATABASE {name}{template}")
        try:
            yield self.url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _current(self) -> str:
        """Name the database that others are copied from, which nobody may be connected to."""
        if not self._template:
            self._execute("CREATE DATABASE current")
            database = Database(self.url("current"))
            database.upgrade()
            database.dispose()
            self._template = "current"
        return self._template

    def _execute(self, statement: str) -> None:
        engine = sqlalchemy.create_engine(self.url(), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(statement)
        finally:
            engine.dispose()


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server as an ordinary user, and stop it. Raises MissingPostgresError."""
    programs = _programs()
    # A socket's path may be 107 bytes long, so the folder's is short.
    folder = Path(tempfile.mkdtemp(prefix="soundstage-pg-", dir="/tmp"))
    who = _ordinary_user(folder)
    data = str(folder / "data")
    try:
        initdb = [str(programs / "initdb"), "--auth=trust", "--username=soundstage"]
        _run([*initdb, "--encoding=UTF8", "--no-locale", "--no-sync", data], who)
        control = [str(programs / "pg_ctl"), "-D", data, "-w"]
        options = _QUIET.format(folder=folder)
        _run([*control, "-l", str(folder / "log"), "-o", options, "start"], who)
        try:
            yield Postgres(folder)
        finally:
            _run([*control, "-m", "immediate", "stop"], who)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    """Find the newest server's programs; Debian keeps them off PATH, one folder a version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if found:
        return found[-1].parent
    program = shutil.which("initdb")
    if program is None:
        raise MissingPostgresError("There is no PostgreSQL server; `make setup` installs one.")
    return Path(program).parent


def _version(initdb: Path) -> int:
    return int(initdb.parents[1].name)


def _ordinary_user(folder: Path) -> dict[str, Any]:
    """Say as whom to run: the server refuses to be root's."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _run(command: list[str], who: dict[str, Any]) -> None:
    done = subprocess.run(
        command,
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        **who,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stdout.decode(errors='replace')}")
