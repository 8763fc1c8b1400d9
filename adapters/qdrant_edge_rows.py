"""Whole points beside the embedded shard, packed as bytes in one SQLite file, with the counts that BM25 needs.

The shard finds, this file gives back: the engine hands vectors out as Python lists (160 ns a number with the GIL held,
360 ms for a search's 48 candidates), a packed point is read in 0.1 ms. It does not know the shard.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from adapters.packed_points import pack_point, unpack_points
from adapters.qdrant_edge_terms import TERM_SCHEMA, TermCounts
from core.records import Segment
from core.stores import SegmentPoint

_SCHEMA = """
CREATE TABLE IF NOT EXISTS segments (
    number INTEGER PRIMARY KEY, segment_id TEXT NOT NULL UNIQUE, video_id TEXT NOT NULL, part INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS segments_by_part ON segments (video_id, part);
CREATE TABLE IF NOT EXISTS points (number INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS point_goes AFTER DELETE ON segments BEGIN
    DELETE FROM points WHERE number = old.number;
END;
"""
# The names stand apart from the points, which are 200 times as long: those of a million segments stay in memory.

_CACHE_KB = 32_000
"""The upper pages of the indexes over a million segments; SQLite's own 2,000 hold those of 40,000."""

_NUMBER = """
INSERT INTO segments (segment_id, video_id, part) VALUES (?1, ?2, ?3)
ON CONFLICT (segment_id) DO UPDATE SET video_id = ?2, part = ?3 RETURNING number
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
            self._database.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
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
            numbers = [self._number(point.segment) for point in points]
            packed = [(number, pack_point(point)) for number, point in zip(numbers, points, strict=True)]
            self._database.executemany("INSERT OR REPLACE INTO points VALUES (?, ?)", packed)
        return numbers

    def get(self, segment_ids: Sequence[str]) -> dict[str, SegmentPoint]:
        """Return the points that are here, in the order of the ids."""
        select = (
            "SELECT segment_id, data FROM segments JOIN points USING (number)"
            " WHERE segment_id IN (SELECT value FROM json_each(?))"
        )
        data_by_id: dict[str, bytes] = dict(self._database.execute(select, (json.dumps(list(segment_ids)),)))
        found = [segment_id for segment_id in dict.fromkeys(segment_ids) if segment_id in data_by_id]
        return dict(zip(found, unpack_points([data_by_id[segment_id] for segment_id in found]), strict=True))

    def names(self, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return segment id and video id of the points that are here, by number."""
        marks = ",".join("?" * len(numbers))
        select = f"SELECT number, segment_id, video_id FROM segments WHERE number IN ({marks})"
        return {
            number: (segment_id, video_id) for number, segment_id, video_id in self._database.execute(select, numbers)
        }

    def delete_part(self, video_id: str, part: int) -> None:
        rows = self._database.execute(
            "SELECT segment_id FROM segments WHERE video_id = ? AND part = ?", (video_id, part)
        )
        self._delete([segment_id for (segment_id,) in rows])

    def delete_video(self, video_id: str) -> None:
        rows = self._database.execute("SELECT segment_id FROM segments WHERE video_id = ?", (video_id,))
        self._delete([segment_id for (segment_id,) in rows])

    def count(self, video_id: str | None = None) -> int:
        condition = "" if video_id is None else " WHERE video_id = ?"
        parameters = () if video_id is None else (video_id,)
        (count,) = self._database.execute(f"SELECT count(*) FROM segments{condition}", parameters).fetchone()
        return int(count)

    def close(self) -> None:
        self._database.close()

    def _number(self, segment: Segment) -> int:
        values = (segment.id, segment.video_id, segment.part)
        (number,) = self._database.execute(_NUMBER, values).fetchone()
        return int(number)

    def _delete(self, segment_ids: Sequence[str]) -> None:
        with self._database:
            self.terms.remove(list(self.get(segment_ids).values()))
            self._database.executemany("DELETE FROM segments WHERE segment_id = ?", [(found,) for found in segment_ids])
