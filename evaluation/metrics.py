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
from evaluation.bootstrap import Interval, bootstrap_intervals
from evaluation.corpus import MomentQuery, Place

IOU_WANTED = 0.5
"""The share of shared time from which a first result counts as well placed."""
_RELEVANT = "the moment"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one query went. Ranks count from 1 and are None without a hit; ``iou_at_1`` is 0.0 in the wrong clip."""

    rank: int | None
    clip_rank: int | None
    iou_at_1: float
    n_found: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over ``n_queries`` queries of ``n_units`` units (see ``bootstrap.unit_of``), each in [0, 1].

    ``intervals`` holds the bootstrap interval of every mean, by the name of its field.
    """

    n_queries: int
    n_units: int
    recall_at_1: float
    recall_at_5: float
    recall_at_10: float
    mrr: float
    ndcg_at_10: float
    iou_half_at_1: float
    mean_iou_at_1: float
    video_recall_at_1: float
    intervals: Mapping[str, Interval]


def is_hit(found: Span, wanted: Span) -> bool:
    """Whether a result finds a span: it shares at least half of the shorter of the two, or its middle lies inside.

    >>> is_hit(Span(0, 10), Span(9, 11)), is_hit(Span(0, 10), Span(9.5, 11))
    (True, False)
    >>> is_hit(Span(0, 100), Span(40, 60))
    True
    """
    shorter_s = min(found.duration_s, wanted.duration_s)
    return found.overlap_s(wanted) >= shorter_s / 2 or wanted.contains(found.middle_s)


def judge_ranking(results: Sequence[Place], query: MomentQuery) -> Judgement:
    """Return how a ranking, best first, answers a query.

    >>> wanted = MomentQuery("a cat", "a.mp4", (Span(4, 8),), "visual", "natural")
    >>> judge_ranking([Place("a.mp4", Span(20, 24)), Place("b.mp4", Span(4, 8)), Place("a.mp4", Span(6, 10))], wanted)
    Judgement(rank=3, clip_rank=1, iou_at_1=0.0, n_found=3)
    """
    hits = [finds_any(result, query) for result in results]
    right_clips = {place.clip for place in query.places}
    clips = [result.clip in right_clips for result in results]
    ious = [results[0].span.iou(p.span) for p in query.places if p.clip == results[0].clip] if results else []
    return Judgement(_first_rank(hits), _first_rank(clips), max(ious, default=0.0), len(results))


def finds_any(result: Place, query: MomentQuery) -> bool:
    """Whether a result hits any of the right places of the query."""
    return any(result.clip == place.clip and is_hit(result.span, place.span) for place in query.places)


def share_of_places_found(results: Sequence[Place], places: Sequence[Place]) -> float:
    """Return the share of places that any result hits; 0.0 for no results.

    >>> here, there = Place("a.mp4", Span(0, 4)), Place("a.mp4", Span(50, 54))
    >>> share_of_places_found([Place("a.mp4", Span(1, 5))], [here, there])
    0.5
    """
    found = sum(any(r.clip == place.clip and is_hit(r.span, place.span) for r in results) for place in places)
    return found / len(places)


def score_judgements(judgements: Sequence[Judgement], units: Sequence[str]) -> Scores:
    """Return the means over queries; ``units`` names for each what it is drawn with in the bootstrap.

    Raises:
        ValueError: there is nothing to average.
    """
    if not judgements:
        raise ValueError("no judged queries")
    columns = measure_columns(judgements)
    means = {name: float(np.mean(values)) for name, values in columns.items()}
    return Scores(len(judgements), len(set(units)), **means, intervals=bootstrap_intervals(columns, units))


def measure_columns(judgements: Sequence[Judgement]) -> dict[str, list[float]]:
    """Return every measure's values in the order of the judgements, by the names of ``Scores``."""
    ranks = _rank_measures(judgements)
    return {
        "recall_at_1": ranks["R@1"],
        "recall_at_5": ranks["R@5"],
        "recall_at_10": ranks["R@10"],
        "mrr": ranks["RR"],
        "ndcg_at_10": ranks["nDCG@10"],
        "iou_half_at_1": [float(judgement.iou_at_1 >= IOU_WANTED) for judgement in judgements],
        "mean_iou_at_1": [judgement.iou_at_1 for judgement in judgements],
        "video_recall_at_1": [float(judgement.clip_rank == 1) for judgement in judgements],
    }


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
