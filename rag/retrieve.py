"""Candidates: each channel ranks segments by itself, and the best of all are looked at closely.

It does not know how rankings are fused nor what is relevant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from core.cosine_scales import AS_IT_IS, CosineScale
from core.protocols import LexicalEncoder, TextEncoder, VisualEncoder
from core.records import Segment
from core.signals import FloatArray, SparseVector
from core.stores import Channel, ChannelQuery, Scope, ScoredSegment, SegmentIndex, SegmentPoint
from rag.late_interaction import Interaction, best_fits, interact, look_at_frames

CANDIDATES_PER_CHANNEL = 60
"""Ranks beyond this weigh less than a tenth of the first in the fusion."""

N_PREFETCHED = 600
"""All that three cheap channels prefetch."""

ALL_CHANNELS = frozenset(Channel)


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """A query in every channel's space: ``text`` (d,), ``tokens`` (t, k), ``visual`` (r, v), ``lexical`` sparse.

    ``text_scale`` and ``token_scale``: how cosines with the first two are read.
    """

    text: FloatArray
    tokens: FloatArray
    visual: FloatArray
    lexical: SparseVector
    text_scale: CosineScale = AS_IT_IS
    token_scale: CosineScale = AS_IT_IS

    @property
    def visual_mean(self) -> FloatArray:
        """What ``frame_mean`` is compared with (v,): the mean of the visual rows; only its direction counts."""
        return np.asarray(self.visual.mean(axis=0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment looked at closely.

    ``dense`` and ``interaction`` are cosines, ``frames`` (a fit a keyframe) are on their scale; ``lexical`` is BM25 as
    a fraction of the best segment's, times the root of the share of the query's words that the segment holds: the best
    of a library may hold one word of five. Each is 0 (frames: empty) where the segment lacks the channel.
    """

    point: SegmentPoint
    dense: float
    lexical: float
    interaction: Interaction
    frames: FloatArray

    @property
    def segment(self) -> Segment:
        return self.point.segment

    @property
    def modalities(self) -> frozenset[str]:
        """The modalities of its texts."""
        return frozenset(item.modality for item in self.point.vectors.token_ranges)

    def joint_among(self, modalities: Set[str]) -> float:
        """Return the MaxSim over what is of these modalities alone; over all where late interaction saw nothing."""
        readings = self.interaction.readings
        if not readings:
            return self.interaction.joint
        ids = {item.evidence_id for item in self.point.vectors.token_ranges if item.modality in modalities}
        fits = [best_fits(readings[evidence_id]) for evidence_id in ids & readings.keys()]
        return float(np.max(fits, axis=0).mean()) if fits else 0.0

    @property
    def visual(self) -> float:
        return float(self.frames.max()) if len(self.frames) else 0.0


def encode_query(query: str, text: TextEncoder, visual: VisualEncoder, lexical: LexicalEncoder) -> QueryVectors:
    """Return the query's vectors."""
    return QueryVectors(
        text=text.embed_query(query),
        tokens=text.embed_query_tokens(query),
        visual=visual.embed_query(query),
        lexical=lexical.encode_query(query),
        text_scale=text.text_scale,
        token_scale=text.token_scale,
    )


def rank_channels(
    query: QueryVectors, index: SegmentIndex, scope: Scope, channels: frozenset[Channel] = ALL_CHANNELS
) -> dict[Channel, list[ScoredSegment]]:
    """Return each channel's ranking, best first; late interaction rescores what the cheap channels prefetched.

    So do the query's own words, so that each candidate has its BM25, not only the best by words: in a large library
    hundreds of segments tie for the last of these.
    """
    dense = ChannelQuery(Channel.TEXT, query.text)
    lexical = ChannelQuery(Channel.LEXICAL, query.lexical)
    frame_mean = ChannelQuery(Channel.FRAME_MEAN, query.visual_mean)
    cheap = tuple(item for item in (dense, lexical) if item.channel in channels)
    pictures = (frame_mean,) if Channel.FRAMES in channels else ()
    queries = [
        dense,
        ChannelQuery(Channel.TEXT_TOKENS, query.tokens, prefetch=cheap),
        ChannelQuery(Channel.FRAMES, query.visual, prefetch=pictures),
    ]
    if query.lexical.indices:
        queries.append(replace(lexical, prefetch=cheap + pictures))
    asked = [item for item in queries if item.channel in channels]
    limits = {Channel.LEXICAL: N_PREFETCHED}
    return {
        item.channel: index.rank(item, scope, limit=limits.get(item.channel, CANDIDATES_PER_CHANNEL)) for item in asked
    }


def examine(
    query: QueryVectors,
    segment_ids: Sequence[str],
    rankings: Mapping[Channel, Sequence[ScoredSegment]],
    index: SegmentIndex,
    visual: VisualEncoder,
    channels: frozenset[Channel] = ALL_CHANNELS,
) -> dict[str, Candidate]:
    """Return the candidates of the given segments, with every score computed from their vectors.

    Words are left out with their ``channels``; of dense and late interaction the one stands in for the other, and the
    lexical score for both, so that the scale stays.
    """
    lexical_by_id = {item.segment_id: item.score for item in rankings.get(Channel.LEXICAL, ())}
    best_lexical = max(lexical_by_id.values(), default=1.0) or 1.0
    candidates = {}
    points = index.fetch(segment_ids)
    held_vectors = [point.vectors for point in points.values()]
    with_tokens = query.tokens if Channel.TEXT_TOKENS in channels else query.tokens[:0]
    interactions = interact(with_tokens, held_vectors, query.token_scale)
    is_seen = Channel.FRAMES in channels
    n_keyframes = [len(point.segment.keyframes) if is_seen else 0 for point in points.values()]
    looks = look_at_frames(query.visual, held_vectors, n_keyframes)
    for (segment_id, point), interaction, fits in zip(points.items(), interactions, looks, strict=True):
        vectors = point.vectors
        held = share_held(query.lexical, vectors.lexical)
        candidate = Candidate(
            point=point,
            dense=float(query.text_scale.read(vectors.text @ query.text)) if vectors.text is not None else 0.0,
            lexical=lexical_by_id.get(segment_id, 0.0) / best_lexical * held**0.5,
            interaction=interaction,
            frames=visual.on_text_scale(fits),
        )
        candidates[segment_id] = candidate if channels == ALL_CHANNELS else _stand_in(candidate, channels)
    return candidates


def share_held(query: SparseVector, passage: SparseVector | None) -> float:
    """Return the share of the query's terms that the passage holds.

    >>> share_held(SparseVector((1, 2, 3, 4), (1.0,) * 4), SparseVector((2, 9), (0.5, 0.7)))
    0.25
    """
    if passage is None or not query.indices:
        return 0.0
    return len(set(query.indices) & set(passage.indices)) / len(query.indices)


def _stand_in(candidate: Candidate, channels: frozenset[Channel]) -> Candidate:
    """Return the candidate, the scores of words that are left out replaced by one that is not."""
    if not channels & {Channel.TEXT, Channel.TEXT_TOKENS, Channel.LEXICAL}:
        return replace(candidate, dense=0.0, interaction=Interaction(0.0, {}))
    dense, interaction = candidate.dense, candidate.interaction
    if Channel.TEXT_TOKENS not in channels:
        joint = dense if Channel.TEXT in channels else candidate.lexical
        interaction = Interaction(joint, {item.evidence_id: 0.0 for item in candidate.point.vectors.token_ranges})
    return replace(candidate, dense=dense if Channel.TEXT in channels else interaction.joint, interaction=interaction)
