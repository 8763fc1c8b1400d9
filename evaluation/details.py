"""Tells outcomes query by query, for error analysis.

It does not know any figure over several queries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.records import Moment
from evaluation.runner import NegativeOutcome, Outcomes, QueryOutcome, QuestionOutcome, hit_ranks

N_SHOWN_MOMENTS = 3
N_SHOWN_CHARS = 200


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
        "rank_uncut": outcome.uncut.rank if outcome.uncut else None,
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
        "n_hops": case.n_hops,
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
            "reasons": [
                [why.modality.value, round(why.score, 3), why.matched, why.kind.value] for why in moment.reasons
            ],
        }
        for moment in moments[:N_SHOWN_MOMENTS]
    ]
