"""Brings a database to the newest schema; API and workers may all do so at the same moment.

It does not know the tables; each step is a file in ``migrations/versions``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from filelock import FileLock

from adapters.sql_engine import Database
from core.errors import BadInput, TryAgain


def upgrade_schema(db: Database) -> None:
    """Create or upgrade the tables; nothing changes where they are current.

    Raises:
        BadInput: the file is not a database, or a newer Kinograph made it.
        TryAgain: the database is away, or its folder cannot be written.
    """
    try:
        with _alone(db), db.write() as connection:
            db.lock(connection, "kinograph schema")
            config = Config()
            config.set_main_option("script_location", "adapters:migrations")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        remedy = "Run the Kinograph version that last used it, or a newer one."
        raise BadInput(f"the database has a schema this version does not know: {error}", remedy=remedy) from error


@contextmanager
def _alone(db: Database) -> Iterator[None]:
    """Hold a file lock beside a SQLite database, and put it in WAL mode; PostgreSQL needs neither."""
    if db.path is None:
        yield
        return
    try:
        db.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{db.path}.lock")
        lock.acquire()
    except OSError as error:
        raise TryAgain(f"cannot write beside the database: {error}", remedy="Free space or fix permissions.") from error
    try:
        db.enter_wal_mode()
        yield
    finally:
        lock.release()
