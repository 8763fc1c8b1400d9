"""Scores of searches as the public sets define them: rank measures of videos, IoU and average precision of moments.

Pure functions; rank measures come from ir-measures. It does not know where rankings come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.records import Span

IOU_LEVELS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Over which mAP is averaged: 0.5 to 0.95 (QVHighlights, after ActivityNet)."""
MAX_PREDICTED_SPANS = 10
"""Moments of a ranking that count for average precision (the evaluation of QVHighlights)."""
RECALL_IOUS = (0.3, 0.5, 0.7)
CLIP_S = 2.0
"""Length of the clips that annotators of QVHighlights rated."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A moment as it is scored: its video, by the name in the set, and its span."""

    video: str
    span: Span


def rank_measures(rankings: Sequence[Sequence[str]], grades: Sequence[Mapping[str, int]]) -> dict[str, list[float]]:
    """Return nDCG@10, R@1, R@5, R@10 and AP of each ranking of videos, best first, against its relevant ones.

    A video that a ranking repeats counts once, where it stands first. AP is over the whole ranking.
    """
    import ir_measures
    from ir_measures import AP, R, nDCG

    measures = {"nDCG@10": nDCG @ 10, "R@1": R @ 1, "R@5": R @ 5, "R@10": R @ 10, "mAP": AP}
    qrels = {str(number): dict(held) for number, held in enumerate(grades)}
    runs = {str(number): _falling(dict.fromkeys(ranking)) for number, ranking in enumerate(rankings)}
    values = {
        (metric.query_id, str(metric.measure)): float(metric.value)
        for metric in ir_measures.iter_calc([*measures.values()], qrels, runs)
    }
    return {name: [values.get((query, str(measure)), 0.0) for query in qrels] for name, measure in measures.items()}


def first_rank(ranking: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Return the rank of the first relevant video, counted from 1; infinity if none is in the ranking.

    >>> first_rank(["b", "a"], {"a": 1}), first_rank(["b"], {"a": 1})
    (2.0, inf)
    """
    return next((float(rank) for rank, video in enumerate(ranking, start=1) if video in relevant), math.inf)


def best_iou(span: Span, wanted: Sequence[Span]) -> float:
    """Return the IoU with the right span that fits best.

    >>> best_iou(Span(0, 4), [Span(8, 9), Span(2, 6)])
    0.3333333333333333
    """
    return max((span.iou(right) for right in wanted), default=0.0)


def average_precision(found: Sequence[Span], wanted: Sequence[Span], iou: float) -> float:
    """Return the interpolated average precision of moments, best first, at an IoU level.

    Each right span is found once, by the first moment that reaches the level with it; precision at a recall is the
    highest at that recall or beyond. Source: temporal detection of ActivityNet (Caba Heilbron et al., CVPR 2015), which
    averages as PASCAL VOC 2011; used by QVHighlights (Lei et al., NeurIPS 2021) on the first ten moments.

    >>> average_precision([Span(90, 95), Span(0, 10)], [Span(0, 10)], 0.5)
    0.5
    """
    free = list(wanted)
    hits: list[bool] = []
    for span in found[:MAX_PREDICTED_SPANS]:
        match = max(free, key=span.iou, default=None)
        is_hit = match is not None and span.iou(match) >= iou
        if is_hit and match is not None:
            free.remove(match)
        hits.append(is_hit)
    precisions = [sum(hits[:rank]) / rank for rank in range(1, len(hits) + 1)]
    gains = [max(precisions[place:]) for place, is_hit in enumerate(hits) if is_hit]
    return sum(gains) / len(wanted) if wanted else 0.0


def mean_average_precision(found: Sequence[Span], wanted: Sequence[Span]) -> float:
    """Return the average precision of one query, averaged over IOU_LEVELS."""
    return float(np.mean([average_precision(found, wanted, iou) for iou in IOU_LEVELS]))


def hits_top_clip(found: Sequence[Span], top_clips: frozenset[int]) -> bool:
    """Whether the two-second clip in the middle of the first moment is one that an annotator finds very good.

    HIT@1 of QVHighlights asks for the clip with the highest saliency; the middle of the best moment stands for it.

    >>> hits_top_clip([Span(4, 8)], frozenset({3}))
    True
    """
    return bool(found) and int(found[0].middle_s // CLIP_S) in top_clips


def finds_moment(found: Sequence[Placed], video: str, wanted: Sequence[Span], *, iou: float, depth: int) -> bool:
    """Whether one of the first moments lies in the right video and reaches the IoU level with a right span (TVR)."""
    return any(place.video == video and best_iou(place.span, wanted) >= iou for place in found[:depth])


def _falling(names: Mapping[str, None]) -> dict[str, float]:
    return {name: float(len(names) - place) for place, name in enumerate(names)}
