"""Databases for tests: a SQLite file, and a real PostgreSQL where one is configured or its programs are installed.

Set KINOGRAPH_TEST_POSTGRES_URL to use a server of your own (its tables are emptied); otherwise a temporary cluster is
started from the installed programs (Debian: apt-get install postgresql), reachable through a socket only.
"""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from adapters.sql_catalogue import SqlCatalogue
from adapters.sql_schema import metadata

URL_VARIABLE = "KINOGRAPH_TEST_POSTGRES_URL"


class Clock:
    """A clock that moves when told, so that no test waits for a lease to end."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds


@contextmanager
def fresh_catalogue(kind: str, folder: Path, clock: Callable[[], float]) -> Iterator[SqlCatalogue]:
    """Yield an empty catalogue of the kind ``sqlite`` or ``postgres``; skip where there is no PostgreSQL."""
    url = database_url(kind, folder)
    catalogue = SqlCatalogue.open(url, now=clock)
    if kind == "postgres":
        _execute(url, f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY CASCADE")
    try:
        yield catalogue
    finally:
        catalogue.close()


def database_url(kind: str, folder: Path) -> str:
    """Return the URL of a database; a SQLite file is a new one, PostgreSQL may hold tables of the last test."""
    if kind == "sqlite":
        return f"sqlite:///{folder / 'catalogue.db'}"
    url = os.environ.get(URL_VARIABLE)
    if url is None:
        url, why_not = _start_postgres()
        if not url:
            pytest.skip(f"no PostgreSQL ({why_not}): set {URL_VARIABLE}, or apt-get install postgresql")
    return url


def drop_tables(url: str) -> None:
    """Remove all our tables from a PostgreSQL database."""
    _execute(url, f"DROP TABLE IF EXISTS {', '.join([*metadata.tables, 'alembic_version'])} CASCADE")


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@functools.cache
def _start_postgres() -> tuple[str, str]:
    """Start a cluster that lives as long as this test run; return its URL, or "" and why there is none."""
    programs, account = _postgres_programs(), _unprivileged_account()
    if programs is None:
        return "", "initdb and pg_ctl are not installed"
    if os.geteuid() == 0 and account is None:
        return "", "it refuses to run as root, and there is no account named postgres"
    folder = Path(tempfile.mkdtemp(prefix="kinograph-pg-"))
    if account is not None:
        shutil.chown(folder, account)
    data = str(folder / "data")

    def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(programs / program), "-D", data, *arguments]
        return subprocess.run(command, user=account, cwd="/", capture_output=True, text=True, timeout=60, check=False)

    def stop() -> None:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    options = f"-c listen_addresses='' -c fsync=off -k {folder}"
    for done in (
        run("initdb", "-A", "trust", "-U", "kinograph", "-E", "UTF8", "--no-sync"),
        run("pg_ctl", "-l", str(folder / "log"), "-o", options, "-w", "start"),
    ):
        if done.returncode:
            return "", f"it does not start: {done.stderr.strip()[-300:]}"
    return f"postgresql+psycopg://kinograph@/postgres?host={folder}", ""


def _postgres_programs() -> Path | None:
    """Return the folder of initdb and pg_ctl; Debian keeps them off the path."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").exists()), None)


def _unprivileged_account() -> str | None:
    """Return the account to run PostgreSQL as when the tests run as root, which it refuses; None: as ourselves."""
    try:
        return pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None
    except KeyError:
        return None
