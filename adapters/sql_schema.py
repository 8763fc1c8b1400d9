"""The tables of the catalogue, one definition for SQLite and PostgreSQL.

It does not know what the rows mean to the ledger or the graph; ``migrations/`` creates what stands here, and a test
holds the two equal.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    null,
)
from sqlalchemy.types import TypeDecorator


class HumanText(TypeDecorator[str]):
    """Text from outside; NUL (refused by PostgreSQL) and lone surrogates (by both) are replaced.

    >>> HumanText().process_bind_param("a" + chr(0) + chr(0xDC80), None)
    'a�?'
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect | None) -> str | None:  # noqa: ARG002
        return None if value is None else value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


metadata = MetaData()

_Json = JSON(none_as_null=True)
_RowNumber = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts rows up only in a column that is literally INTEGER."""


def _video_id(*, is_key: bool = False) -> Column[Any]:
    return Column("video_id", Text, ForeignKey("videos.id", ondelete="CASCADE"), primary_key=is_key, nullable=False)


def _span() -> tuple[Column[Any], Column[Any]]:
    return Column("start_s", Double, nullable=False), Column("end_s", Double, nullable=False)


# Instants are seconds since 1970 (UTC) as doubles: leases compare them, and both databases order them alike.
# ``rehint_at``: when reap() may hint stalled work again; ``n_started``: parts ever claimed, see claim_part.
videos = Table(
    "videos",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("title", HumanText, nullable=False),
    Column("filename", HumanText, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("media_key", HumanText, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("duration_s", Double),
    Column("width_px", Integer),
    Column("height_px", Integer),
    Column("has_audio", Boolean, nullable=False),
    Column("language", Text),
    Column("subtitles_key", HumanText),
    Column("warnings", _Json),
    Column("failure", _Json),
    Column("created_at", Double, nullable=False),
    Column("finished_at", Double),
    Column("deleting_at", Double),
    Column("n_parts", Integer),
    Column("n_started", Integer, nullable=False),
    Column("rehint_at", Double, nullable=False),
    Column("n_rehints", Integer, nullable=False),
)

IS_OPEN = and_(videos.c.deleting_at.is_(None), videos.c.failure.is_(null()), videos.c.finished_at.is_(None))
"""The condition that a video still has work to do."""

Index("ix_videos_tenant_created", videos.c.tenant, videos.c.created_at, videos.c.id)
Index(
    "ux_videos_tenant_hash",
    videos.c.tenant,
    videos.c.content_hash,
    unique=True,
    sqlite_where=videos.c.deleting_at.is_(None),
    postgresql_where=videos.c.deleting_at.is_(None),
)
Index(
    "ix_videos_open",
    videos.c.n_started,
    videos.c.created_at,
    videos.c.id,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)

# ``lease_until`` says all that claiming needs: 0 while pending, an instant while leased, NULL once nobody may claim.
# ``indexed_at`` is set only between commit and publication.
parts = Table(
    "parts",
    metadata,
    _video_id(is_key=True),
    Column("number", Integer, primary_key=True),
    *_span(),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("n_interruptions", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("worker", Text),
    Column("lease_until", Double),
    Column("stage", Text, nullable=False),
    Column("progress", Double, nullable=False),
    Column("artifact_key", HumanText),
    Column("indexed_at", Double),
    Column("failure", _Json),
    Column("warnings", _Json),
)
Index(
    "ix_parts_claimable",
    parts.c.video_id,
    parts.c.number,
    sqlite_where=parts.c.lease_until.is_not(None),
    postgresql_where=parts.c.lease_until.is_not(None),
)
Index(
    "ix_parts_lease",
    parts.c.lease_until,
    sqlite_where=parts.c.lease_until.is_not(None),
    postgresql_where=parts.c.lease_until.is_not(None),
)
Index(
    "ix_parts_indexed",
    parts.c.indexed_at,
    sqlite_where=parts.c.indexed_at.is_not(None),
    postgresql_where=parts.c.indexed_at.is_not(None),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _RowNumber, primary_key=True, autoincrement=True),
    _video_id(),
    Column("task", Text, nullable=False),
    Column("args", _Json, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("sent_at", Double),
    sqlite_autoincrement=True,
)
Index("ix_outbox_video", outbox.c.video_id)
Index("ix_outbox_sent", outbox.c.sent_at, outbox.c.id)

evidence = Table(
    "evidence",
    metadata,
    Column("id", Text, primary_key=True),
    _video_id(),
    Column("part", Integer, nullable=False),
    *_span(),
    Column("modality", Text, nullable=False),
    Column("text", HumanText, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("produced_by", Text, nullable=False),
    Column("language", Text),
    Column("words", _Json),
    Column("translation", HumanText),
    Column("region", _Json),
)
Index("ix_evidence_video_start", evidence.c.video_id, evidence.c.start_s)
Index("ix_evidence_part", evidence.c.video_id, evidence.c.part)

segments = Table(
    "segments",
    metadata,
    Column("id", Text, primary_key=True),
    _video_id(),
    Column("part", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    *_span(),
    Column("evidence_ids", _Json, nullable=False),
    Column("keyframes", _Json, nullable=False),
    Column("speech_ratio", Double, nullable=False),
    Column("screen_chars_per_s", Double, nullable=False),
    Column("language", Text),
)
Index("ix_segments_video_start", segments.c.video_id, segments.c.start_s)
Index("ix_segments_part", segments.c.video_id, segments.c.part)

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    _video_id(),
    Column("number", Integer, nullable=False),
    *_span(),
    Column("summary", HumanText, nullable=False),
    Column("evidence_ids", _Json, nullable=False),
    Column("segment_ids", _Json, nullable=False),
    Column("participant_ids", _Json, nullable=False),
)
Index("ix_events_video_start", events.c.video_id, events.c.start_s)

# ``search_text`` is name and aliases, case-folded, one a line; the counts are kept so that listing needs no join.
entities = Table(
    "entities",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", HumanText, nullable=False),
    Column("aliases", _Json, nullable=False),
    Column("search_text", HumanText, nullable=False),
    Column("n_mentions", Integer, nullable=False),
    Column("n_videos", Integer, nullable=False),
)
Index("ix_entities_tenant_mentions", entities.c.tenant, entities.c.n_mentions)

event_entities = Table(
    "event_entities",
    metadata,
    Column("entity_id", Text, primary_key=True),
    Column("event_id", Text, ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
)
Index("ix_event_entities_event", event_entities.c.event_id)

mentions = Table(
    "mentions",
    metadata,
    Column("id", _RowNumber, primary_key=True, autoincrement=True),
    Column("entity_id", Text, ForeignKey("entities.id"), nullable=False),
    _video_id(),
    Column("evidence_id", Text, nullable=False),
    Column("event_id", Text),
    *_span(),
    Column("surface", HumanText, nullable=False),
)
Index("ix_mentions_entity", mentions.c.entity_id, mentions.c.video_id)
Index("ix_mentions_video", mentions.c.video_id)

links = Table(
    "links",
    metadata,
    Column("id", _RowNumber, primary_key=True, autoincrement=True),
    Column("source_id", Text, nullable=False),
    Column("target_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    _video_id(),
    Column("evidence_ids", _Json, nullable=False),
    Column("weight", Double, nullable=False),
)
Index("ix_links_video", links.c.video_id)
