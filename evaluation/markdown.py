"""Figures as Markdown: tables, shares with their intervals, differences to all steps.

It does not know which figures are shown, nor where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.ablation import ALL, Difference, QuestionVariant
from evaluation.bootstrap import Interval
from evaluation.groups import MomentVariant
from evaluation.metrics import Scores
from evaluation.report import describe_interval
from evaluation.summary import QuestionScores


def head(title: str, facts: Mapping[str, str]) -> list[str]:
    """Return the first blocks of a section: its title, and how it was measured as a list."""
    return [f"## {title}", "\n".join(f"- {name}: {fact}" for name, fact in facts.items())]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are set to the right.

    >>> print(table(["", "n"], [["all", "3"]]))
    |  | n |
    |---|---:|
    | all | 3 |
    """
    lines = [headings, *rows]
    [head, *body] = (f"| {' | '.join(cells)} |" for cells in lines)
    return "\n".join([head, "|---|" + "---:|" * (len(headings) - 1), *body])


def figures_row(name: str, n_cases: int, scores: Scores | QuestionScores, measures: Mapping[str, str]) -> list[str]:
    fields = measures.values()
    return [name, str(n_cases), *(share_cell(getattr(scores, field), scores.intervals[field]) for field in fields)]


def group_table(variants: Sequence[MomentVariant | QuestionVariant], compared: Mapping[str, str]) -> str:
    """Return a table of groups: each first all steps, then the variants as differences to it.

    Of questions it has their time, too.
    """
    is_timed = any(isinstance(variant, QuestionVariant) for variant in variants)
    rows = []
    for variant in variants:
        name = f"{variant.group}: {variant.name}"
        if variant.name == ALL:
            row = figures_row(name, variant.n_cases, variant.scores, compared)
        else:
            row = [name, str(variant.n_cases), *map(difference_cell, variant.differences.values())]
        rows.append([*row, f"{variant.cpu_ms:.0f}"] if isinstance(variant, QuestionVariant) else row)
    return table(["", "n", *compared, *(["cpu ms"] if is_timed else [])], rows)


def difference_cell(difference: Difference) -> str:
    low, high = difference.interval
    cell = f"{difference.mean:+.3f} [{low:+.2f}, {high:+.2f}]"
    return f"**{cell}**" if difference.is_sure else cell


def share_cell(share: float, interval: Interval) -> str:
    return f"{share:.3f} [{describe_interval(interval)}]"
