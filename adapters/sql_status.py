"""A video's status, progress, stage and warnings, derived from its row and its parts at each read.

Nothing of it is stored, so nothing can contradict the ledger. It does not know how parts change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from adapters.sql_engine import is_in
from adapters.sql_schema import parts
from core.records import Failure, PartState, Video, VideoStatus

_TROUBLED = (PartState.FAILED, PartState.QUARANTINED)
_CLOSED = (PartState.PUBLISHED, *_TROUBLED)
_REMARKED = (PartState.LEASED, *_TROUBLED)


@dataclass(slots=True)
class PartsSummary:
    """What the parts of one video say together."""

    n_by_state: dict[PartState, int] = field(default_factory=dict)
    n_attempts: int = 0
    progress_sum: float = 0.0
    leased_stage: str | None = None
    first_failure: Failure | None = None
    warnings: list[str] = field(default_factory=list)


def read_videos(connection: Connection, rows: Sequence[Any]) -> list[Video]:
    """Return the records of rows of ``videos``, in their order."""
    summary_by_id: defaultdict[str, PartsSummary] = defaultdict(PartsSummary)
    if planned_ids := [row.id for row in rows if row.n_parts]:
        remarked_ids = _count_parts(connection, planned_ids, summary_by_id)
        if remarked_ids:
            _read_remarks(connection, remarked_ids, summary_by_id)
    return [_video_of(row, summary_by_id[row.id]) for row in rows]


def _count_parts(
    connection: Connection, video_ids: Collection[str], summary_by_id: dict[str, PartsSummary]
) -> set[str]:
    """Add counts and progress; return the few videos of which a part has a remark."""
    counts = (
        select(
            parts.c.video_id,
            parts.c.state,
            func.count().label("n"),
            func.sum(parts.c.progress).label("progress"),
            func.sum(parts.c.fence).label("n_attempts"),
            func.count(parts.c.warnings).label("n_warned"),
        )
        .where(is_in(connection, parts.c.video_id, video_ids))
        .group_by(parts.c.video_id, parts.c.state)
    )
    remarked_ids = set()
    for row in connection.execute(counts):
        summary = summary_by_id[row.video_id]
        state = PartState(row.state)
        summary.n_by_state[state] = row.n
        summary.n_attempts += row.n_attempts
        summary.progress_sum += row.n if state in _CLOSED else row.progress
        if row.n_warned or state in _REMARKED:
            remarked_ids.add(row.video_id)
    return remarked_ids


def _read_remarks(connection: Connection, video_ids: Collection[str], summary_by_id: dict[str, PartsSummary]) -> None:
    """Add stages, failures and warnings, from the few parts that have any."""
    of_videos = is_in(connection, parts.c.video_id, video_ids)
    has_remark = or_(parts.c.state.in_(_REMARKED), parts.c.warnings.is_not(None))
    remarked = select(parts).where(of_videos, has_remark).order_by(parts.c.video_id, parts.c.number)
    for row in connection.execute(remarked):
        summary = summary_by_id[row.video_id]
        summary.warnings.extend(row.warnings or ())
        if row.state == PartState.LEASED and summary.leased_stage is None:
            summary.leased_stage = row.stage or "indexing"
        if row.state in _TROUBLED:
            failure = Failure(**row.failure)
            summary.first_failure = summary.first_failure or failure
            stretch = f"{row.start_s:.0f}–{row.end_s:.0f} s"
            summary.warnings.append(f"Part {row.number} ({stretch}) could not be indexed: {failure.reason}")


def _video_of(row: Any, parts_: PartsSummary) -> Video:
    status, failure = _status(row, parts_)
    n_published = parts_.n_by_state.get(PartState.PUBLISHED, 0)
    progress = parts_.progress_sum / row.n_parts if row.n_parts else 0.0
    return Video(
        id=row.id,
        tenant=row.tenant,
        title=row.title,
        filename=row.filename,
        content_hash=row.content_hash,
        media_key=row.media_key,
        size_bytes=row.size_bytes,
        status=status,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        duration_s=row.duration_s,
        width_px=row.width_px,
        height_px=row.height_px,
        has_audio=row.has_audio,
        language=row.language,
        subtitles_key=row.subtitles_key,
        n_parts=row.n_parts,
        n_parts_published=n_published,
        revision=parts_.n_attempts,
        progress=1.0 if status is VideoStatus.READY else min(progress, 1.0),
        stage=_stage(status, failure, parts_),
        failure=failure,
        warnings=tuple(dict.fromkeys([*(row.warnings or ()), *parts_.warnings])),
    )


def _status(row: Any, parts_: PartsSummary) -> tuple[VideoStatus, Failure | None]:
    """Return the status, and the failure of a video as a whole: its own, or its first part's when no part worked."""
    failure = Failure(**row.failure) if row.failure else None
    if failure is None and row.finished_at is not None and PartState.PUBLISHED not in parts_.n_by_state:
        failure = parts_.first_failure
    if row.deleting_at is not None:
        return VideoStatus.DELETING, failure
    if failure is not None:
        return VideoStatus.FAILED, failure
    if row.finished_at is not None:
        return VideoStatus.READY, None
    return (VideoStatus.UPLOADED if row.n_parts is None else VideoStatus.INDEXING), None


def _stage(status: VideoStatus, failure: Failure | None, parts_: PartsSummary) -> str:
    """Return what is being done: the lowest leased part's stage, else what the video waits for."""
    if status is VideoStatus.FAILED and failure is not None:
        return failure.stage
    if status is not VideoStatus.INDEXING:
        return ""
    if parts_.leased_stage is not None:
        return parts_.leased_stage
    if PartState.INDEXED in parts_.n_by_state:
        return "publishing"
    return "waiting" if PartState.PENDING in parts_.n_by_state else "finishing"
