"""Searches and the moments they find as JSON.

It does not know how moments are found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas.base import MAX_QUERY_CHARS, Body, NonBlank, VideoIds, View, thumbnail_url
from api.schemas.videos import EvidenceView
from core.protocols import SearchRequest
from core.records import Modality, Moment, Reason, Span


class TimeBody(Body):
    """A stretch of time within each video."""

    start_s: float = Field(default=0.0, ge=0)
    end_s: float = Field(gt=0)

    @model_validator(mode="after")
    def _is_forward(self) -> Self:
        if self.end_s <= self.start_s:
            raise ValueError("end_s must be greater than start_s")
        return self


class SearchBody(Body):
    """A search for moments."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "a slide about caching", "limit": 5}]})

    query: Annotated[str, NonBlank, Field(max_length=MAX_QUERY_CHARS)]
    videos: VideoIds = Field(default_factory=list)
    modalities: list[Modality] = Field(
        default_factory=list, max_length=len(Modality), description="Senses to search by; empty means all."
    )
    time: TimeBody | None = Field(default=None, description="Only moments within this stretch of each video.")
    limit: int = Field(default=10, ge=1, le=100)
    group_by: Literal["video"] | None = Field(default=None, description="`video` adds the same moments by video.")
    min_score: float | None = Field(
        default=None, ge=0, le=1, description="Drop moments below this score; null takes the calibrated default."
    )

    def to_request(self, tenant: str) -> SearchRequest:
        return SearchRequest(
            query=self.query,
            tenant=tenant,
            video_ids=tuple(dict.fromkeys(self.videos)),
            modalities=tuple(dict.fromkeys(modality.value for modality in self.modalities)),
            time=Span(self.time.start_s, self.time.end_s) if self.time else None,
            limit=self.limit,
            group_by=self.group_by,
            min_score=self.min_score,
        )


class ReasonView(View):
    """Why a moment was found."""

    modality: Modality
    score: float = Field(description="In the scale of that modality; not comparable with another's.")
    evidence_id: str | None
    matched: str = Field(description="The words or the frame that matched.")

    @classmethod
    def of(cls, reason: Reason) -> Self:
        return cls(modality=reason.modality, score=reason.score, evidence_id=reason.evidence_id, matched=reason.matched)


class MomentView(View):
    """A moment: where to seek, how well it fits, and the evidence that won."""

    video_id: str
    video_title: str
    start_s: float
    end_s: float
    score: float = Field(description="From 0 to 1.")
    modality: Modality
    evidence: list[EvidenceView]
    reasons: list[ReasonView]
    thumbnail_url: str = Field(description="A picture of the moment; 404 for audio-only videos.")

    @classmethod
    def of(cls, moment: Moment) -> Self:
        shown_s = moment.span.start_s if moment.thumbnail_time_s is None else moment.thumbnail_time_s
        return cls(
            video_id=moment.video_id,
            video_title=moment.video_title,
            start_s=moment.span.start_s,
            end_s=moment.span.end_s,
            score=moment.score,
            modality=moment.modality,
            evidence=[EvidenceView.of(evidence) for evidence in moment.evidence],
            reasons=[ReasonView.of(reason) for reason in moment.reasons],
            thumbnail_url=thumbnail_url(moment.video_id, shown_s),
        )


class VideoMoments(View):
    """The moments of one video, best first."""

    video_id: str
    video_title: str
    score: float = Field(description="That of its best moment.")
    moments: list[MomentView]


class SearchView(View):
    """Moments, best first; empty when nothing is relevant."""

    moments: list[MomentView]
    videos: list[VideoMoments] | None = Field(default=None, description="With `group_by: video`, best video first.")

    @classmethod
    def of(cls, moments: Iterable[Moment], group_by: str | None = None) -> Self:
        views = [MomentView.of(moment) for moment in moments]
        return cls(moments=views, videos=_group_by_video(views) if group_by == "video" else None)


def _group_by_video(moments: list[MomentView]) -> list[VideoMoments]:
    """Return the moments by video, in the order in which each video first appears (its best moment)."""
    moments_by_video: dict[str, list[MomentView]] = {}
    for moment in moments:
        moments_by_video.setdefault(moment.video_id, []).append(moment)
    return [
        VideoMoments(video_id=video_id, video_title=found[0].video_title, score=found[0].score, moments=found)
        for video_id, found in moments_by_video.items()
    ]
