"""The first tables: videos, parts with their ledger, outbox, evidence, segments and the event graph.

A migration never changes once it is released; it does not import ``sql_schema``, which moves on.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_OPEN = "deleting_at IS NULL AND failure IS NULL AND finished_at IS NULL"


def upgrade() -> None:
    """Create everything."""
    _create_videos()
    _create_parts()
    _create_evidence()
    _create_graph()


def downgrade() -> None:
    """Drop everything."""
    tables = ["links", "mentions", "event_entities", "entities", "events", "segments", "evidence", "outbox", "parts"]
    for table in [*tables, "videos"]:
        op.drop_table(table)


def _create_videos() -> None:
    op.create_table(
        "videos",
        sa.Column("id", sa.Text, primary_key=True),
        _required("tenant", sa.Text),
        _required("title", sa.Text),
        _required("filename", sa.Text),
        _required("content_hash", sa.Text),
        _required("media_key", sa.Text),
        _required("size_bytes", sa.BigInteger),
        sa.Column("duration_s", sa.Double),
        sa.Column("width_px", sa.Integer),
        sa.Column("height_px", sa.Integer),
        _required("has_audio", sa.Boolean),
        sa.Column("language", sa.Text),
        sa.Column("subtitles_key", sa.Text),
        sa.Column("warnings", sa.JSON),
        sa.Column("failure", sa.JSON),
        _required("created_at", sa.Double),
        sa.Column("finished_at", sa.Double),
        sa.Column("deleting_at", sa.Double),
        sa.Column("n_parts", sa.Integer),
        _required("n_started", sa.Integer),
        _required("rehint_at", sa.Double),
        _required("n_rehints", sa.Integer),
    )
    op.create_index("ix_videos_tenant_created", "videos", ["tenant", "created_at", "id"])
    _create_partial_index(
        "ux_videos_tenant_hash", "videos", ["tenant", "content_hash"], "deleting_at IS NULL", unique=True
    )
    _create_partial_index("ix_videos_open", "videos", ["n_started", "created_at", "id"], _OPEN)
    op.create_table(
        "outbox",
        _row_number(),
        _video_id(),
        _required("task", sa.Text),
        _required("args", sa.JSON),
        _required("created_at", sa.Double),
        sa.Column("sent_at", sa.Double),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_video", "outbox", ["video_id"])
    op.create_index("ix_outbox_sent", "outbox", ["sent_at", "id"])


def _create_parts() -> None:
    op.create_table(
        "parts",
        _video_id(primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        *_span(),
        _required("state", sa.Text),
        _required("attempt", sa.Integer),
        _required("n_interruptions", sa.Integer),
        _required("fence", sa.Integer),
        sa.Column("worker", sa.Text),
        sa.Column("lease_until", sa.Double),
        _required("stage", sa.Text),
        _required("progress", sa.Double),
        sa.Column("artifact_key", sa.Text),
        sa.Column("indexed_at", sa.Double),
        sa.Column("failure", sa.JSON),
        sa.Column("warnings", sa.JSON),
    )
    _create_partial_index("ix_parts_claimable", "parts", ["video_id", "number"], "lease_until IS NOT NULL")
    _create_partial_index("ix_parts_lease", "parts", ["lease_until"], "lease_until IS NOT NULL")
    _create_partial_index("ix_parts_indexed", "parts", ["indexed_at"], "indexed_at IS NOT NULL")


def _create_evidence() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", sa.Text, primary_key=True),
        _video_id(),
        _required("part", sa.Integer),
        *_span(),
        _required("modality", sa.Text),
        _required("text", sa.Text),
        _required("confidence", sa.Double),
        _required("produced_by", sa.Text),
        sa.Column("language", sa.Text),
        sa.Column("words", sa.JSON),
    )
    op.create_table(
        "segments",
        sa.Column("id", sa.Text, primary_key=True),
        _video_id(),
        _required("part", sa.Integer),
        _required("number", sa.Integer),
        *_span(),
        _required("evidence_ids", sa.JSON),
        _required("keyframes", sa.JSON),
        _required("speech_ratio", sa.Double),
        _required("screen_chars_per_s", sa.Double),
        sa.Column("language", sa.Text),
    )
    for table in ("evidence", "segments"):
        op.create_index(f"ix_{table}_video_start", table, ["video_id", "start_s"])
        op.create_index(f"ix_{table}_part", table, ["video_id", "part"])


def _create_graph() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Text, primary_key=True),
        _video_id(),
        _required("number", sa.Integer),
        *_span(),
        _required("summary", sa.Text),
        _required("evidence_ids", sa.JSON),
        _required("segment_ids", sa.JSON),
        _required("participant_ids", sa.JSON),
    )
    op.create_index("ix_events_video_start", "events", ["video_id", "start_s"])
    op.create_table(
        "entities",
        sa.Column("id", sa.Text, primary_key=True),
        _required("tenant", sa.Text),
        _required("kind", sa.Text),
        _required("name", sa.Text),
        _required("aliases", sa.JSON),
        _required("search_text", sa.Text),
        _required("n_mentions", sa.Integer),
        _required("n_videos", sa.Integer),
    )
    op.create_index("ix_entities_tenant_mentions", "entities", ["tenant", "n_mentions"])
    op.create_table(
        "event_entities",
        sa.Column("entity_id", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_event_entities_event", "event_entities", ["event_id"])
    op.create_table(
        "mentions",
        _row_number(),
        sa.Column("entity_id", sa.Text, sa.ForeignKey("entities.id"), nullable=False),
        _video_id(),
        _required("evidence_id", sa.Text),
        sa.Column("event_id", sa.Text),
        *_span(),
        _required("surface", sa.Text),
    )
    op.create_index("ix_mentions_entity", "mentions", ["entity_id", "video_id"])
    op.create_index("ix_mentions_video", "mentions", ["video_id"])
    op.create_table(
        "links",
        _row_number(),
        _required("source_id", sa.Text),
        _required("target_id", sa.Text),
        _required("kind", sa.Text),
        _video_id(),
        _required("evidence_ids", sa.JSON),
        _required("weight", sa.Double),
    )
    op.create_index("ix_links_video", "links", ["video_id"])


def _required(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _row_number() -> sa.Column[Any]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True)


def _video_id(*, primary_key: bool = False) -> sa.Column[Any]:
    key = sa.ForeignKey("videos.id", ondelete="CASCADE")
    return sa.Column("video_id", sa.Text, key, primary_key=primary_key, nullable=False)


def _span() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return _required("start_s", sa.Double), _required("end_s", sa.Double)


def _create_partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
