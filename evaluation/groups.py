"""Compares searches of variants with those of all steps, group by group of the queries.

It does not know what the variants leave out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

from evaluation.ablation import ALL, Difference, compare_queries
from evaluation.metrics import Scores
from evaluation.runner import Outcomes, QueryOutcome
from evaluation.summary import KNOWN_MODALITIES, score_queries


@dataclass(frozen=True, slots=True)
class MomentVariant:
    """Searches of some steps for a group of queries: their figures, and how they differ from those of all steps."""

    group: str
    name: str
    scores: Scores
    differences: Mapping[str, Difference]

    @property
    def n_cases(self) -> int:
        return self.scores.n_queries


def compare_query_groups(outcomes_by_name: Mapping[str, Outcomes]) -> list[MomentVariant]:
    """Return how the variants of ALL differ from it, for all queries and for each modality and style of queries.

    In a group of some queries, variants that change none of the figures that are compared are left out, and with none
    left the group.
    """
    whole = outcomes_by_name[ALL]
    variants: list[MomentVariant] = []
    for group in _list_groups(whole.queries):
        at = [group in ("all", outcome.query.modality, outcome.query.style) for outcome in whole.queries]
        theirs = [*compress(whole.queries, at)]
        compared = []
        for name, outcomes in outcomes_by_name.items():
            ours = [*compress(outcomes.queries, at)]
            differences = compare_queries(ours, theirs, whole.n_clips)
            if name == ALL or group == "all" or any(difference.is_any for difference in differences.values()):
                compared.append(MomentVariant(group, name, score_queries(ours, whole.n_clips), differences))
        variants += compared if len(compared) > 1 else []
    return variants


def _list_groups(outcomes: Sequence[QueryOutcome]) -> list[str]:
    """Return the names of the groups, those of modalities before those of styles; none without queries."""
    found = {name for outcome in outcomes for name in (outcome.query.modality, outcome.query.style)}
    known = [name for name in KNOWN_MODALITIES if name in found]
    return [*(["all"] if outcomes else []), *known, *sorted(found - {*known})]
