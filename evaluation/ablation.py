"""Measures what each step of a search contributes: all steps, each one left out, and each channel alone.

It does not know what the steps do: it takes them as ``rag.steps`` lists them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.bootstrap import Interval, bootstrap_intervals
from evaluation.corpus import Corpus
from evaluation.library import FinderOf, search_with
from evaluation.metrics import measure_columns
from evaluation.runner import Outcomes, run_corpus
from evaluation.summary import Summary, count_clips, summarise, units_of
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


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean over queries of (variant minus all steps), and its paired bootstrap interval."""

    mean: float
    interval: Interval

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.interval[0] > 0 or self.interval[1] < 0


@dataclass(frozen=True, slots=True)
class Variant:
    """A search of some steps: its figures, and how the fields of COMPARED differ from those of all steps.

    ``cpu_ms`` is the processor time of a search on average, which a busy machine hardly changes.
    """

    name: str
    summary: Summary
    differences: Mapping[str, Difference]
    cpu_ms: float


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


def compare(outcomes: Outcomes, whole: Outcomes) -> dict[str, Difference]:
    """Return how outcomes differ from those of all steps on the same queries, by the fields of COMPARED."""
    if not whole.queries:
        return {}
    ours, theirs = _columns(outcomes), _columns(whole)
    columns = {name: np.subtract(ours[name], theirs[name]).tolist() for name in COMPARED.values()}
    intervals = bootstrap_intervals(columns, units_of(whole.queries, count_clips(whole)))
    return {name: Difference(float(np.mean(columns[name])), intervals[name]) for name in COMPARED.values()}


def _columns(outcomes: Outcomes) -> dict[str, list[float]]:
    return measure_columns([outcome.judgement for outcome in outcomes.queries])


def _name(step: str) -> str:
    return step.replace("_", " ")
