"""A vector index in memory that computes every score exactly; what the real ones approximate.

It does not know persistence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.signals import FloatArray, SparseVector
from core.stores import Channel, ChannelQuery, Scope, ScoredSegment, SegmentPoint


class FakeSegmentIndex:
    """Implements ``core.stores.SegmentIndex`` in a dict; lexical scores leave out IDF."""

    def __init__(self) -> None:
        self.point_by_id: dict[str, SegmentPoint] = {}

    def upsert(self, points: Sequence[SegmentPoint]) -> None:
        self.point_by_id.update({point.segment.id: point for point in points})

    def rank(self, query: ChannelQuery, scope: Scope, *, limit: int) -> list[ScoredSegment]:
        allowed = [point for point in self.point_by_id.values() if scope.holds(point)]
        if query.prefetch:
            kept = {
                found.segment_id
                for inner in query.prefetch
                for found in self.rank(inner, scope, limit=query.prefetch_limit)
            }
            allowed = [point for point in allowed if point.segment.id in kept]
        scored = [(score, point) for point in allowed if (score := _score(query, point)) is not None]
        scored.sort(key=lambda pair: (-pair[0], pair[1].segment.id))
        return [ScoredSegment(point.segment.id, point.segment.video_id, score) for score, point in scored[:limit]]

    def fetch(self, segment_ids: Sequence[str]) -> dict[str, SegmentPoint]:
        return {found: self.point_by_id[found] for found in segment_ids if found in self.point_by_id}

    def delete_part(self, video_id: str, part: int) -> None:
        self._keep(lambda point: (point.segment.video_id, point.segment.part) != (video_id, part))

    def delete_video(self, video_id: str) -> None:
        self._keep(lambda point: point.segment.video_id != video_id)

    def count(self, video_id: str | None = None) -> int:
        return sum(video_id in (None, point.segment.video_id) for point in self.point_by_id.values())

    def close(self) -> None:
        pass

    def _keep(self, is_kept: Callable[[SegmentPoint], bool]) -> None:
        self.point_by_id = {found: point for found, point in self.point_by_id.items() if is_kept(point)}


def _score(query: ChannelQuery, point: SegmentPoint) -> float | None:
    """Return cosine, MaxSim or the sum of products; None where the segment lacks the channel."""
    stored = getattr(point.vectors, Channel(query.channel).value)
    if stored is None:
        return None
    if isinstance(query.vector, SparseVector):
        return _sparse_product(query.vector, stored)
    asked: FloatArray = np.atleast_2d(query.vector)
    return float((asked @ np.atleast_2d(stored).T).max(axis=1).sum())


def _sparse_product(asked: SparseVector, stored: SparseVector) -> float | None:
    weight_by_token = dict(zip(stored.indices, stored.values, strict=True))
    pairs = zip(asked.indices, asked.values, strict=True)
    shared = [weight * weight_by_token[token] for token, weight in pairs if token in weight_by_token]
    return sum(shared) if shared else None
