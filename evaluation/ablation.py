"""Measures what each step contributes: of a search all steps, each one left out, and each channel alone; of a question
all steps, and each that only a question takes left out.

It does not know what the steps do: it takes them as ``rag.steps`` lists them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.bootstrap import Interval, bootstrap_intervals
from evaluation.corpus import Corpus, count_clips
from evaluation.library import AnswererOf, FinderOf, ask_with, search_with
from evaluation.metrics import measure_columns
from evaluation.runner import Outcomes, QueryOutcome, QuestionOutcome, run_corpus, run_question
from evaluation.summary import (
    QuestionScores,
    Summary,
    question_columns,
    score_questions,
    summarise,
    units_of,
    units_of_questions,
)
from rag.steps import CHANNELS_BY_STEP, QUESTION_STEPS, Steps

ALL = "all steps"
COMPARED = {
    "R@1": "recall_at_1",
    "R@5": "recall_at_5",
    "nDCG@10": "ndcg_at_10",
    "mean IoU": "mean_iou_at_1",
    "IoU≥.5": "iou_half_at_1",
}
"""Headings and fields of ``metrics.Scores``."""

COMPARED_OF_QUESTIONS = {
    "evid. R@5": "evidence_recall_at_5",
    "all @5": "all_found_at_5",
    "cited": "citation_recall",
    "words": "answer_words",
}
"""Headings and fields of ``summary.QuestionScores``."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean over queries of (variant minus all steps), and its paired bootstrap interval."""

    mean: float
    interval: Interval

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.interval[0] > 0 or self.interval[1] < 0

    @property
    def is_any(self) -> bool:
        """Whether any query differs, even if the mean does not."""
        return any((self.mean, *self.interval))


@dataclass(frozen=True, slots=True)
class Variant:
    """A search of some steps: its figures, and how the fields of COMPARED differ from those of all steps.

    ``cpu_ms`` is the processor time of a search on average, which a busy machine hardly changes.
    """

    name: str
    summary: Summary
    differences: Mapping[str, Difference]
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class QuestionVariant:
    """Answers of some steps to a group of questions: their figures, and how they differ from those of all steps.

    ``cpu_ms`` is the processor time of an answer on average.
    """

    group: str
    name: str
    scores: QuestionScores
    differences: Mapping[str, Difference]
    cpu_ms: float

    @property
    def n_cases(self) -> int:
        return self.scores.n_questions


def list_variants() -> dict[str, Steps]:
    """Return what is compared, by name; the first has all steps.

    >>> [name for name in list_variants() if "lexical" in name]
    ['without lexical', 'only lexical']
    """
    return {
        ALL: Steps(),
        **{f"without {_name(step)}": Steps().without(step) for step in Steps.names() if step not in QUESTION_STEPS},
        **{f"only {_name(step)}": Steps.with_only(step) for step in CHANNELS_BY_STEP},
    }


def run_ablation(
    corpus: Corpus,
    finder_of: FinderOf,
    clip_by_id: Mapping[str, str],
    *,
    on_done: Callable[[str], None] = lambda _name: None,
) -> list[Variant]:
    """Search everything with every variant; the first variant is that of all steps."""
    variants: list[Variant] = []
    whole: Outcomes | None = None
    for name, steps in list_variants().items():
        search = search_with(finder_of(steps))
        if whole is None:
            run_corpus(corpus, search, None, clip_by_id)  # encodes every query, so that no variant's times hold that
        started_s = time.process_time()
        outcomes = run_corpus(corpus, search, None, clip_by_id)
        cpu_ms = 1000 * (time.process_time() - started_s) / max(1, len(corpus.queries) + len(corpus.negatives))
        whole = whole or outcomes
        variants.append(Variant(name, summarise(outcomes), compare(outcomes, whole), cpu_ms))
        on_done(name)
    return variants


def list_question_variants() -> dict[str, Steps]:
    """Return what is compared of questions, by name; the first has all steps.

    >>> list(list_question_variants())
    ['all steps', 'without passages', 'without hops', 'without graph']
    """
    return {ALL: Steps(), **{f"without {_name(step)}": Steps().without(step) for step in QUESTION_STEPS}}


def run_question_ablation(
    corpus: Corpus,
    answerer_of: AnswererOf,
    clip_by_id: Mapping[str, str],
    *,
    on_done: Callable[[str], None] = lambda _name: None,
) -> list[QuestionVariant]:
    """Ask every question of every variant; of each group, the first variant is that of all steps."""
    outcomes_by_name: dict[str, list[QuestionOutcome]] = {}
    for name, steps in list_question_variants().items() if corpus.questions else ():
        ask = ask_with(answerer_of(steps))
        if not outcomes_by_name:
            for case in corpus.questions:
                run_question(case, ask, clip_by_id)  # encodes every question, so that no variant's times hold that
        outcomes_by_name[name] = [run_question(case, ask, clip_by_id) for case in corpus.questions]
        on_done(name)
    return compare_question_groups(outcomes_by_name, count_clips(corpus.queries, corpus.questions))


def compare_question_groups(
    outcomes_by_name: Mapping[str, Sequence[QuestionOutcome]], n_clips: int
) -> list[QuestionVariant]:
    """Return how the variants of ALL differ from it, for all questions and for those of several hops.

    ``n_clips`` is how many clips the whole corpus asks about.
    """
    variants = []
    for group, hops in (("all", 1), ("multi-hop", 2)):
        picked = {name: [o for o in outcomes if o.case.n_hops >= hops] for name, outcomes in outcomes_by_name.items()}
        variants += [
            QuestionVariant(
                group,
                name,
                score_questions(ours, n_clips),
                compare_questions(ours, picked[ALL], n_clips),
                1000 * float(np.mean([outcome.cpu_s for outcome in ours])),
            )
            for name, ours in picked.items()
            if ours
        ]
    return variants


def compare(outcomes: Outcomes, whole: Outcomes) -> dict[str, Difference]:
    """Return how outcomes differ from those of all steps on the same queries, by the fields of COMPARED."""
    return compare_queries(outcomes.queries, whole.queries, whole.n_clips) if whole.queries else {}


def compare_queries(
    outcomes: Sequence[QueryOutcome], whole: Sequence[QueryOutcome], n_clips: int
) -> dict[str, Difference]:
    """Return how outcomes differ from those of all steps on the same queries, at least one, by the fields of COMPARED.

    ``n_clips`` is how many clips the whole corpus asks about.
    """
    return _differ(_columns(outcomes), _columns(whole), COMPARED, units_of(whole, n_clips))


def compare_questions(
    outcomes: Sequence[QuestionOutcome], whole: Sequence[QuestionOutcome], n_clips: int
) -> dict[str, Difference]:
    """Return how outcomes differ from those of all steps, by the fields of COMPARED_OF_QUESTIONS."""
    units = units_of_questions(whole, n_clips)
    return _differ(question_columns(outcomes), question_columns(whole), COMPARED_OF_QUESTIONS, units)


def _differ(
    ours: Mapping[str, Sequence[float]],
    theirs: Mapping[str, Sequence[float]],
    compared: Mapping[str, str],
    units: Sequence[str],
) -> dict[str, Difference]:
    columns = {name: np.subtract(ours[name], theirs[name]).tolist() for name in compared.values()}
    intervals = bootstrap_intervals(columns, units)
    return {name: Difference(float(np.mean(columns[name])), intervals[name]) for name in compared.values()}


def _columns(outcomes: Sequence[QueryOutcome]) -> dict[str, list[float]]:
    return measure_columns([outcome.judgement for outcome in outcomes])


def _name(step: str) -> str:
    return step.replace("_", " ")
