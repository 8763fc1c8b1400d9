"""Whole points beside the embedded shard, packed as bytes in one SQLite file, with the counts that BM25 needs.

The shard finds, this file gives back: the engine hands vectors out as Python lists (160 ns a number with the GIL held,
360 ms for a search's 48 candidates), a packed point is read in 0.1 ms. It does not know the shard.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from adapters.packed_points import pack_point, unpack_point
from adapters.qdrant_edge_terms import TERM_SCHEMA, TermCounts
from core.stores import SegmentPoint

_SCHEMA = """
CREATE TABLE IF NOT EXISTS points (
    number INTEGER PRIMARY KEY, segment_id TEXT NOT NULL UNIQUE, video_id TEXT NOT NULL, part INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS points_by_part ON points (video_id, part);
"""

_PUT = """
INSERT INTO points (segment_id, video_id, part, data) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (segment_id) DO UPDATE SET video_id = ?2, part = ?3, data = ?4 RETURNING number
"""


class PointFile:
    """The file; not for two threads at once. Its row numbers are the ids of the points in the shard.

    Raises (every method):
        sqlite3.Error: the disk fails, or the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False)
        try:
            self._database.execute("PRAGMA page_size = 8192")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(_SCHEMA + TERM_SCHEMA)
        except sqlite3.DatabaseError:
            self._database.close()
            raise
        self.terms = TermCounts(self._database)

    def put(self, points: Sequence[SegmentPoint]) -> list[int]:
        """Store the points in place of those with the same ids; return the number of each, the same as before."""
        with self._database:
            self.terms.remove(list(self.get([point.segment.id for point in points]).values()))
            self.terms.add(list({point.segment.id: point for point in points}.values()))
            return [self._put_one(point) for point in points]

    def get(self, segment_ids: Iterable[str]) -> dict[str, SegmentPoint]:
        """Return the points that are here."""
        found = {}
        for segment_id in segment_ids:
            row = self._database.execute("SELECT data FROM points WHERE segment_id = ?", (segment_id,)).fetchone()
            if row is not None:
                found[segment_id] = unpack_point(row[0])
        return found

    def names(self, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return segment id and video id of the points that are here, by number."""
        marks = ",".join("?" * len(numbers))
        select = f"SELECT number, segment_id, video_id FROM points WHERE number IN ({marks})"
        return {
            number: (segment_id, video_id) for number, segment_id, video_id in self._database.execute(select, numbers)
        }

    def delete_part(self, video_id: str, part: int) -> None:
        rows = self._database.execute("SELECT segment_id FROM points WHERE video_id = ? AND part = ?", (video_id, part))
        self._delete([segment_id for (segment_id,) in rows])

    def delete_video(self, video_id: str) -> None:
        rows = self._database.execute("SELECT segment_id FROM points WHERE video_id = ?", (video_id,))
        self._delete([segment_id for (segment_id,) in rows])

    def count(self, video_id: str | None = None) -> int:
        condition = "" if video_id is None else " WHERE video_id = ?"
        parameters = () if video_id is None else (video_id,)
        (count,) = self._database.execute(f"SELECT count(*) FROM points{condition}", parameters).fetchone()
        return int(count)

    def close(self) -> None:
        self._database.close()

    def _put_one(self, point: SegmentPoint) -> int:
        segment = point.segment
        values = (segment.id, segment.video_id, segment.part, pack_point(point))
        (number,) = self._database.execute(_PUT, values).fetchone()
        return int(number)

    def _delete(self, segment_ids: Sequence[str]) -> None:
        with self._database:
            self.terms.remove(list(self.get(segment_ids).values()))
            self._database.executemany("DELETE FROM points WHERE segment_id = ?", [(found,) for found in segment_ids])
