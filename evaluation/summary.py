"""Sums up outcomes as figures with intervals.

It does not know how outcomes came about, nor how figures are shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.bootstrap import Interval, bootstrap_intervals, unit_of
from evaluation.metrics import Judgement, Scores, score_judgements
from evaluation.runner import NegativeOutcome, Outcomes, QueryOutcome, QuestionOutcome

KNOWN_MODALITIES = ("speech", "ocr", "visual")
"""Shown first, in this order; others follow."""

SPAN_LENGTHS = {"≤ 3 s": 3.0, "3–8 s": 8.0, "8–20 s": 20.0, "20–60 s": 60.0, "> 60 s": math.inf}
"""Names of groups by length, and the longest right span of each in seconds."""


@dataclass(frozen=True, slots=True)
class NegativeScores:
    """How queries that nothing matches went; ``empty`` is the share answered with nothing, in [0, 1]."""

    n_negatives: int
    empty: float
    interval: Interval
    best_score: float | None


@dataclass(frozen=True, slots=True)
class QuestionScores:
    """Means over questions, each in [0, 1]; ``all_found_at_5``: all of the evidence within the first five moments."""

    n_questions: int
    evidence_recall_at_5: float
    all_found_at_5: float
    citation_recall: float
    answer_words: float
    abstained: float
    intervals: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures of a run; what has no cases is absent or None.

    ``uncut`` are the figures without the relevance cut-off; ``by_length`` those of queries by how long the right span
    is, shortest first; ``multi_hop`` those of questions with several hops.
    """

    overall: Scores | None
    uncut: Scores | None
    by_modality: dict[str, Scores]
    by_style: dict[str, Scores]
    by_length: dict[str, Scores]
    negatives: NegativeScores | None
    questions: QuestionScores | None
    multi_hop: QuestionScores | None
    questions_by_kind: dict[str, QuestionScores]
    search_p50_ms: float | None
    search_p95_ms: float | None

    @property
    def recall_at_5_lost(self) -> float | None:
        """How much of recall@5 the cut-off costs."""
        return self.uncut.recall_at_5 - self.overall.recall_at_5 if self.uncut and self.overall else None


def summarise(outcomes: Outcomes) -> Summary:
    """Return the figures of a run."""
    n_clips, negatives = outcomes.n_clips, outcomes.negatives
    uncut = [(outcome, outcome.uncut) for outcome in outcomes.queries if outcome.uncut is not None]
    took_ms = [1000 * took_s for took_s in [*(o.took_s for o in outcomes.queries), *(o.took_s for o in negatives)]]
    multi_hop = [outcome for outcome in outcomes.questions if outcome.case.is_multi_hop]
    kinds = sorted({outcome.case.kind for outcome in outcomes.questions})
    return Summary(
        overall=score_queries(outcomes.queries, n_clips) if outcomes.queries else None,
        uncut=score_queries([q for q, _ in uncut], n_clips, [judged for _, judged in uncut]) if uncut else None,
        by_modality=score_groups(outcomes.queries, lambda outcome: outcome.query.modality, n_clips),
        by_style=score_groups(outcomes.queries, lambda outcome: outcome.query.style, n_clips),
        by_length=score_lengths(outcomes.queries, n_clips),
        negatives=_score_negatives(negatives) if negatives else None,
        questions=score_questions(outcomes.questions, n_clips) if outcomes.questions else None,
        multi_hop=score_questions(multi_hop, n_clips) if multi_hop else None,
        questions_by_kind={
            kind: score_questions([outcome for outcome in outcomes.questions if outcome.case.kind == kind], n_clips)
            for kind in kinds
        },
        search_p50_ms=float(np.percentile(took_ms, 50)) if took_ms else None,
        search_p95_ms=float(np.percentile(took_ms, 95)) if took_ms else None,
    )


def units_of(outcomes: Sequence[QueryOutcome], n_clips: int) -> list[str]:
    """Return for each query what it is drawn with in the bootstrap."""
    return [unit_of(outcome.query.clip, outcome.query.spans[0], n_clips) for outcome in outcomes]


def score_queries(
    outcomes: Sequence[QueryOutcome], n_clips: int, judgements: Sequence[Judgement] | None = None
) -> Scores:
    """Return the figures of queries, by their own judgements unless others are given."""
    own = [outcome.judgement for outcome in outcomes]
    return score_judgements(own if judgements is None else judgements, units_of(outcomes, n_clips))


def score_groups(
    outcomes: Sequence[QueryOutcome], name_of: Callable[[QueryOutcome], str], n_clips: int
) -> dict[str, Scores]:
    """Return the figures of each group of queries."""
    found = {name_of(outcome) for outcome in outcomes}
    names = [*(name for name in KNOWN_MODALITIES if name in found), *sorted(found - set(KNOWN_MODALITIES))]
    return {name: score_queries([o for o in outcomes if name_of(o) == name], n_clips) for name in names}


def score_lengths(outcomes: Sequence[QueryOutcome], n_clips: int) -> dict[str, Scores]:
    """Return the figures of queries by the length of their (first) right span, shortest first; no empty groups."""
    groups: dict[str, list[QueryOutcome]] = {name: [] for name in SPAN_LENGTHS}
    for outcome in outcomes:
        groups[name_length(outcome.query.spans[0].duration_s)].append(outcome)
    return {name: score_queries(members, n_clips) for name, members in groups.items() if members}


def name_length(duration_s: float) -> str:
    """Return the group of SPAN_LENGTHS that a span belongs to.

    >>> [name_length(duration_s) for duration_s in (3.0, 3.1, 60.0, 61.0)]
    ['≤ 3 s', '3–8 s', '20–60 s', '> 60 s']
    """
    return next(name for name, longest_s in SPAN_LENGTHS.items() if duration_s <= longest_s)


def _score_negatives(outcomes: Sequence[NegativeOutcome]) -> NegativeScores:
    empty = [float(not outcome.results) for outcome in outcomes]
    scores = [moment.score for outcome in outcomes for moment in outcome.results[:1]]
    interval = bootstrap_intervals({"empty": empty}, [outcome.query for outcome in outcomes])["empty"]
    return NegativeScores(len(outcomes), float(np.mean(empty)), interval, max(scores, default=None))


def score_questions(outcomes: Sequence[QuestionOutcome], n_clips: int) -> QuestionScores:
    """Return the figures of questions."""
    columns = question_columns(outcomes)
    means = {name: float(np.mean(values)) for name, values in columns.items()}
    intervals = bootstrap_intervals(columns, units_of_questions(outcomes, n_clips))
    return QuestionScores(len(outcomes), **means, intervals=intervals)


def question_columns(outcomes: Sequence[QuestionOutcome]) -> dict[str, list[float]]:
    """Return every measure's values in the order of the outcomes, by the names of ``QuestionScores``."""
    return {
        "evidence_recall_at_5": [outcome.moments_recall for outcome in outcomes],
        "all_found_at_5": [float(outcome.moments_recall == 1.0) for outcome in outcomes],
        "citation_recall": [outcome.citations_recall for outcome in outcomes],
        "answer_words": [outcome.answer_words for outcome in outcomes],
        "abstained": [float(outcome.answer.abstained is not None) for outcome in outcomes],
    }


def units_of_questions(outcomes: Sequence[QuestionOutcome], n_clips: int) -> list[str]:
    """Return for each question what it is drawn with in the bootstrap: where its first piece of evidence lies."""
    first_places = [outcome.case.evidence[0] for outcome in outcomes]
    return [unit_of(place.clip, place.span, n_clips) for place in first_places]
