"""Late interaction: MaxSim between the tokens of a query and of a segment, in all and by piece of evidence.

After Khattab and Zaharia, 2020 (ColBERT); over several modalities joined in one index, after Wan et al., 2025 (CLaMR).
It does not know how candidates were found.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core.cosine_scales import AS_IT_IS, CosineScale
from core.signals import FloatArray, SegmentVectors


@dataclass(frozen=True, slots=True)
class Interaction:
    """How a query meets a segment; every score is a mean cosine over the query's tokens, in [-1, 1].

    ``joint``: each query token takes its best token anywhere in the segment. ``by_evidence``: anywhere in one piece of
    evidence. ``joint`` is at least the best of ``by_evidence``. ``readings``: the cosines (q, n) behind them, for each
    reading of the evidence (its text, then its translation). All are empty (0.0, {}, {}) for a segment without text.
    """

    joint: float
    by_evidence: dict[str, float]
    readings: dict[str, tuple[FloatArray, ...]] = field(default_factory=dict, repr=False, compare=False)


def interact(
    query_tokens: FloatArray, held: Sequence[SegmentVectors], scale: CosineScale = AS_IT_IS
) -> list[Interaction]:
    """Return the MaxSim scores of query tokens (q, d) against each segment's tokens.

    Cosines are read on the scale.

    >>> import numpy as np
    >>> from core.signals import TokenRange
    >>> held = SegmentVectors(
    ...     text_tokens=np.eye(2, dtype=np.float32),
    ...     token_ranges=(TokenRange("said", "speech", 0, 1), TokenRange("shown", "screen", 1, 2)),
    ... )
    >>> interact(np.eye(2, dtype=np.float32), [held, SegmentVectors()])
    [Interaction(joint=1.0, by_evidence={'said': 0.5, 'shown': 0.5}), Interaction(joint=0.0, by_evidence={})]
    """
    matrices = [query_tokens[:0] if vectors.text_tokens is None else vectors.text_tokens for vectors in held]
    bounds = np.cumsum([0, *map(len, matrices)]).tolist()
    if len(query_tokens) == 0 or bounds[-1] == 0:
        return [Interaction(0.0, {})] * len(held)
    similarity = scale.read(np.concatenate([query_tokens @ matrix.T for matrix in matrices], axis=1))
    joints = _best_of_each(similarity, list(itertools.pairwise(bounds))).mean(axis=0).tolist()
    ranges = [(place, item) for place, vectors in enumerate(held) for item in vectors.token_ranges]
    columns = [(bounds[place] + item.start, bounds[place] + item.end) for place, item in ranges]
    fits = _best_of_each(similarity, columns).mean(axis=0).tolist()
    by_evidence: list[dict[str, float]] = [{} for _ in held]
    readings: list[dict[str, tuple[FloatArray, ...]]] = [{} for _ in held]
    for (place, item), (start, end), fit in zip(ranges, columns, fits, strict=True):
        if start < end:
            earlier = readings[place].get(item.evidence_id, ())
            cosines = (*earlier, similarity[:, start:end])
            readings[place][item.evidence_id] = cosines
            by_evidence[place][item.evidence_id] = float(best_fits(cosines).mean()) if earlier else fit
    return [
        Interaction(joint if len(matrix) else 0.0, by_item, read)
        for joint, matrix, by_item, read in zip(joints, matrices, by_evidence, readings, strict=True)
    ]


def _best_of_each(similarity: FloatArray, pieces: Sequence[tuple[int, int]]) -> FloatArray:
    """Return the best cosine (q, p) of each query token in each piece, columns ``[start, end)``; -1 in an empty one."""
    if not pieces:
        return similarity[:, :0]
    edges = np.array(pieces)
    padded = np.pad(similarity, ((0, 0), (0, 1)), constant_values=-1.0)  # so that the end of the last is a column too
    best = np.maximum.reduceat(padded, edges.ravel(), axis=1)[:, ::2]
    return np.asarray(np.where(edges[:, 0] < edges[:, 1], best, -1.0), dtype=np.float32)


def best_fits(readings: Sequence[FloatArray]) -> FloatArray:
    """Return the best cosine (q,) of each query token with any row of any reading, each (q, n)."""
    best = readings[0].max(axis=1)
    for cosines in readings[1:]:
        best = np.maximum(best, cosines.max(axis=1))
    return np.asarray(best, dtype=np.float32)


def look_at_frames(query: FloatArray, held: Sequence[SegmentVectors], n_keyframes: Sequence[int]) -> list[FloatArray]:
    """Return the MaxSim of a query (r, v) with each keyframe of each segment, -1 where a keyframe has no row.

    It is the mean over the query's rows of the best cosine with any of the keyframe's, which stand together.

    >>> import numpy as np
    >>> held = SegmentVectors(frames=np.eye(3, dtype=np.float32), frame_owner=(0, 0, 2))
    >>> look_at_frames(np.eye(3, dtype=np.float32)[:2], [held, SegmentVectors()], [3, 1])
    [array([ 1., -1.,  0.], dtype=float32), array([-1.], dtype=float32)]
    """
    bounds = [0, *itertools.accumulate(n_keyframes)]
    fits = np.full(bounds[-1] + 1, -1.0, dtype=np.float32)  # the last takes the rows of keyframes that are not there
    matrices = [vectors.frames for vectors in held if vectors.frames is not None]
    places: list[int] = []
    for vectors, (start, end) in zip(held, itertools.pairwise(bounds), strict=True):
        if vectors.frames is not None:
            owners = vectors.frame_owner or range(len(vectors.frames))
            places.extend(start + owner if start + owner < end else bounds[-1] for owner in owners)
    starts = [row for row, place in enumerate(places) if row == 0 or place != places[row - 1]]
    if starts:
        best = np.maximum.reduceat(query @ np.concatenate(matrices).T, starts, axis=1)
        fits[[places[row] for row in starts]] = np.add.reduce(best, axis=0) / len(query)
    return [fits[start:end] for start, end in itertools.pairwise(bounds)]


def interact_texts(
    query_tokens: FloatArray, tokens: Sequence[FloatArray], scale: CosineScale = AS_IT_IS
) -> list[float]:
    """Return the MaxSim of query tokens (q, d) with each text's tokens (t, d), as a mean cosine; 0.0 for no tokens."""
    return [
        float(scale.read(query_tokens @ matrix.T).max(axis=1).mean()) if len(matrix) and len(query_tokens) else 0.0
        for matrix in tokens
    ]
