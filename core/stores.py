"""The seams to what is kept: catalogue, ledger, media, vector index. Each ships with a contract in ``tests/contracts``.

It does not know SQL, files or Qdrant. Methods are atomic: they happen whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from core.records import (
    Entity,
    Event,
    Evidence,
    Failure,
    Lease,
    Link,
    Mention,
    NewVideo,
    Page,
    Part,
    Segment,
    Span,
    Video,
)
from core.signals import FloatArray, SegmentVectors, SparseVector
from core.titles import NamedVideo


class MediaStore(Protocol):
    """Bytes by key (``videos/<id>/original.mp4``); writes are atomic, a reader never sees half a file."""

    def put_file(self, key: str, path: Path) -> None:
        """Move or copy a local file in.

        Raises:
            TryAgain: the disk is full or the store is unreachable; nothing is left under the key.
        """
        ...

    def put_bytes(self, key: str, data: bytes) -> None: ...

    def read_bytes(self, key: str) -> bytes:
        """Return the whole content.

        Raises:
            NotFound: nothing stands under the key.
        """
        ...

    def open(self, key: str) -> BinaryIO:
        """Open for reading, seekable."""
        ...

    def size_bytes(self, key: str) -> int: ...

    def local_path(self, key: str) -> AbstractContextManager[Path]:
        """Yield a local path with the content: the file itself, or a temporary copy of a remote one."""
        ...

    def exists(self, key: str) -> bool: ...

    def list_keys(self, prefix: str) -> list[str]:
        """Return keys below the prefix, sorted."""
        ...

    def delete_prefix(self, prefix: str) -> None:
        """Delete everything below the prefix; nothing there is no error."""
        ...


class VideoCatalogue(Protocol):
    """Videos and their lifecycle."""

    def add_video(self, video: NewVideo) -> tuple[Video, bool]:
        """Add a video and, in the same transaction, the outbox hint ``plan_video``; return it and True.

        The same (tenant, content_hash) again returns the existing video and False, and changes nothing.
        """
        ...

    def get_video(self, video_id: str, *, tenant: str | None = None) -> Video:
        """Return the video with derived status, progress and stage.

        Raises:
            NotFound: unknown, of another tenant, or being deleted.
        """
        ...

    def get_videos(self, video_ids: Sequence[str]) -> dict[str, Video]:
        """Return the videos by id; unknown ones and those being deleted are left out."""
        ...

    def list_videos(self, tenant: str, *, limit: int = 50, cursor: str | None = None) -> Page:
        """Return videos, newest first.

        Raises:
            BadInput: the cursor is not one of ours.
        """
        ...

    def find_titled(
        self, tenant: str, words: Sequence[str], *, video_ids: Sequence[str] = (), limit: int = 50
    ) -> list[NamedVideo]:
        """Return videos whose title, or file name without extension, holds all of the words, shortest title first.

        ``words`` are as ``core.titles.split_words`` gives them; without any there is nothing. Only videos of which
        something is searchable; only of ``video_ids`` if given. Of equally long titles the newest comes first.
        """
        ...

    def rename_video(self, video_id: str, title: str) -> Video: ...

    def fail_video(self, video_id: str, failure: Failure) -> None:
        """Record that the video as a whole cannot be indexed."""
        ...

    def begin_delete(self, video_id: str) -> Video:
        """Hide the video at once and make its leases stale; a crash leaves it in ``deleting_videos``."""
        ...

    def deleting_videos(self) -> list[Video]: ...

    def remove_video(self, video_id: str) -> None:
        """Remove every row of the video, its events, mentions, links, and entities nobody mentions any more."""
        ...


class Ledger(Protocol):
    """Parts, leases, outbox: the truth about work. All claims are one atomic UPDATE."""

    def plan_parts(self, video_id: str, spans: Sequence[Span]) -> None:
        """Create the pending parts and one outbox hint ``index_part`` a part; a second call changes nothing."""
        ...

    def reopen_video(self, video_id: str) -> Video:
        """Have a finished video indexed again, and return it; what is published is found until its part is anew.

        One that is still being indexed is returned as it is.

        Raises:
            NotFound: unknown or being deleted.
        """
        ...

    def list_parts(self, video_id: str) -> list[Part]: ...

    def claim_part(self, worker: str, *, lease_s: float) -> Lease | None:
        """Lease the next pending part, or None.

        The video with the fewest parts started comes first, so a short one never waits for a long one; then the oldest
        video, then the lowest number. An expired lease counts as pending; a part claimed more than MAX_ATTEMPTS times
        is quarantined instead.
        """
        ...

    def renew(self, lease: Lease, *, lease_s: float, stage: str = "", progress: float = 0.0) -> None:
        """Extend the lease and record progress in [0, 1], which never falls.

        Raises:
            StaleLease: another worker holds the part, or the video is gone.
        """
        ...

    def commit_part(self, lease: Lease, artifact_key: str, *, warnings: Sequence[str] = ()) -> None:
        """Mark the part indexed. Raises StaleLease as ``renew``."""
        ...

    def fail_part(self, lease: Lease, failure: Failure, *, is_final: bool) -> None:
        """Give the part back: pending for another attempt, quarantined after the last, failed if ``is_final``."""
        ...

    def release_worker(self, worker_prefix: str) -> int:
        """Expire at once the leases of workers whose name begins so (they are known to be dead); return how many.

        Up to a generous limit these attempts do not count: a restart of the machine is not the part's fault.
        """
        ...

    def reap(self) -> int:
        """Return expired leases to pending and put hints for all stalled work into the outbox; return how many.

        Stalled: an unplanned video or an unfinished video whose last hint is older than 10 s while nothing of it is in
        progress, and a pending part while nothing of any video is: until then it waits for its turn.
        """
        ...

    def parts_to_publish(self, limit: int = 16) -> list[Part]:
        """Return indexed parts, oldest first."""
        ...

    def published_parts(self) -> list[Part]:
        """Return every published part of every video that is not being deleted: what the index must hold."""
        ...

    def publish_part(self, part: Part, evidence: Sequence[Evidence], segments: Sequence[Segment]) -> bool:
        """Replace the part's evidence and segments and mark it published; return False if the video is gone.

        When it was the last open part of its video, the outbox hint ``finish_video`` is written with it.
        """
        ...

    def finish_video(
        self,
        video_id: str,
        *,
        language: str | None,
        events: Sequence[Event],
        entities: Sequence[Entity],
        mentions: Sequence[Mention],
        links: Sequence[Link],
    ) -> None:
        """Replace the video's graph rows and mark it ready; entities are merged by id, aliases united.

        Nothing happens while parts of it are open: a hint that comes late must not end a video that is indexed again.
        """
        ...

    def take_outbox(self, limit: int = 100) -> list[OutboxHint]:
        """Return unsent hints, oldest first; the caller sends each and then calls ``mark_sent``."""
        ...

    def mark_sent(self, hint_ids: Sequence[int]) -> None: ...


@dataclass(frozen=True, slots=True)
class OutboxHint:
    """A message to be sent: task name (``plan_video``, ``index_part``, ``finish_video``) and its arguments."""

    id: int
    task: str
    args: tuple[str, ...]


class EvidenceCatalogue(Protocol):
    """Evidence and segments of published parts."""

    def list_evidence(self, video_id: str, *, span: Span | None = None, modality: str | None = None) -> list[Evidence]:
        """Return evidence in time order, only what overlaps the span if one is given."""
        ...

    def get_evidence(self, evidence_ids: Sequence[str]) -> dict[str, Evidence]: ...

    def list_segments(self, video_id: str) -> list[Segment]:
        """Return segments in time order."""
        ...

    def get_segments(self, segment_ids: Sequence[str]) -> dict[str, Segment]: ...

    def first_segments(self, video_ids: Sequence[str]) -> dict[str, Segment]:
        """Return the earliest segment of each video by the video's id; videos without any are left out."""
        ...


class GraphCatalogue(Protocol):
    """Rows of the event knowledge graph."""

    def list_events(
        self,
        tenant: str,
        *,
        video_ids: Sequence[str] = (),
        entity_id: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page: ...

    def list_entities(
        self,
        tenant: str,
        *,
        query: str | None = None,
        kind: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Return entities by number of mentions, most first; ``query`` matches name or alias, case-insensitively."""
        ...

    def get_entity(self, entity_id: str) -> Entity: ...

    def list_mentions(self, *, entity_id: str | None = None, video_id: str | None = None) -> list[Mention]: ...

    def list_links(self, *, video_ids: Sequence[str] = ()) -> list[Link]: ...


class Catalogue(VideoCatalogue, Ledger, EvidenceCatalogue, GraphCatalogue, Protocol):
    """All of it, in one database."""

    def ping(self) -> None:
        """Raise TryAgain when the database does not answer."""
        ...

    def close(self) -> None: ...


class Channel(StrEnum):
    """The named vectors of a segment."""

    TEXT = "text"
    TEXT_TOKENS = "text_tokens"
    FRAMES = "frames"
    FRAME_MEAN = "frame_mean"
    LEXICAL = "lexical"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which segments a ranking may consider; empty ``video_ids`` means all of the tenant."""

    tenant: str
    video_ids: tuple[str, ...] = ()
    time: Span | None = None

    def holds(self, point: SegmentPoint) -> bool:
        """Whether a ranking may consider the point: what every index does with its own filters."""
        return (
            point.tenant == self.tenant
            and (not self.video_ids or point.segment.video_id in self.video_ids)
            and (self.time is None or self.time.overlap_s(point.segment.span) > 0)
        )


@dataclass(frozen=True, slots=True)
class ChannelQuery:
    """Rank by one channel; with ``prefetch``, only the best ``prefetch_limit`` of each of those are rescored.

    ``vector`` is (d,) for dense channels, (t, d) for TEXT_TOKENS and FRAMES (MaxSim), sparse for LEXICAL.
    """

    channel: Channel
    vector: FloatArray | SparseVector
    prefetch: tuple[ChannelQuery, ...] = ()
    prefetch_limit: int = 200


@dataclass(frozen=True, slots=True)
class SegmentPoint:
    """A segment as it stands in the index."""

    segment: Segment
    tenant: str
    vectors: SegmentVectors


@dataclass(frozen=True, slots=True)
class ScoredSegment:
    """A segment with its score in one channel: cosine, MaxSim sum, or BM25."""

    segment_id: str
    video_id: str
    score: float


class SegmentIndex(Protocol):
    """The vector index; one collection, a point a segment. Upserting the same ids again changes nothing."""

    def upsert(self, points: Sequence[SegmentPoint]) -> None:
        """Write points durably; once it returns they are found.

        Raises:
            TryAgain: the server is unreachable.
        """
        ...

    def rank(self, query: ChannelQuery, scope: Scope, *, limit: int) -> list[ScoredSegment]:
        """Return segments that have the channel, best first."""
        ...

    def fetch(self, segment_ids: Sequence[str]) -> dict[str, SegmentPoint]:
        """Return points with all vectors; unknown ids are left out."""
        ...

    def delete_part(self, video_id: str, part: int) -> None: ...

    def delete_video(self, video_id: str) -> None: ...

    def count(self, video_id: str | None = None) -> int: ...

    def close(self) -> None: ...
