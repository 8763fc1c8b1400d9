"""Evidence and segments in the database, written part by part when a part is published.

It does not know the vector index, which holds the same segments for ranking.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from adapters.sql_engine import SqlStore, is_in
from adapters.sql_leases import part_of
from adapters.sql_outbox import announce_finish_if_done, rest_reaper
from adapters.sql_schema import evidence, parts, segments, videos
from core.records import Evidence, Keyframe, Modality, Part, PartState, Region, Segment, Span, Word


class SqlEvidence(SqlStore):
    """Publication, and what was published."""

    def parts_to_publish(self, limit: int = 16) -> list[Part]:
        waiting = (
            select(parts)
            .join(videos, videos.c.id == parts.c.video_id)
            .where(parts.c.indexed_at.is_not(None), videos.c.deleting_at.is_(None))
            .order_by(parts.c.indexed_at, parts.c.video_id, parts.c.number)
            .limit(limit)
        )
        with self._db.read() as connection:
            return [part_of(row) for row in connection.execute(waiting)]

    def published_parts(self) -> list[Part]:
        published = (
            select(parts)
            .join(videos, videos.c.id == parts.c.video_id)
            .where(parts.c.state == PartState.PUBLISHED, videos.c.deleting_at.is_(None))
            .order_by(parts.c.video_id, parts.c.number)
        )
        with self._db.read() as connection:
            return [part_of(row) for row in connection.execute(published)]

    def publish_part(self, part: Part, evidence_: Sequence[Evidence], segments_: Sequence[Segment]) -> bool:
        """Replace the part's rows if it still stands as this artifact; one published already stays as it is."""
        now = self._now()
        is_same_artifact = (
            (parts.c.video_id == part.video_id)
            & (parts.c.number == part.number)
            & (parts.c.state == PartState.INDEXED)
            & (parts.c.artifact_key == part.artifact_key)
        )
        published = update(parts).values(state=PartState.PUBLISHED, indexed_at=None, progress=1.0)
        visible = select(videos.c.id).where(videos.c.id == part.video_id, videos.c.deleting_at.is_(None))
        with self._db.write() as connection:
            n_changed = connection.execute(published.where(is_same_artifact)).rowcount
            if connection.execute(visible.with_for_update(key_share=True)).first() is None:
                connection.rollback()
                return False
            if n_changed == 1:
                _replace_rows(connection, part, evidence_, segments_)
                rest_reaper(connection, part.video_id, now)
                announce_finish_if_done(connection, part.video_id, now)
        return True

    def list_evidence(self, video_id: str, *, span: Span | None = None, modality: str | None = None) -> list[Evidence]:
        found = _of_visible(evidence).where(evidence.c.video_id == video_id)
        if span is not None:
            found = found.where(evidence.c.start_s < span.end_s, evidence.c.end_s > span.start_s)
        if modality is not None:
            found = found.where(evidence.c.modality == modality)
        with self._db.read() as connection:
            rows = connection.execute(found.order_by(evidence.c.start_s, evidence.c.end_s, evidence.c.id))
            return [_evidence_of(row) for row in rows]

    def get_evidence(self, evidence_ids: Sequence[str]) -> dict[str, Evidence]:
        with self._db.read() as connection:
            found = _of_visible(evidence).where(is_in(connection, evidence.c.id, evidence_ids))
            return {row.id: _evidence_of(row) for row in connection.execute(found)}

    def list_segments(self, video_id: str) -> list[Segment]:
        found = _of_visible(segments).where(segments.c.video_id == video_id)
        with self._db.read() as connection:
            rows = connection.execute(found.order_by(segments.c.start_s, segments.c.part, segments.c.number))
            return [_segment_of(row) for row in rows]

    def get_segments(self, segment_ids: Sequence[str]) -> dict[str, Segment]:
        with self._db.read() as connection:
            found = _of_visible(segments).where(is_in(connection, segments.c.id, segment_ids))
            return {row.id: _segment_of(row) for row in connection.execute(found)}

    def first_segments(self, video_ids: Sequence[str]) -> dict[str, Segment]:
        with self._db.read() as connection:
            earliest = (
                select(segments.c.video_id, func.min(segments.c.start_s).label("start_s"))
                .where(is_in(connection, segments.c.video_id, video_ids))
                .group_by(segments.c.video_id)
                .subquery()
            )
            is_earliest = (segments.c.video_id == earliest.c.video_id) & (segments.c.start_s == earliest.c.start_s)
            found = _of_visible(segments).join(earliest, is_earliest)
            rows = connection.execute(found.order_by(segments.c.part.desc(), segments.c.number.desc()))
            return {row.video_id: _segment_of(row) for row in rows}


def _of_visible(table: Any) -> Select[Any]:
    """Return a selection of rows whose video is not being deleted."""
    return select(table).join(videos, videos.c.id == table.c.video_id).where(videos.c.deleting_at.is_(None))


def _replace_rows(
    connection: Connection, part: Part, evidence_: Sequence[Evidence], segments_: Sequence[Segment]
) -> None:
    for table, rows in (
        (evidence, [_evidence_row(item) for item in evidence_]),
        (segments, [_segment_row(item) for item in segments_]),
    ):
        connection.execute(delete(table).where(table.c.video_id == part.video_id, table.c.part == part.number))
        if rows:
            connection.execute(insert(table), rows)


def _evidence_row(item: Evidence) -> dict[str, object]:
    return {
        "id": item.id,
        "video_id": item.video_id,
        "part": item.part,
        "start_s": item.span.start_s,
        "end_s": item.span.end_s,
        "modality": item.modality.value,
        "text": item.text,
        "confidence": item.confidence,
        "produced_by": item.produced_by,
        "language": item.language,
        "words": [[word.text, word.start_s, word.end_s, word.confidence] for word in item.words] or None,
        "translation": item.translation,
        "region": [item.region.time_s, item.region.boxes] if item.region else None,
    }


def _evidence_of(row: Any) -> Evidence:
    return Evidence(
        id=row.id,
        video_id=row.video_id,
        part=row.part,
        span=Span(row.start_s, row.end_s),
        modality=Modality(row.modality),
        text=row.text,
        confidence=row.confidence,
        produced_by=row.produced_by,
        language=row.language,
        words=tuple(starmap(Word, row.words or ())),
        translation=row.translation,
        region=_region_of(row.region) if row.region else None,
    )


def _region_of(stored: Any) -> Region:
    time_s, boxes = stored
    return Region(time_s, tuple((left, top, right, bottom) for left, top, right, bottom in boxes))


def _segment_row(item: Segment) -> dict[str, object]:
    return {
        "id": item.id,
        "video_id": item.video_id,
        "part": item.part,
        "number": item.number,
        "start_s": item.span.start_s,
        "end_s": item.span.end_s,
        "evidence_ids": list(item.evidence_ids),
        "keyframes": [
            [frame.time_s, frame.span.start_s, frame.span.end_s, frame.image_key] for frame in item.keyframes
        ],
        "speech_ratio": item.speech_ratio,
        "screen_chars_per_s": item.screen_chars_per_s,
        "language": item.language,
    }


def _segment_of(row: Any) -> Segment:
    return Segment(
        id=row.id,
        video_id=row.video_id,
        part=row.part,
        number=row.number,
        span=Span(row.start_s, row.end_s),
        evidence_ids=tuple(row.evidence_ids),
        keyframes=tuple(Keyframe(time_s, Span(start_s, end_s), key) for time_s, start_s, end_s, key in row.keyframes),
        speech_ratio=row.speech_ratio,
        screen_chars_per_s=row.screen_chars_per_s,
        language=row.language,
    )
