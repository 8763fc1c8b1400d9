"""Document frequencies a tenant, kept as points come and go, so that a query's terms get their IDF without a scan.

The engine would count them anew for each query over all points of the tenant (29 ns a point), or over all tenants and
deleted points, so that scores drift with deletions and tell of others' words. It does not know vectors.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Sequence

from core.signals import SparseVector
from core.stores import SegmentPoint

TERM_SCHEMA = """
CREATE TABLE IF NOT EXISTS terms (
    tenant TEXT NOT NULL, term INTEGER NOT NULL, n_points INTEGER NOT NULL, PRIMARY KEY (tenant, term)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tenants (tenant TEXT PRIMARY KEY, n_points INTEGER NOT NULL, n_with_terms INTEGER NOT NULL);
"""


class TermCounts:
    """The counts, in the database of the points and in their transactions."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def add(self, points: Sequence[SegmentPoint]) -> None:
        self._change(points, 1)

    def remove(self, points: Sequence[SegmentPoint]) -> None:
        self._change(points, -1)

    def is_only_tenant(self, tenant: str) -> bool:
        """Whether every point here is of this tenant."""
        others = "SELECT 1 FROM tenants WHERE tenant != ? AND n_points > 0 LIMIT 1"
        return self._database.execute(others, (tenant,)).fetchone() is None

    def weigh(self, query: SparseVector, tenant: str) -> SparseVector:
        """Return the query with each weight times the term's IDF among the tenant's points, as Lucene's BM25 has it."""
        row = self._database.execute("SELECT n_with_terms FROM tenants WHERE tenant = ?", (tenant,)).fetchone()
        n_points = row[0] if row else 0
        select = "SELECT n_points FROM terms WHERE tenant = ? AND term = ?"
        weights = []
        for term, weight in zip(query.indices, query.values, strict=True):
            held = self._database.execute(select, (tenant, term)).fetchone()
            weights.append(weight * inverse_document_frequency(n_points, held[0] if held else 0))
        return SparseVector(query.indices, tuple(weights))

    def _change(self, points: Sequence[SegmentPoint], sign: int) -> None:
        n_terms: Counter[tuple[str, int]] = Counter()
        n_points: Counter[str] = Counter()
        n_with_terms: Counter[str] = Counter()
        for point in points:
            lexical = point.vectors.lexical
            indices = lexical.indices if lexical is not None else ()
            n_points[point.tenant] += 1
            n_with_terms[point.tenant] += bool(indices)
            n_terms.update((point.tenant, index) for index in indices)
        self._database.executemany(
            "INSERT INTO tenants VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET"
            " n_points = n_points + ?2, n_with_terms = n_with_terms + ?3",
            [(tenant, sign * count, sign * n_with_terms[tenant]) for tenant, count in n_points.items()],
        )
        self._database.executemany(
            "INSERT INTO terms VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET n_points = n_points + ?3",
            [(tenant, term, sign * count) for (tenant, term), count in sorted(n_terms.items())],
        )


def inverse_document_frequency(n_points: int, n_holding: int) -> float:
    """Return BM25's weight of a term, never negative.

    >>> round(inverse_document_frequency(100, 1), 2), round(inverse_document_frequency(100, 100), 3)
    (4.21, 0.005)
    """
    return math.log(1 + (n_points - n_holding + 0.5) / (n_holding + 0.5))
