"""The embedded vector index: Qdrant's own engine in this process, one shard in a folder, no server.

It does not know who publishes. One process owns the folder; everyone else goes through that process's API.

The engine holds the GIL while it works (measured: every other thread stands still for as long as a query runs), so keep
queries short: a prefetch of 200 with MaxSim rescoring takes 10 ms at 3,000 segments, MaxSim over all of them 110 ms.
Nothing is ever handed to the engine's optimiser, so rankings are exact; 50,000 dense vectors scan in 5 ms. The price:
the space of deleted points (105 kB a segment) comes back with ``kinograph rebuild`` only.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import qdrant_edge as engine
from filelock import FileLock, Timeout

from adapters import qdrant_edge_requests as requests
from adapters import qdrant_points as mapping
from adapters.qdrant_edge_rows import RowFile, SegmentRows
from core.errors import TryAgain
from core.stores import Channel, ChannelQuery, Scope, ScoredSegment, SegmentPoint

FLUSH_AFTER_S = 10.0
"""A flush is 16 fsync and 73 msync, 0.3 s on a busy disk with the GIL held, so not one a part. What was acknowledged
survives kill -9 without it (the log is in the page cache); a power cut loses at most the writes of these seconds."""

MIN_FREE_BYTES = 256 * 2**20
"""Below this nothing is written: the engine maps its files sparsely, and on a full disk the system ends the whole
process with SIGBUS (seen on a 120 MB disk), which no ``except`` can catch."""

_SMALL_CHANNELS = [Channel.TEXT.value, Channel.FRAME_MEAN.value, Channel.LEXICAL.value]


@dataclass(frozen=True, slots=True)
class _Opened:
    """The shard, and the copy of its matrices that reads fast."""

    shard: engine.EdgeShard
    rows: RowFile

    def close(self) -> None:
        self.shard.close()
        self.rows.close()


class EdgeSegmentIndex:
    """A ``SegmentIndex`` on qdrant-edge; safe to call from many threads, which take turns.

    ``recreate`` drops what stands in the folder first: the way out of a change of models. Close it when done: that
    writes everything out.

    Raises:
        TryAgain: another process (or another object here) holds the folder.
        Conflict: the folder was written with other dimensions.
    """

    def __init__(
        self,
        folder: Path,
        *,
        text_dim: int,
        token_dim: int,
        frame_dim: int,
        recreate: bool = False,
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._layout = mapping.PointLayout(text_dim, token_dim, frame_dim)
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._flush_timer: threading.Timer | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._ownership = _own(folder)
        try:
            self._opened = self._create() if recreate else self._load_or_create()
        except BaseException:
            self._ownership.release()
            raise

    def upsert(self, points: Sequence[SegmentPoint]) -> None:
        size = mapping.UPSERT_BATCH
        for start in range(0, len(points), size):
            batch = points[start : start + size]
            engine_points = [requests.engine_point(point) for point in batch]
            with self._turn() as opened:
                self._check_free_space()
                opened.shard.update(engine.UpdateOperation.upsert_points(engine_points))
                opened.rows.put(batch)
                self._flush_soon()

    def rank(self, query: ChannelQuery, scope: Scope, *, limit: int) -> list[ScoredSegment]:
        pruned = mapping.prune_query(query)
        if pruned is None or limit <= 0:
            return []
        request = requests.query_request(pruned, scope, limit=limit)
        with self._turn() as opened:
            hits = opened.shard.query(request)
        found = [ScoredSegment(str(hit.id), (hit.payload or {})["video_id"], hit.score) for hit in hits]
        return mapping.order_hits(found)

    def fetch(self, segment_ids: Sequence[str]) -> dict[str, SegmentPoint]:
        with self._turn() as opened:
            rows_by_id = opened.rows.get(segment_ids)
            copied: list[Any] = [segment_id for segment_id in segment_ids if segment_id in rows_by_id]
            others: list[Any] = [segment_id for segment_id in segment_ids if segment_id not in rows_by_id]
            records = opened.shard.retrieve(copied, with_payload=True, with_vector=_SMALL_CHANNELS)
            records += opened.shard.retrieve(others, with_payload=True, with_vector=True)
        found = [_point(record, rows_by_id.get(str(record.id))) for record in records]
        return {point.segment.id: point for point in found}

    def delete_part(self, video_id: str, part: int) -> None:
        with self._turn() as opened:
            self._delete(opened, requests.all_equal(video_id=video_id, part=part))
            opened.rows.delete_part(video_id, part)

    def delete_video(self, video_id: str) -> None:
        with self._turn() as opened:
            self._delete(opened, requests.all_equal(video_id=video_id))
            opened.rows.delete_video(video_id)

    def delete_all(self) -> None:
        with self._turn() as opened:
            self._opened = None
            opened.close()
            self._opened = self._create()

    def count(self, video_id: str | None = None) -> int:
        condition = None if video_id is None else requests.all_equal(video_id=video_id)
        with self._turn() as opened:
            return opened.shard.count(engine.CountRequest(exact=True, filter=condition))

    def close(self) -> None:
        """Write everything out and let another process own the folder; a second call does nothing."""
        with self._lock:
            if self._flush_timer is not None:
                self._flush_timer.cancel()
                self._flush_timer = None
            if self._opened is not None:
                self._opened.shard.flush()
                self._opened.close()
                self._opened = None
        self._ownership.release()

    @contextmanager
    def _turn(self) -> Iterator[_Opened]:
        """Yield shard and rows to one thread at a time; since the engine holds the GIL, turns cost nothing."""
        with self._lock:
            if self._opened is None:
                raise TryAgain("the vector index is closed", remedy="Wait until the service is up again.")
            try:
                yield self._opened
            except sqlite3.Error as error:
                raise TryAgain(f"the vector index cannot be written ({error})", remedy="Check the disk.") from error

    def _delete(self, opened: _Opened, condition: engine.Filter) -> None:
        opened.shard.update(engine.UpdateOperation.delete_points_by_filter(condition))
        self._flush_soon()

    def _check_free_space(self) -> None:
        free_bytes = shutil.disk_usage(self._folder).free
        if free_bytes < self._min_free_bytes:
            remedy = f"Free at least {self._min_free_bytes // 2**20} MB; indexing goes on by itself."
            raise TryAgain(f"the disk of {self._folder} is full: {free_bytes // 2**20} MB left", remedy=remedy)

    def _flush_soon(self) -> None:
        """Have everything on disk within ``FLUSH_AFTER_S``; called with the lock held."""
        if self._flush_timer is None:
            self._flush_timer = threading.Timer(FLUSH_AFTER_S, self._flush)
            self._flush_timer.daemon = True
            self._flush_timer.start()

    def _flush(self) -> None:
        with self._lock:
            self._flush_timer = None
            if self._opened is not None:
                self._opened.shard.flush()

    def _load_or_create(self) -> _Opened:
        """Open the shard; one whose creation was interrupted lacks the layout file and is created anew."""
        layout_file = self._folder / "layout.json"
        if not layout_file.exists():
            return self._create()
        found = json.loads(layout_file.read_text())
        if found != asdict(self._layout):
            raise mapping.refuse_layout(found, self._layout)
        return _Opened(engine.EdgeShard.load(str(self._folder / "shard")), self._open_rows())

    def _create(self) -> _Opened:
        layout_file, shard_folder = self._folder / "layout.json", self._folder / "shard"
        layout_file.unlink(missing_ok=True)
        shutil.rmtree(shard_folder, ignore_errors=True)
        for file in self._folder.glob("rows.db*"):
            file.unlink()
        shard_folder.mkdir()
        shard = engine.EdgeShard.create(str(shard_folder), requests.config(self._layout))
        for operation in requests.index_operations():
            shard.update(operation)
        shard.flush()
        rows = self._open_rows()
        layout_file.write_text(json.dumps(asdict(self._layout)))
        return _Opened(shard, rows)

    def _open_rows(self) -> RowFile:
        path = self._folder / "rows.db"
        return RowFile(path, token_dim=self._layout.token_dim, frame_dim=self._layout.frame_dim)


def _own(folder: Path) -> FileLock:
    """Take the folder for this process until released; the system releases it when the process dies.

    Raises:
        TryAgain: someone else has it; the remedy names the process.
    """
    lock, owner_file = FileLock(folder / "owner.lock"), folder / "owner.pid"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        owner = owner_file.read_text() if owner_file.exists() else "unknown"
        remedy = f"Use its API, or stop process {owner} first (it is most likely a `kinograph serve`)."
        raise TryAgain(f"the vector index in {folder} is open in process {owner}", remedy=remedy) from None
    owner_file.write_text(str(os.getpid()))
    return lock


def _point(record: engine.Record, rows: SegmentRows | None) -> SegmentPoint:
    """Return a point from what the shard holds of it, with the rows from their copy where there is one."""
    vectors: dict[str, Any] = dict(record.vector) if isinstance(record.vector, dict) else {}
    if rows is not None:
        vectors |= {Channel.TEXT_TOKENS.value: rows.tokens, Channel.FRAMES.value: rows.frames}
    return mapping.to_point(str(record.id), record.payload or {}, vectors)
