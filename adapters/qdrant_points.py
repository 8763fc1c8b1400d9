"""How a segment stands in Qdrant: the named vectors and the payload; shared by embedded and server.

It does not know either client; both spell the same layout in their own classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.errors import Conflict
from core.signals import FloatArray, SegmentVectors, SparseVector
from core.stores import Channel, ChannelQuery, Scope, ScoredSegment, SegmentPoint
from core.token_pooling import pool_tokens

FORMAT = 4
"""Raised when an index written before cannot be read any more; it is then filled anew from the artifacts."""

MULTIVECTORS = (Channel.TEXT_TOKENS, Channel.FRAMES)
"""Matrices compared by MaxSim. They get no HNSW graph: they only rescore a prefetch, and a graph over 40 vectors a
point costs more than everything else together. The embedded engine stores them in a byte a number (TurboQuant after a
rotation), a server in two (half precision)."""

GRAPH_CHANNELS = frozenset({Channel.TEXT})
"""Channels found through an HNSW graph. One of frame means loses a seventh of the best: ``docs/decisions/0006``."""

GRAPH_CANDIDATES = 400
"""Candidates that a walk through the graph of texts keeps (``ef``), by their codes."""

OVERSAMPLING = 2.0
"""Points that a scan takes by their codes for each that it returns, scored again with the whole vectors: without, 93 %
of a ranking of 200 by 4-bit codes is that of the exact one. Only for a scope of some videos or a stretch of time, which
has few points: in a whole library each piece of the index would read its own from the disk, for the same ten."""

ROUGH_CHANNELS = frozenset({Channel.FRAME_MEAN})
"""Channels ranked by their codes alone where they only prefetch. A search asks for them in no other way, so an exact
ranking would be computed for nothing else."""

POOLED_TOGETHER = 2
"""Neighbouring tokens that share a vector in the engine. Its MaxSim only chooses what is looked at closely, and that is
done with every token, from the packed point; the cost is measured by ``python -m benchmarks.compression``."""

KEYWORD_FIELDS = ("tenant", "video_id")
INTEGER_FIELDS = ("part",)
FLOAT_FIELDS = ("start_s", "end_s")

UPSERT_BATCH = 32
"""Points a request: as JSON a point of 120 tokens is about 0.4 MB, and a server takes 32 MB by default."""


@dataclass(frozen=True, slots=True)
class PointLayout:
    """The dimensions of the named vectors; frames and frame_mean share one."""

    text_dim: int
    token_dim: int
    frame_dim: int
    format: int = FORMAT

    def dimensions(self) -> dict[Channel, int]:
        """Return the dimension of every dense channel."""
        return {
            Channel.TEXT: self.text_dim,
            Channel.TEXT_TOKENS: self.token_dim,
            Channel.FRAMES: self.frame_dim,
            Channel.FRAME_MEAN: self.frame_dim,
        }


def refuse_layout(found: object, wanted: PointLayout) -> Conflict:
    """Return the error for an index that was written with other dimensions, or by another version."""
    reason = f"the vector index was written by other models or another version: it has {found}, needed is {wanted}"
    return Conflict(reason, remedy="Run `kinograph rebuild`, or configure the former profile and models again.")


def to_payload(point: SegmentPoint) -> dict[str, Any]:
    """Return what points are filtered by, as plain JSON values; the rest stands in the packed point."""
    segment = point.segment
    return {
        "tenant": point.tenant,
        "video_id": segment.video_id,
        "part": segment.part,
        "start_s": segment.span.start_s,
        "end_s": segment.span.end_s,
    }


def to_arrays(vectors: SegmentVectors) -> dict[Channel, FloatArray]:
    """Return the dense channels that have a row at all, tokens pooled; Qdrant refuses empty matrices."""
    tokens = vectors.text_tokens
    channels = {
        Channel.TEXT: vectors.text,
        Channel.TEXT_TOKENS: None if tokens is None else pool_tokens(tokens, vectors.token_ranges, POOLED_TOGETHER),
        Channel.FRAMES: vectors.frames,
        Channel.FRAME_MEAN: vectors.frame_mean,
    }
    return {channel: array for channel, array in channels.items() if array is not None and array.size}


def is_narrow(scope: Scope) -> bool:
    """Whether the scope has few points, so that reading more of them whole costs little."""
    return bool(scope.video_ids) or scope.time is not None


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
