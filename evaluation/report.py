"""Sums up outcomes as figures, and shows them as tables, as JSON and query by query.

It does not know how outcomes came about.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from core.records import Moment
from evaluation.metrics import Scores, score_judgements
from evaluation.runner import NegativeOutcome, Outcomes, QueryOutcome, QuestionOutcome, hit_ranks

N_SHOWN_MOMENTS = 3
N_SHOWN_CHARS = 200


@dataclass(frozen=True, slots=True)
class QuestionScores:
    """Means over questions, each in [0, 1]."""

    n_questions: int
    evidence_recall_at_5: float
    citation_recall: float
    answer_words: float
    abstained: float


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures of a run; what has no cases is absent or None."""

    overall: Scores | None
    by_modality: dict[str, Scores]
    by_style: dict[str, Scores]
    negatives_empty: float | None
    n_negatives: int
    best_negative_score: float | None
    questions: QuestionScores | None
    questions_by_kind: dict[str, QuestionScores]
    search_p50_ms: float | None
    search_p95_ms: float | None


def summarise(outcomes: Outcomes) -> Summary:
    """Return the figures of a run."""
    negatives = outcomes.negatives
    negative_scores = [moment.score for outcome in negatives for moment in outcome.results[:1]]
    took_ms = [1000 * took_s for took_s in (*(o.took_s for o in outcomes.queries), *(o.took_s for o in negatives))]
    return Summary(
        overall=_score(outcomes.queries) if outcomes.queries else None,
        by_modality=_score_groups(outcomes.queries, lambda outcome: outcome.query.modality),
        by_style=_score_groups(outcomes.queries, lambda outcome: outcome.query.style),
        negatives_empty=sum(not outcome.results for outcome in negatives) / len(negatives) if negatives else None,
        n_negatives=len(negatives),
        best_negative_score=max(negative_scores, default=None),
        questions=_score_questions(outcomes.questions) if outcomes.questions else None,
        questions_by_kind={
            kind: _score_questions([outcome for outcome in outcomes.questions if outcome.case.kind == kind])
            for kind in sorted({outcome.case.kind for outcome in outcomes.questions})
        },
        search_p50_ms=float(np.percentile(took_ms, 50)) if took_ms else None,
        search_p95_ms=float(np.percentile(took_ms, 95)) if took_ms else None,
    )


def _score(outcomes: Sequence[QueryOutcome]) -> Scores:
    return score_judgements([outcome.judgement for outcome in outcomes])


def _score_groups(outcomes: Sequence[QueryOutcome], name_of: Callable[[QueryOutcome], str]) -> dict[str, Scores]:
    names = sorted({name_of(outcome) for outcome in outcomes})
    return {name: _score([outcome for outcome in outcomes if name_of(outcome) == name]) for name in names}


def _score_questions(outcomes: Sequence[QuestionOutcome]) -> QuestionScores:
    def mean(values: list[float]) -> float:
        return float(np.mean(values))

    return QuestionScores(
        n_questions=len(outcomes),
        evidence_recall_at_5=mean([outcome.moments_recall for outcome in outcomes]),
        citation_recall=mean([outcome.citations_recall for outcome in outcomes]),
        answer_words=mean([outcome.answer_words for outcome in outcomes]),
        abstained=mean([float(outcome.answer.abstained is not None) for outcome in outcomes]),
    )


def as_json(summary: Summary, indexing: Mapping[str, Any]) -> str:
    """Return the figures and how the library was indexed as JSON."""
    return json.dumps({**asdict(summary), "indexing": dict(indexing)}, indent=1, ensure_ascii=False)


def print_summary(summary: Summary, console: Console) -> None:
    """Show the figures as tables."""
    table = _table(
        "Moments (nDCG@10; IoU and video of the first result)",
        *("n", "R@1", "R@5", "R@10", "MRR", "nDCG", "95 %", "IoU≥.5", "IoU", "video"),
    )
    if summary.overall:
        table.add_row(*_row("overall", summary.overall), style="bold", end_section=True)
    for groups in (summary.by_modality, summary.by_style):
        for name, scores in groups.items():
            table.add_row(*_row(name, scores), end_section=name == [*groups][-1])
    console.print(table)
    if summary.negatives_empty is not None:
        best = f", best score {summary.best_negative_score:.3f}" if summary.best_negative_score is not None else ""
        console.print(f"Negatives answered with nothing: {summary.negatives_empty:.2f} of {summary.n_negatives}{best}")
    if summary.search_p50_ms is not None:
        console.print(f"Search, end to end: p50 {summary.search_p50_ms:.0f} ms, p95 {summary.search_p95_ms:.0f} ms")
    if summary.questions:
        console.print(_question_table(summary.questions, summary.questions_by_kind))


def _table(title: str, *headings: str) -> Table:
    """Return a table that fits 80 columns; the first column names the rows."""
    table = Table(
        title=title, title_justify="left", header_style="bold", box=box.SIMPLE, padding=(0, 0), show_edge=False
    )
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(f" {heading}", justify="right", no_wrap=True)
    return table


def _row(name: str, scores: Scores) -> list[str]:
    low, high = scores.ndcg_interval
    shares = [scores.recall_at_1, scores.recall_at_5, scores.recall_at_10, scores.mrr, scores.ndcg_at_10]
    placed = [scores.iou_half_at_1, scores.mean_iou_at_1, scores.video_recall_at_1]
    figures = [*(f"{share:.3f}" for share in shares), f"{low:.2f}–{high:.2f}", *(f"{share:.3f}" for share in placed)]
    return [name, str(scores.n_queries), *figures]


def _question_table(overall: QuestionScores, by_kind: Mapping[str, QuestionScores]) -> Table:
    table = _table("Questions", "n", "evidence R@5", "cited evidence", "answer words", "abstained")
    for name, scores in {"overall": overall, **by_kind}.items():
        shares = (scores.evidence_recall_at_5, scores.citation_recall, scores.answer_words, scores.abstained)
        style, is_first = ("bold", True) if name == "overall" else ("", False)
        cells = [name, str(scores.n_questions), *(f"{share:.3f}" for share in shares)]
        table.add_row(*cells, style=style, end_section=is_first)
    return table


def describe_outcomes(outcomes: Outcomes, clip_by_id: Mapping[str, str]) -> Iterator[str]:
    """Yield one JSON line a query, negative and question, for error analysis; worst things are easy to grep for.

    ``rank`` is that of the first hit (null: none), ``hits`` the ranks of all results on the moment.
    """
    for query in outcomes.queries:
        yield _line(_describe_query(query, clip_by_id))
    for negative in outcomes.negatives:
        yield _line(_describe_negative(negative, clip_by_id))
    for question in outcomes.questions:
        yield _line(_describe_question(question, clip_by_id))


def _line(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False)


def _describe_query(outcome: QueryOutcome, clip_by_id: Mapping[str, str]) -> dict[str, Any]:
    query, judgement = outcome.query, outcome.judgement
    return {
        "kind": "moment",
        "query": query.query,
        "modality": query.modality,
        "style": query.style,
        "clip": query.clip,
        "spans": [[span.start_s, span.end_s] for span in query.spans],
        "rank": judgement.rank,
        "hits": hit_ranks(outcome, clip_by_id),
        "clip_rank": judgement.clip_rank,
        "iou_at_1": round(judgement.iou_at_1, 3),
        "n_found": judgement.n_found,
        "top": _describe_moments(outcome.results, clip_by_id),
        "took_ms": round(1000 * outcome.took_s, 1),
    }


def _describe_negative(outcome: NegativeOutcome, clip_by_id: Mapping[str, str]) -> dict[str, Any]:
    top = _describe_moments(outcome.results, clip_by_id)
    return {"kind": "negative", "query": outcome.query, "n_found": len(outcome.results), "top": top}


def _describe_question(outcome: QuestionOutcome, clip_by_id: Mapping[str, str]) -> dict[str, Any]:
    case, answer = outcome.case, outcome.answer
    return {
        "kind": "question",
        "question": case.question,
        "type": case.kind,
        "asked_of": case.asked_of,
        "reference": case.answer,
        "evidence": [[place.clip, place.span.start_s, place.span.end_s] for place in case.evidence],
        "answer": answer.text,
        "abstained": answer.abstained,
        "cited": [
            [clip_by_id.get(citation.video_id, ""), citation.span.start_s, citation.span.end_s, citation.quote]
            for citation in answer.citations
        ],
        "evidence_recall_at_5": outcome.moments_recall,
        "citation_recall": outcome.citations_recall,
        "answer_words": round(outcome.answer_words, 3),
        "top": _describe_moments(answer.moments, clip_by_id),
        "took_ms": round(1000 * outcome.took_s, 1),
    }


def _describe_moments(moments: Sequence[Moment], clip_by_id: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "clip": clip_by_id.get(moment.video_id, moment.video_title),
            "span": [round(moment.span.start_s, 2), round(moment.span.end_s, 2)],
            "score": round(moment.score, 4),
            "modality": moment.modality.value,
            "text": " | ".join(evidence.text for evidence in moment.evidence)[:N_SHOWN_CHARS],
            "reasons": [[reason.modality.value, round(reason.score, 3), reason.matched] for reason in moment.reasons],
        }
        for moment in moments[:N_SHOWN_MOMENTS]
    ]
