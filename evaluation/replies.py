"""Reads what the REST API replies back into records, all but regions: nothing is scored by them.

It does not know how the API is reached.
"""

from __future__ import annotations

from typing import Any

from api.schemas import AnswerView, MomentView, SearchView
from api.schemas.ask import CitationView
from api.schemas.search import ReasonView
from api.schemas.videos import EvidenceView
from core.records import Answer, Citation, Evidence, Moment, Reason, Span

UNKNOWN_PART = 0
"""The API does not tell which part evidence came from; nothing is scored by it."""


def read_moments(reply: dict[str, Any]) -> tuple[Moment, ...]:
    """Return the moments of a reply to ``/v1/search``, best first."""
    return tuple(_read_moment(view) for view in SearchView.model_validate(reply).moments)


def read_answer(reply: dict[str, Any]) -> Answer:
    """Return the answer of a reply to ``/v1/ask``."""
    view = AnswerView.model_validate(reply)
    return Answer(
        text=view.answer,
        citations=tuple(_read_citation(citation) for citation in view.citations),
        moments=tuple(_read_moment(moment) for moment in view.moments),
        abstained=view.abstained,
        produced_by=view.produced_by,
        hint=view.hint,
        trace=tuple(view.trace),
    )


def _read_moment(view: MomentView) -> Moment:
    return Moment(
        video_id=view.video_id,
        video_title=view.video_title,
        span=Span(view.start_s, view.end_s),
        score=view.score,
        modality=view.modality,
        evidence=tuple(_read_evidence(evidence) for evidence in view.evidence),
        reasons=tuple(_read_reason(reason) for reason in view.reasons),
    )


def _read_reason(view: ReasonView) -> Reason:
    return Reason(view.modality, view.score, view.evidence_id, view.matched, kind=view.kind)


def _read_evidence(view: EvidenceView) -> Evidence:
    return Evidence(
        id=view.id,
        video_id=view.video_id,
        part=UNKNOWN_PART,
        span=Span(view.start_s, view.end_s),
        modality=view.modality,
        text=view.text,
        confidence=view.confidence,
        produced_by=view.produced_by,
        language=view.language,
        translation=view.translation,
    )


def _read_citation(view: CitationView) -> Citation:
    return Citation(
        marker=view.marker,
        video_id=view.video_id,
        video_title=view.video_title,
        span=Span(view.start_s, view.end_s),
        quote=view.quote,
        evidence_id=view.evidence_id,
        modality=view.modality,
        is_supported=view.is_supported,
    )
