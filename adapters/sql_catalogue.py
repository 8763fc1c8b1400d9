"""The catalogue in one SQL database, SQLite or PostgreSQL: the first of the four kinds of truth.

It does not know perception, retrieval or messages; each share of ``core.stores.Catalogue`` has a file of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import select

from adapters.sql_engine import Database
from adapters.sql_evidence import SqlEvidence
from adapters.sql_graph import SqlGraph
from adapters.sql_leases import SqlLeases
from adapters.sql_migrate import upgrade_schema
from adapters.sql_outbox import SqlOutbox
from adapters.sql_videos import SqlVideos


class SqlCatalogue(SqlVideos, SqlLeases, SqlOutbox, SqlEvidence, SqlGraph):
    """Implements ``core.stores.Catalogue``; threads may share one, processes open one each.

    Every method raises TryAgain, with nothing changed, when the database is away, busy for long, or its disk is full.
    """

    def __init__(self, url: str, *, now: Callable[[], float] = time.time) -> None:
        """Prepare to use a database whose schema is current; nothing is opened yet.

        Raises:
            BadInput: the URL names neither a SQLite file nor a PostgreSQL database.
        """
        super().__init__(Database(url), now)

    @classmethod
    def open(cls, url: str, *, now: Callable[[], float] = time.time) -> SqlCatalogue:
        """Bring the schema up to date and return the catalogue; a SQLite file and its folder are created.

        Raises:
            BadInput: the URL, the file or its schema is not ours.
            TryAgain: the database is away.
        """
        catalogue = cls(url, now=now)
        try:
            upgrade_schema(catalogue._db)
        except BaseException:
            catalogue.close()
            raise
        return catalogue

    def ping(self) -> None:
        with self._db.read() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        self._db.close()
