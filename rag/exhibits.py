"""Exhibits: the numbered pieces of evidence that an answer may rest on, gathered around the moments found.

It does not know who writes the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.records import Evidence, Modality, Moment, Span
from core.stores import EvidenceCatalogue

CONTEXT_S = 8.0
"""Evidence this near to a moment is shown with it: an answer often stands in the sentence before or after."""

MAX_EXHIBITS = 40
"""About 2,000 tokens of text: more dilutes a small model's attention than it adds (Video-RAG prompts with as much)."""

MAX_PICTURES = 8
"""Pictures shown to a model at once."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One numbered piece of evidence; a picture has no ``evidence_id``, its ``text`` says where it was taken.

    ``rank`` is the place of the moment that it was gathered around, 0 for the best.
    """

    number: int
    video_id: str
    video_title: str
    span: Span
    modality: Modality
    text: str
    relevance: float
    evidence_id: str | None = None
    jpeg: bytes | None = None
    rank: int = 0

    @property
    def marker(self) -> str:
        return f"[{self.number}]"


def gather_exhibits(moments: Sequence[Moment], catalogue: EvidenceCatalogue) -> list[Exhibit]:
    """Return the evidence in and around the moments, each piece once, numbered; best moments first when many.

    Within a moment exhibits stand in time order, so that a reader follows what happened.
    """
    exhibits: list[Exhibit] = []
    seen: set[str] = set()
    for rank, moment in enumerate(moments):
        if len(exhibits) >= MAX_EXHIBITS:
            break
        around = Span(max(0.0, moment.span.start_s - CONTEXT_S), moment.span.end_s + CONTEXT_S)
        for item in catalogue.list_evidence(moment.video_id, span=around):
            if item.id in seen or len(exhibits) >= MAX_EXHIBITS:
                continue
            seen.add(item.id)
            exhibits.append(_exhibit_of(item, moment, len(exhibits) + 1, rank))
        if moment.modality is Modality.VISUAL and len(exhibits) < MAX_EXHIBITS:
            exhibits.append(_picture_of(moment, len(exhibits) + 1, rank))
    return exhibits


def quotable(exhibits: Iterable[Exhibit]) -> list[Exhibit]:
    """Return the exhibits that hold words of the video, not only a picture."""
    return [exhibit for exhibit in exhibits if exhibit.evidence_id is not None]


def timecode(time_s: float) -> str:
    """Return ``m:ss`` or ``h:mm:ss``.

    >>> timecode(75.4), timecode(3675)
    ('1:15', '1:01:15')
    """
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _exhibit_of(item: Evidence, moment: Moment, number: int, rank: int) -> Exhibit:
    is_hit = any(item.id == hit.id for hit in moment.evidence)
    return Exhibit(
        number=number,
        video_id=item.video_id,
        video_title=moment.video_title,
        span=item.span,
        modality=item.modality,
        text=f"{item.text} (in English: {item.translation})" if item.translation else item.text,
        relevance=moment.score if is_hit else moment.score / 2,
        evidence_id=item.id,
        rank=rank,
    )


def _picture_of(moment: Moment, number: int, rank: int) -> Exhibit:
    time_s = moment.thumbnail_time_s if moment.thumbnail_time_s is not None else moment.span.middle_s
    return Exhibit(
        number=number,
        video_id=moment.video_id,
        video_title=moment.video_title,
        span=moment.span,
        modality=Modality.VISUAL,
        text=f"the picture at {timecode(time_s)}",
        relevance=moment.score,
        rank=rank,
    )
