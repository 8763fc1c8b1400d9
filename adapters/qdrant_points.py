"""How a segment stands in Qdrant: the named vectors, the payload, and the way back; shared by embedded and server.

It does not know either client; both spell the same layout in their own classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from core.errors import Conflict
from core.records import Keyframe, Segment, Span
from core.signals import FloatArray, SegmentVectors, SparseVector, TokenRange
from core.stores import Channel, ChannelQuery, ScoredSegment, SegmentPoint

MULTIVECTORS = (Channel.TEXT_TOKENS, Channel.FRAMES)
"""Matrices compared by MaxSim. They get no HNSW graph: they only rescore a prefetch, and a graph over 120 vectors a
point costs more than everything else together. They are stored in half precision, as in the artifact: 108 kB a segment
instead of 200, at the same speed."""

KEYWORD_FIELDS = ("tenant", "video_id")
INTEGER_FIELDS = ("part",)
FLOAT_FIELDS = ("start_s", "end_s")

LEXICAL_CORPUS = "tenant"
"""Document frequencies are counted over the live points of the asking tenant. Qdrant's own counts are collection-wide
and keep deleted points until a vacuum, so scores would drift with deletions and tell a tenant about others' words."""

UPSERT_BATCH = 16
"""Points a request: as JSON a point of 120 tokens is 0.5–1 MB, and a server takes 32 MB by default."""


@dataclass(frozen=True, slots=True)
class PointLayout:
    """The dimensions of the named vectors; frames and frame_mean share one."""

    text_dim: int
    token_dim: int
    frame_dim: int

    def dimensions(self) -> dict[Channel, int]:
        """Return the dimension of every dense channel."""
        return {
            Channel.TEXT: self.text_dim,
            Channel.TEXT_TOKENS: self.token_dim,
            Channel.FRAMES: self.frame_dim,
            Channel.FRAME_MEAN: self.frame_dim,
        }


def refuse_layout(found: object, wanted: PointLayout) -> Conflict:
    """Return the error for an index that was written with other dimensions."""
    reason = f"the vector index was written by other models: it has {found}, the configured ones need {wanted}"
    return Conflict(reason, remedy="Run `kinograph rebuild`, or configure the former profile and models again.")


@dataclass(frozen=True, slots=True)
class _Payload:
    """What a point carries beside its vectors; enough to give the segment back without the catalogue."""

    tenant: str
    video_id: str
    part: int
    number: int
    start_s: float
    end_s: float
    evidence_ids: tuple[str, ...]
    keyframes: tuple[Keyframe, ...]
    token_ranges: tuple[TokenRange, ...]
    frame_owner: tuple[int, ...]
    speech_ratio: float
    screen_chars_per_s: float
    language: str | None


_PAYLOAD = TypeAdapter(_Payload)


def to_payload(point: SegmentPoint) -> dict[str, Any]:
    """Return the payload as plain JSON values."""
    segment = point.segment
    payload = _Payload(
        tenant=point.tenant,
        video_id=segment.video_id,
        part=segment.part,
        number=segment.number,
        start_s=segment.span.start_s,
        end_s=segment.span.end_s,
        evidence_ids=segment.evidence_ids,
        keyframes=segment.keyframes,
        token_ranges=point.vectors.token_ranges,
        frame_owner=point.vectors.frame_owner,
        speech_ratio=segment.speech_ratio,
        screen_chars_per_s=segment.screen_chars_per_s,
        language=segment.language,
    )
    return dict(_PAYLOAD.dump_python(payload, mode="json"))


def to_arrays(vectors: SegmentVectors) -> dict[Channel, FloatArray]:
    """Return the dense channels that have a row at all; Qdrant refuses empty matrices."""
    channels = {
        Channel.TEXT: vectors.text,
        Channel.TEXT_TOKENS: vectors.text_tokens,
        Channel.FRAMES: vectors.frames,
        Channel.FRAME_MEAN: vectors.frame_mean,
    }
    return {channel: array for channel, array in channels.items() if array is not None and array.size}


def to_point(segment_id: str, payload: Mapping[str, Any], vectors: Mapping[str, Any]) -> SegmentPoint:
    """Return the point from what Qdrant gives back; matrices without rows come back as None."""
    row = _PAYLOAD.validate_python(payload)

    def array(channel: Channel) -> FloatArray | None:
        values = vectors.get(channel.value)
        return None if values is None else np.asarray(values, dtype=np.float32)

    lexical = vectors.get(Channel.LEXICAL.value)
    segment = Segment(
        id=segment_id,
        video_id=row.video_id,
        part=row.part,
        number=row.number,
        span=Span(row.start_s, row.end_s),
        evidence_ids=row.evidence_ids,
        keyframes=row.keyframes,
        speech_ratio=row.speech_ratio,
        screen_chars_per_s=row.screen_chars_per_s,
        language=row.language,
    )
    stored = SegmentVectors(
        text=array(Channel.TEXT),
        text_tokens=array(Channel.TEXT_TOKENS),
        token_ranges=row.token_ranges,
        frames=array(Channel.FRAMES),
        frame_owner=row.frame_owner,
        frame_mean=array(Channel.FRAME_MEAN),
        lexical=None if lexical is None else SparseVector(tuple(lexical.indices), tuple(lexical.values)),
    )
    return SegmentPoint(segment=segment, tenant=row.tenant, vectors=stored)


def prune_query(query: ChannelQuery) -> ChannelQuery | None:
    """Return the query without stages that have no terms or rows; None when nothing can match.

    A rescoring whose every prefetch is empty has nothing to rescore, so it matches nothing either.

    >>> prune_query(ChannelQuery(Channel.LEXICAL, SparseVector((), ()))) is None
    True
    """
    vector = query.vector
    n_values = len(vector.indices) if isinstance(vector, SparseVector) else vector.size
    kept = tuple(stage for stage in map(prune_query, query.prefetch) if stage is not None)
    if n_values == 0 or (query.prefetch and not kept):
        return None
    return replace(query, prefetch=kept)


def order_hits(hits: Sequence[ScoredSegment]) -> list[ScoredSegment]:
    """Return hits best first; equal scores by id, so that a rebuilt index answers in the same order."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.segment_id))
