"""Shows the figures of a run as tables and as JSON.

It does not know how figures are computed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from evaluation.ablation import ALL, COMPARED, COMPARED_OF_QUESTIONS, Difference, QuestionVariant, Variant
from evaluation.bootstrap import CONFIDENCE, Interval
from evaluation.metrics import Scores
from evaluation.summary import NegativeScores, QuestionScores, Summary

MOMENT_MEASURES = {
    "R@1": "recall_at_1",
    "R@5": "recall_at_5",
    "R@10": "recall_at_10",
    "nDCG": "ndcg_at_10",
    "IoU≥.5": "iou_half_at_1",
    "IoU": "mean_iou_at_1",
    "video": "video_recall_at_1",
}
"""Headings and fields of ``Scores``; MRR, which says what nDCG says, is in the JSON alone."""

QUESTION_MEASURES = {
    "evid. R@5": "evidence_recall_at_5",
    "all @5": "all_found_at_5",
    "cited": "citation_recall",
    "words": "answer_words",
    "abstained": "abstained",
}

BELOW = f"below: {CONFIDENCE:.0%} interval"


def as_json(summary: Summary, indexing: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> str:
    """Return the figures, how the library was indexed, and what else was measured, as JSON."""
    figures = {**asdict(summary), "recall_at_5_lost": summary.recall_at_5_lost}
    return json.dumps({**figures, "indexing": dict(indexing), **(more or {})}, indent=1, ensure_ascii=False)


def print_summary(summary: Summary, console: Console) -> None:
    """Show the figures as tables."""
    if summary.overall:
        console.print(_moment_table(summary, summary.overall))
    if summary.negatives is not None:
        console.print(describe_negatives(summary.negatives))
    if summary.uncut and summary.overall:
        lost = summary.recall_at_5_lost
        console.print(f"R@5 without the cut-off {summary.uncut.recall_at_5:.3f}: the cut-off costs {lost:.3f}")
    if summary.search_p50_ms is not None:
        console.print(f"Search, end to end: p50 {summary.search_p50_ms:.0f} ms, p95 {summary.search_p95_ms:.0f} ms")
    if summary.questions:
        console.print(_question_table(summary, summary.questions))


def describe_negatives(scores: NegativeScores) -> str:
    best = f", best score {scores.best_score:.3f}" if scores.best_score is not None else ""
    share = f"{scores.empty:.2f} [{describe_interval(scores.interval)}]"
    return f"Negatives answered with nothing: {share} of {scores.n_negatives}{best}"


def describe_interval(interval: Interval) -> str:
    """Return an interval in few signs.

    >>> describe_interval((0.5, 1.0))
    '.50–1.0'
    """
    return "–".join(_short(bound) for bound in interval)


def _short(share: float) -> str:
    return f"{share:.2f}"[1:] if round(share, 2) < 1 else "1.0"


def _moment_table(summary: Summary, overall: Scores) -> Table:
    table = _table(f"Moments (nDCG@10; IoU and video of the first result); {BELOW}", "n", *MOMENT_MEASURES)
    _add(table, "overall", overall.n_queries, overall, MOMENT_MEASURES, is_bold=True)
    for groups in (summary.by_modality, summary.by_style, summary.by_length):
        table.add_section()
        for name, scores in groups.items():
            _add(table, name, scores.n_queries, scores, MOMENT_MEASURES)
    return table


def _question_table(summary: Summary, overall: QuestionScores) -> Table:
    table = _table(f"Questions (evidence in five moments); {BELOW}", "n", *QUESTION_MEASURES)
    _add(table, "overall", overall.n_questions, overall, QUESTION_MEASURES, is_bold=True)
    if summary.multi_hop:
        _add(table, "multi-hop", summary.multi_hop.n_questions, summary.multi_hop, QUESTION_MEASURES)
    table.add_section()
    for name, scores in summary.questions_by_kind.items():
        _add(table, name, scores.n_questions, scores, QUESTION_MEASURES)
    return table


def _table(title: str, *headings: str) -> Table:
    """Return a table that fits 80 columns; the first column names the rows."""
    table = Table(
        title=title,
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE,
        padding=(0, 0),
        show_edge=False,
    )
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(f" {heading}", justify="right", no_wrap=True)
    return table


def _add(
    table: Table,
    name: str,
    n_cases: int,
    scores: Scores | QuestionScores,
    measures: Mapping[str, str],
    *,
    is_bold: bool = False,
) -> None:
    """Add a row of figures and under it the row of their intervals."""
    fields = measures.values()
    cells = [f" {getattr(scores, field):.3f}" for field in fields]
    table.add_row(name, str(n_cases), *cells, style="bold" if is_bold else "")
    table.add_row("", "", *(f" {describe_interval(scores.intervals[field])}" for field in fields), style="dim")


def variant_table(variants: Sequence[Variant]) -> Table:
    """Return what each step contributes, as the differences to all steps; * where the interval leaves out zero."""
    [whole, *others] = variants
    headings = [heading.replace("@10", "").replace("mean ", "") for heading in COMPARED]
    table = _table("Steps left out, as differences to all steps (*: sure; ms: of cpu)", *headings, "neg.", "ms")
    overall = whole.summary.overall
    _add_variant(table, whole, [f"{getattr(overall, field):.3f} " if overall else "" for field in COMPARED.values()])
    table.add_section()
    for variant in others:
        _add_variant(table, variant, [_difference(variant.differences.get(field)) for field in COMPARED.values()])
    return table


def question_variant_table(variants: Sequence[QuestionVariant]) -> Table:
    """Return what each step of a question contributes, as the differences to all steps."""
    title = "Steps of questions left out, as differences to all steps (*: sure)"
    table = _table(title, "n", *COMPARED_OF_QUESTIONS)
    for variant in variants:
        scores, fields = variant.scores, COMPARED_OF_QUESTIONS.values()
        figures = [f"{getattr(scores, field):.3f} " for field in fields]
        differences = [_difference(variant.differences.get(field)) for field in fields]
        cells = figures if variant.name == ALL else differences
        table.add_row(f"{variant.group}: {variant.name}", str(scores.n_questions), *(f" {cell}" for cell in cells))
    return table


def _difference(difference: Difference | None) -> str:
    return f"{difference.mean:+.3f}{'*' if difference.is_sure else ' '}".replace("0.", ".") if difference else ""


def _add_variant(table: Table, variant: Variant, cells: Sequence[str]) -> None:
    negatives = variant.summary.negatives
    empty = f" {negatives.empty:.2f}" if negatives else ""
    table.add_row(variant.name, *(f" {cell}" for cell in cells), empty, f" {variant.cpu_ms:.0f}")
