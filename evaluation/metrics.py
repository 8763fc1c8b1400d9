"""Scores rankings of spans against known spans: hits, temporal IoU, and rank measures through ir-measures.

Pure functions. It does not know where rankings come from, nor how scores are shown.

Every query has exactly one relevant moment. The first result that hits it gains; a later result on the same moment is
a duplicate and gains nothing, so nDCG@10 is 1/log2(1 + rank of the first hit), and 0 without a hit in ten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.records import Span
from evaluation.corpus import MomentQuery, Place

IOU_WANTED = 0.5
"""The share of shared time from which a first result counts as well placed."""
N_RESAMPLES = 1000
CONFIDENCE = 0.95
_RELEVANT = "the moment"


@dataclass(frozen=True, slots=True)
class Found:
    """A result as it is scored: where it is, nothing else."""

    clip: str
    span: Span


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one query went. Ranks count from 1 and are None without a hit; ``iou_at_1`` is 0.0 in the wrong clip."""

    rank: int | None
    clip_rank: int | None
    iou_at_1: float
    n_found: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over ``n_queries`` queries, each in [0, 1]; ``ndcg_interval`` is a bootstrap interval of nDCG@10."""

    n_queries: int
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    mrr: float
    ndcg_at_10: float
    ndcg_interval: tuple[float, float]
    iou_half_at_1: float
    mean_iou_at_1: float
    video_recall_at_1: float


def is_hit(found: Span, wanted: Span) -> bool:
    """Whether a result finds a span: it shares at least half of the shorter of the two, or its middle lies inside.

    >>> is_hit(Span(0, 10), Span(9, 11)), is_hit(Span(0, 10), Span(9.5, 11))
    (True, False)
    >>> is_hit(Span(0, 100), Span(40, 60))
    True
    """
    shorter_s = min(found.duration_s, wanted.duration_s)
    return found.overlap_s(wanted) >= shorter_s / 2 or wanted.contains(found.middle_s)


def judge_ranking(results: Sequence[Found], query: MomentQuery) -> Judgement:
    """Return how a ranking, best first, answers a query.

    >>> wanted = MomentQuery("a cat", "a.mp4", (Span(4, 8),), "visual", "natural")
    >>> judge_ranking([Found("a.mp4", Span(20, 24)), Found("b.mp4", Span(4, 8)), Found("a.mp4", Span(6, 10))], wanted)
    Judgement(rank=3, clip_rank=1, iou_at_1=0.0, n_found=3)
    """
    hits = [finds_any(result, query) for result in results]
    clips = [result.clip == query.clip for result in results]
    iou_at_1 = max(results[0].span.iou(span) for span in query.spans) if clips and clips[0] else 0.0
    return Judgement(_first_rank(hits), _first_rank(clips), iou_at_1, len(results))


def finds_any(result: Found, query: MomentQuery) -> bool:
    """Whether a result hits any of the right spans of the query."""
    return result.clip == query.clip and any(is_hit(result.span, span) for span in query.spans)


def share_of_places_found(results: Sequence[Found], places: Sequence[Place]) -> float:
    """Return the share of places that any result hits; 0.0 for no results.

    >>> here, there = Place("a.mp4", Span(0, 4)), Place("a.mp4", Span(50, 54))
    >>> share_of_places_found([Found("a.mp4", Span(1, 5))], [here, there])
    0.5
    """
    found = sum(any(r.clip == place.clip and is_hit(r.span, place.span) for r in results) for place in places)
    return found / len(places)


def score_judgements(judgements: Sequence[Judgement]) -> Scores:
    """Return the means over queries; rank measures come from ir-measures.

    Raises:
        ValueError: there is nothing to average.
    """
    if not judgements:
        raise ValueError("no judged queries")
    values = _rank_measures(judgements)
    means = {name: float(np.mean(column)) for name, column in values.items()}
    ious = [judgement.iou_at_1 for judgement in judgements]
    return Scores(
        n_queries=len(judgements),
        recall_at_1=means["R@1"],
        recall_at_5=means["R@5"],
        recall_at_10=means["R@10"],
        mrr=means["RR"],
        ndcg_at_10=means["nDCG@10"],
        ndcg_interval=bootstrap_interval(values["nDCG@10"]),
        iou_half_at_1=float(np.mean([iou >= IOU_WANTED for iou in ious])),
        mean_iou_at_1=float(np.mean(ious)),
        video_recall_at_1=float(np.mean([judgement.clip_rank == 1 for judgement in judgements])),
    )


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean over queries (Efron, 1979); always the same for the same.

    >>> bootstrap_interval([1.0, 1.0])
    (1.0, 1.0)
    """
    samples = np.random.default_rng(0).choice(np.asarray(values), size=(N_RESAMPLES, len(values)))
    low, high = np.quantile(samples.mean(axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _first_rank(claims: Sequence[bool]) -> int | None:
    return claims.index(True) + 1 if True in claims else None


def _rank_measures(judgements: Sequence[Judgement]) -> Mapping[str, list[float]]:
    """Return each measure's values in the order of the judgements.

    Only the place of the first hit is handed over: whatever stands above it is a miss, whatever stands below gains
    nothing. Measures are read per query, so a query without results counts as 0.
    """
    import ir_measures
    from ir_measures import RR, R, nDCG

    measures = {"R@1": R @ 1, "R@5": R @ 5, "R@10": R @ 10, "RR": RR, "nDCG@10": nDCG @ 10}
    numbered = {str(number): judgement for number, judgement in enumerate(judgements)}
    qrels = {number: {_RELEVANT: 1} for number in numbered}
    run = {number: _ranking_of(judgement) for number, judgement in numbered.items()}
    values = {
        (m.query_id, str(m.measure)): float(m.value) for m in ir_measures.iter_calc([*measures.values()], qrels, run)
    }
    return {name: [values.get((number, name), 0.0) for number in numbered] for name in measures}


def _ranking_of(judgement: Judgement) -> dict[str, float]:
    """Return documents with falling scores, the relevant one at the rank of the first hit."""
    names = [f"miss {rank}" for rank in range(1, judgement.n_found + 1)]
    if judgement.rank:
        names[judgement.rank - 1] = _RELEVANT
    return {name: float(len(names) - place) for place, name in enumerate(names)}
