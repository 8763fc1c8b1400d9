"""The embedded vector index: Qdrant's own engine in this process, one shard in a folder, no server.

It does not know who publishes. One process owns the folder; everyone else goes through that process's API.

The engine holds the GIL while it works (measured: every other thread stands still for as long as a query runs), so
queries are kept short, and it never reorganises its files while people search: that takes 1.1 ms a segment. New
points are scanned, each of them. When the index is opened, or filled by a rebuild, what has gathered is
*settled*: freed of deleted points, texts found by a graph and pictures scanned by 4-bit codes from then on. Its files
are then read ahead in the background, as far as they fit into memory: queries would wait for the disk page by page.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import qdrant_edge as engine
from filelock import FileLock, Timeout

from adapters import qdrant_edge_requests as requests
from adapters import qdrant_points as mapping
from adapters.qdrant_edge_ranking import EdgeRanker
from adapters.qdrant_edge_rows import PointFile
from adapters.read_ahead import ReadAhead
from core.errors import TryAgain
from core.stores import ChannelQuery, Scope, ScoredSegment, SegmentPoint

log = logging.getLogger(__name__)

FLUSH_AFTER_S = 10.0
"""A flush is 16 fsync and 73 msync, 0.3 s on a busy disk with the GIL held, so not one a part. What was acknowledged
survives kill -9 without it (the log is in the page cache); a power cut loses at most the writes of these seconds."""

MIN_FREE_BYTES = 256 * 2**20
"""Below this nothing is written: the engine maps its files sparsely, and on a full disk the system ends the whole
process with SIGBUS (seen on a 120 MB disk), which no ``except`` can catch."""

POINTS_PER_TURN = 8
"""Points written before a waiting search gets its turn: about 10 ms."""

POINTS_IN_BULK = 250
"""Points written at once by a rebuild, while nobody searches: their words are counted together."""

SETTLE_FROM = 25_000
"""Points from which on opening the index settles it; fewer are scanned exactly in about a millisecond."""

SETTLE_EVERY = 50_000
"""Points that a rebuild writes at least between two settlings, so that the pieces of a large library are several, which
all cores scan at once; later ones are a third of what stands already, so that each is written once."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """The shard, which finds, the file of points, which gives back, and the rankings of the one with the other."""

    shard: engine.EdgeShard
    points: PointFile
    ranker: EdgeRanker

    def close(self) -> None:
        self.shard.close()
        self.points.close()


class EdgeSegmentIndex:
    """A ``SegmentIndex`` on qdrant-edge; safe to call from many threads, which take turns.

    ``recreate`` drops what stands in the folder first: the way out of a change of models. Close it when done: that
    writes everything out. ``reading`` is what is being read ahead, if anything is.

    An index of an older format is emptied: what starts the service publishes again whatever the index lacks.

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
        read_ahead: bool = True,
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> None:
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._layout = mapping.PointLayout(text_dim, token_dim, frame_dim)
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._flush_timer: threading.Timer | None = None
        self._is_bulk = recreate
        self._n_settled = self._n_unsettled = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._ownership = _own(folder)
        try:
            self._opened = self._create() if recreate else self._load_or_create()
        except BaseException:
            self._ownership.release()
            raise
        self.reading = _read_ahead(folder) if read_ahead and not recreate else None

    def upsert(self, points: Sequence[SegmentPoint]) -> None:
        size = POINTS_IN_BULK if self._is_bulk else POINTS_PER_TURN
        for start in range(0, len(points), size):
            batch = points[start : start + size]
            with self._turn() as opened:
                self._check_free_space()
                opened.ranker.forget()
                numbers = opened.points.put(batch)
                numbered = list(map(requests.engine_point, numbers, batch))
                opened.shard.update(engine.UpdateOperation.upsert_points(numbered))
                self._n_unsettled += len(batch)
                if self._is_bulk and self._n_unsettled >= max(SETTLE_EVERY, self._n_settled // 3):
                    self._settle(opened)
                self._flush_soon()

    def rank(self, query: ChannelQuery, scope: Scope, *, limit: int) -> list[ScoredSegment]:
        pruned = mapping.prune_query(query)
        if pruned is None or limit <= 0:
            return []
        with self._turn() as opened:
            best = opened.ranker.rank(pruned, scope, limit)
            names = opened.points.names([number for number, _ in best])
        return mapping.order_hits([ScoredSegment(*names[number], score) for number, score in best if number in names])

    def fetch(self, segment_ids: Sequence[str]) -> dict[str, SegmentPoint]:
        with self._turn() as opened:
            return opened.points.get(segment_ids)

    def delete_part(self, video_id: str, part: int) -> None:
        with self._turn() as opened:
            self._delete(opened, requests.all_equal(video_id=video_id, part=part))
            opened.points.delete_part(video_id, part)

    def delete_video(self, video_id: str) -> None:
        with self._turn() as opened:
            self._delete(opened, requests.all_equal(video_id=video_id))
            opened.points.delete_video(video_id)

    def count(self, video_id: str | None = None) -> int:
        """Return how many points are whole: a power cut may have taken the last of either file."""
        condition = None if video_id is None else requests.all_equal(video_id=video_id)
        with self._turn() as opened:
            found = opened.shard.count(engine.CountRequest(exact=True, filter=condition))
            return min(found, opened.points.count(video_id))

    def close(self) -> None:
        """Write everything out and let another process own the folder; a second call does nothing."""
        with self._lock:
            if self._flush_timer is not None:
                self._flush_timer.cancel()
                self._flush_timer = None
            if self._opened is not None:
                self._opened.shard.flush()
                if self._is_bulk and self._n_unsettled >= SETTLE_FROM:
                    self._settle(self._opened)
                self._opened.close()
                self._opened = None
            if self.reading is not None:  # only once the files are closed: SQLite's lock would go with them
                self.reading.release()
                self.reading = None
        self._ownership.release()

    @contextmanager
    def _turn(self) -> Iterator[_Opened]:
        """Yield shard and points to one thread at a time; since the engine holds the GIL, turns cost nothing."""
        with self._lock:
            if self._opened is None:
                raise TryAgain("the vector index is closed", remedy="Wait until the service is up again.")
            try:
                yield self._opened
            except sqlite3.Error as error:
                raise TryAgain(f"the vector index cannot be written ({error})", remedy="Check the disk.") from error

    def _settle(self, opened: _Opened) -> None:
        """Make the codes of what a rebuild has written, which nobody searches yet."""
        opened.shard.flush()
        opened.shard.optimize()
        self._n_settled, self._n_unsettled = self._n_settled + self._n_unsettled, 0

    def _delete(self, opened: _Opened, condition: engine.Filter) -> None:
        opened.ranker.forget()
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
        found, wanted = json.loads(layout_file.read_text()), asdict(self._layout)
        if found != wanted:
            if found | {"format": mapping.FORMAT} != wanted:
                raise mapping.refuse_layout(found, self._layout)
            return self._start_over("is of an older version")
        if not (self._folder / "points.db").exists():
            return self._start_over("lacks its file of points")
        try:
            points = PointFile(self._folder / "points.db")
        except sqlite3.DatabaseError as error:
            return self._start_over(f"has a damaged file of points ({error})")
        shard = engine.EdgeShard.load(str(self._folder / "shard"), requests.config(self._layout))
        if shard.info().points_count >= SETTLE_FROM:
            shard.optimize()
        return _Opened(shard, points, EdgeRanker(shard, points.terms))

    def _start_over(self, reason: str) -> _Opened:
        """Empty the index; what starts the service publishes again whatever the index lacks."""
        log.warning("the vector index %s: it is emptied, and filled again from the artifacts", reason)
        return self._create()

    def _create(self) -> _Opened:
        layout_file, shard_folder = self._folder / "layout.json", self._folder / "shard"
        layout_file.unlink(missing_ok=True)
        shutil.rmtree(shard_folder, ignore_errors=True)
        for file in [*self._folder.glob("rows.db*"), *self._folder.glob("points.db*")]:
            file.unlink()
        shard_folder.mkdir()
        shard = engine.EdgeShard.create(str(shard_folder), requests.config(self._layout))
        for operation in requests.index_operations():
            shard.update(operation)
        shard.flush()
        points = PointFile(self._folder / "points.db")
        layout_file.write_text(json.dumps(asdict(self._layout)))
        return _Opened(shard, points, EdgeRanker(shard, points.terms))


def _read_ahead(folder: Path) -> ReadAhead | None:
    """Begin to read what queries touch, as much as fits into memory.

    Kind by kind (``vector_storage-text``), the small ones first: each query touches a little of every kind, so more of
    what is small. What gives back comes last, twice as long as all that finds.
    """
    points, segments = folder / "points.db", folder / "shard" / "segments"
    try:
        found = [file for file in segments.rglob("*") if file.is_file()]
        size_by_kind: Counter[tuple[str, ...]] = Counter()
        for file in found:
            size_by_kind[_kind(file, segments)] += file.stat().st_size
        found.sort(key=lambda file: (size_by_kind[_kind(file, segments)], file))
        return ReadAhead([*found, points], locked=[points])
    except (OSError, RuntimeError) as error:  # an index that opens slowly is better than none
        log.warning("the vector index is not read ahead: %s", error)
        return None


def _kind(file: Path, segments: Path) -> tuple[str, ...]:
    """Return what a file holds: the name of its folder within a segment of the shard."""
    return file.relative_to(segments).parts[1:2]


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
