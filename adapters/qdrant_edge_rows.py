"""Token and frame matrices beside the embedded shard, as half-precision bytes in one SQLite file.

It does not know the shard, which holds the same rows; this copy exists because the engine hands rows back as Python
lists of floats: 48 segments of 120 tokens cost it 360 ms with the GIL held, and this file 25 ms of CPU.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.signals import FloatArray
from core.stores import SegmentPoint

_ROW_DTYPE = np.float16
"""As in the part artifact and in the shard, so the copy loses nothing."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    segment_id TEXT PRIMARY KEY, video_id TEXT NOT NULL, part INTEGER NOT NULL, tokens BLOB, frames BLOB
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rows_by_part ON rows (video_id, part);
"""


@dataclass(frozen=True, slots=True)
class SegmentRows:
    """The matrices of one segment, float32 (n, d); None where it has none."""

    tokens: FloatArray | None
    frames: FloatArray | None


class RowFile:
    """The file; not for two threads at once. It is a copy: losing it, or its last writes, costs speed only."""

    def __init__(self, path: Path, *, token_dim: int, frame_dim: int) -> None:
        self._token_dim, self._frame_dim = token_dim, frame_dim
        try:
            self._database = _open(path)
        except sqlite3.DatabaseError:  # damaged; it is only a copy
            path.unlink()
            self._database = _open(path)

    def put(self, points: Iterable[SegmentPoint]) -> None:
        """Store the rows of the points; points without any are remembered as such."""
        values = [
            (
                point.segment.id,
                point.segment.video_id,
                point.segment.part,
                _to_bytes(point.vectors.text_tokens),
                _to_bytes(point.vectors.frames),
            )
            for point in points
        ]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", values)

    def get(self, segment_ids: Sequence[str]) -> dict[str, SegmentRows]:
        """Return the rows of the segments that are known here."""
        found = {}
        for segment_id in segment_ids:
            row = self._database.execute(
                "SELECT tokens, frames FROM rows WHERE segment_id = ?", (segment_id,)
            ).fetchone()
            if row is not None:
                tokens, frames = row
                found[segment_id] = SegmentRows(_to_rows(tokens, self._token_dim), _to_rows(frames, self._frame_dim))
        return found

    def delete_part(self, video_id: str, part: int) -> None:
        with self._database:
            self._database.execute("DELETE FROM rows WHERE video_id = ? AND part = ?", (video_id, part))

    def delete_video(self, video_id: str) -> None:
        with self._database:
            self._database.execute("DELETE FROM rows WHERE video_id = ?", (video_id,))

    def close(self) -> None:
        self._database.close()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False)
    try:
        database.execute("PRAGMA page_size = 32768")  # a matrix of 90 kB on 3 pages: a third cheaper to read
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _to_bytes(rows: FloatArray | None) -> bytes | None:
    return None if rows is None or not rows.size else rows.astype(_ROW_DTYPE).tobytes()


def _to_rows(data: bytes | None, dimension: int) -> FloatArray | None:
    return None if data is None else np.frombuffer(data, dtype=_ROW_DTYPE).reshape(-1, dimension).astype(np.float32)
