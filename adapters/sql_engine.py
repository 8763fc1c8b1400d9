"""Opens the database and runs transactions that behave alike on SQLite and PostgreSQL.

It does not know the tables.
"""

from __future__ import annotations

import json
import os
import sqlite3
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Engine,
    Pool,
    any_,
    create_engine,
    event,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from core.errors import BadInput, Conflict, TryAgain

BUSY_TIMEOUT_S = 30.0
"""How long a transaction waits for another one; ours take milliseconds, so only a stuck disk lasts longer."""

_WRITES = "kinograph_writes"


class Database:
    """An engine with two kinds of transaction; safe to share between threads, and across a fork."""

    def __init__(self, url: str) -> None:
        """Prepare connections; none is opened yet.

        Raises:
            BadInput: the URL is not one of a SQLite file or a PostgreSQL server.
        """
        self.url = _checked_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        self._writing = self.engine.execution_options(**{_WRITES: True})
        _forget_connections_after_fork(self.engine)

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(self.url.database or "") if self.is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of the database and never waits for writers (SQLite WAL, MVCC)."""
        with _errors_mapped(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection whose changes are kept together when the block ends, or not at all."""
        with _errors_mapped(), self._writing.begin() as connection:
            yield connection

    def lock(self, connection: Connection, name: str) -> None:
        """Hold the named lock until the transaction ends; on SQLite a writer is alone anyway."""
        if not self.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})

    def enter_wal_mode(self) -> None:
        """Let readers of a SQLite file work beside the writer; the mode stays in the file.

        The switch needs the file for itself and does not wait its turn: callers hold a lock of their own.

        Raises:
            BadInput: the file is not a database.
        """
        try:
            with _errors_mapped(), self.engine.connect() as connection:
                # Through SQLAlchemy the statement would stand in a transaction, where it is refused.
                connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            raise TryAgain(f"the database cannot be opened: {error}", remedy=_remedy(str(error))) from error
        except DatabaseError as error:
            raise BadInput(f"{self.path} cannot be read: {error.orig}", remedy=_BROKEN_REMEDY) from error

    def close(self) -> None:
        self.engine.dispose()


class SqlStore:
    """What the parts of the catalogue share: the database and the clock (seconds since 1970)."""

    def __init__(self, db: Database, now: Callable[[], float]) -> None:
        self._db = db
        self._now = now


def is_in(connection: Connection, column: ColumnElement[Any], values: Collection[str | int]) -> ColumnElement[bool]:
    """Return the condition that the column holds one of the values, however many.

    They travel as one parameter: SQLite allows 32,766, and PostgreSQL looked up 40,000 in 0.1 s instead of 3.6 s.
    """
    if connection.dialect.name == "sqlite":
        return column.in_(select(func.json_each(json.dumps(list(values))).table_valued("value").c.value))
    return column == any_(literal(list(values), ARRAY(column.type)))


def _checked_url(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise BadInput("the database URL cannot be read", remedy=_URL_REMEDY) from error
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    raise BadInput(f"the catalogue cannot live in {parsed.render_as_string()}", remedy=_URL_REMEDY)


_BROKEN_REMEDY = "Restore the file from a backup, or point KINOGRAPH_HOME or KINOGRAPH_DATABASE_URL elsewhere."
_URL_REMEDY = "Use sqlite:////absolute/path.db or postgresql://user:password@host/database."


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _record: object) -> None:
        # sqlite3 must not begin transactions by itself; NORMAL in WAL mode survives the death of any process, and a
        # power cut can only lose the last transactions, never the file (sqlite.org/wal.html).
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that starts by reading and then writes cannot wait for a writer ahead of it: it fails at once
        # with "database is locked". IMMEDIATE takes its place in the queue first.
        is_write = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")

    return engine


def _postgres_engine(url: URL) -> Engine:
    return create_engine(url, pool_pre_ping=True, pool_size=5, max_overflow=20, pool_timeout=BUSY_TIMEOUT_S)


_inherited_pools: list[Pool] = []


def _forget_connections_after_fork(engine: Engine) -> None:
    """Give a forked child (a Celery pool process) connections of its own.

    The parent's are kept, unused: closing them in the child would end sessions that the parent still works with.
    """
    reference = weakref.ref(engine)

    def forget() -> None:
        if (inherited := reference()) is not None:
            _inherited_pools.append(inherited.pool)
            inherited.dispose(close=False)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forget)


@contextmanager
def _errors_mapped() -> Iterator[None]:
    """Turn a database that is away, busy or full into TryAgain, and an id used twice into Conflict.

    This is the only place that knows the drivers' errors.
    """
    try:
        yield
    except PoolTimeoutError as error:
        raise TryAgain("every connection to the database is in use", remedy="Wait a moment and retry.") from error
    except IntegrityError as error:
        remedy = "Ids stand for one thing each; give new things new ids."
        raise Conflict(f"this contradicts what is stored: {str(error.orig).strip()}", remedy=remedy) from error
    except (OperationalError, InterfaceError) as error:
        reason = str(error.orig).strip() or type(error.orig).__name__
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise  # the statement or the schema is wrong: a defect of ours, not a condition that passes
        raise TryAgain(f"the database does not answer: {reason}", remedy=_remedy(reason)) from error


def _remedy(reason: str) -> str:
    """Return what the operator can do about a driver's message.

    >>> _remedy("database or disk is full")
    'Free disk space, then retry.'
    """
    known = {
        "full": "Free disk space, then retry.",
        "No space left": "Free disk space, then retry.",
        "locked": "Another process holds the database for long; retry, and look for a stuck process.",
        "unable to open": "Check that the folder of the database exists and can be written.",
        "readonly": "Check that the database file and its folder can be written.",
    }
    fallback = "Check that the database server runs and that KINOGRAPH_DATABASE_URL is right."
    return next((remedy for sign, remedy in known.items() if sign in reason), fallback)
