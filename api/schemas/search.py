"""Searches and the moments they find as JSON.

It does not know how moments are found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from api.schemas.base import MAX_QUERY_CHARS, Body, NonBlank, RegionView, VideoIds, View, thumbnail_url
from api.schemas.videos import EvidenceView
from core.plans import QueryPlan, Relation
from core.protocols import SearchRequest
from core.records import Modality, Moment, Reason, ReasonKind, Span
from rag.numerals import spell_ordinal


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
    group_by: Literal["video"] | None = Field(
        default=None,
        description="`video` keeps only the best moment of each video, so that `limit` counts videos.",
    )
    min_score: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description=(
            "Drop moments that fit less: 0 shows the nearest, whatever it is; null takes the calibrated cut-off. In "
            "“A then B” each of the two must fit as well. A moment asked for by its place alone (“what is said at "
            "0:10”) is not dropped: its score is how much of it lies there."
        ),
    )
    plan: Literal["fast", "model", "none"] = Field(
        default="fast",
        description="Read the query by rules (`fast`), let the language model rewrite it for each sense (`model`), or "
        "take it as a plain description, whatever quotations, times and words of order it holds (`none`). Where no "
        "model is configured or it is of no help, `model` reads by rules as well, and `plan.understood` says so.",
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
            planning=self.plan,
        )


class ReasonView(View):
    """Why a moment was found."""

    kind: ReasonKind = Field(
        description="`content`: what is said, written or shown. `title`, `file_name`: what its video is called. "
        "`place`: where in the video. `order`: which of several times it is, or what it comes before or after. `link`: "
        "what another moment, or the event graph, leads to."
    )
    modality: Modality
    score: float = Field(description="In the scale of that modality; not comparable with another's.")
    evidence_id: str | None
    matched: str = Field(
        description="The words of the evidence, or of the title, that stand in the query, or answer it best; or the "
        "frame; or the place, the order or the link, in words to show.",
        examples=["harbour", "the second of 3 times", "near the end"],
    )
    region: RegionView | None = Field(
        description="Where in the picture these words, or the things told of, are seen: to be drawn on `picture_url`."
    )

    @classmethod
    def of(cls, reason: Reason, moment: Moment) -> Self:
        region, video_id, revision = reason.region, moment.video_id, moment.video_revision
        return cls(
            kind=reason.kind,
            modality=reason.modality,
            score=reason.score,
            evidence_id=reason.evidence_id,
            matched=reason.matched,
            region=RegionView.of(region, video_id, revision) if region else None,
        )


class MomentView(View):
    """A moment: where to seek, how well it fits, and the evidence that won."""

    video_id: str
    video_title: str
    start_s: float
    end_s: float
    score: float = Field(description="How well it fits, from 0 to 1.")
    is_by_place: bool = Field(
        description="Asked for by its place in the video alone: the score is how much of it lies there, no fit."
    )
    modality: Modality
    evidence: list[EvidenceView]
    reasons: list[ReasonView]
    thumbnail_url: str = Field(
        description="A picture of the moment; 404 for audio-only videos. A region can be drawn on it whose "
        "`picture_url` it is: mostly that of the text or the thing on screen that won."
    )

    @classmethod
    def of(cls, moment: Moment) -> Self:
        shown_s = moment.span.start_s if moment.thumbnail_time_s is None else moment.thumbnail_time_s
        return cls(
            video_id=moment.video_id,
            video_title=moment.video_title,
            start_s=moment.span.start_s,
            end_s=moment.span.end_s,
            score=moment.score,
            is_by_place=moment.is_by_place,
            modality=moment.modality,
            evidence=[EvidenceView.of(evidence, moment.video_revision) for evidence in moment.evidence],
            reasons=[ReasonView.of(reason, moment) for reason in moment.reasons],
            thumbnail_url=thumbnail_url(moment.video_id, shown_s, moment.video_revision),
        )


class VideoMoments(View):
    """A video with the best of its moments."""

    video_id: str
    video_title: str
    score: float = Field(description="That of its best moment.")
    moments: list[MomentView]


class PlanView(View):
    """How the query was understood."""

    text: str = Field(description="What was searched for: the query without words of place and order.")
    understood: list[str] = Field(
        description="What more the query asks for, in words to show; empty for a plain one.",
        examples=[["said", "“no entry”", "in the first minute"]],
    )
    intent: Modality | None = Field(description="The sense that the query names: it is preferred, not required.")
    phrases: list[str] = Field(description="Quoted words, which the evidence of every moment holds.")
    language: str | None = Field(description="ISO 639-1; null when it cannot be told.")

    @classmethod
    def of(cls, plan: QueryPlan, planning: str) -> Self:
        is_without_model = planning == "model" and not plan.by_sense
        return cls(
            text=plan.text,
            understood=[*_describe(plan), *(["by rules, as no model helped"] if is_without_model else [])],
            intent=plan.intent,
            phrases=list(plan.phrases),
            language=plan.language,
        )


class SearchView(View):
    """Moments, best first; empty when nothing is relevant."""

    moments: list[MomentView]
    plan: PlanView
    videos: list[VideoMoments] | None = Field(
        default=None, description="With `group_by: video`: each video with its best moment, best first."
    )

    @classmethod
    def of(cls, moments: Iterable[Moment], plan: QueryPlan, request: SearchRequest) -> Self:
        """Return the moments found for the request, which was understood as the plan."""
        views = [MomentView.of(moment) for moment in moments]
        videos = _group_by_video(views) if request.group_by == "video" else None
        return cls(moments=views, plan=PlanView.of(plan, request.planning), videos=videos)


_SENSES = {Modality.SPEECH: "said", Modality.SCREEN: "written", Modality.VISUAL: "shown"}


def _describe(plan: QueryPlan) -> list[str]:
    """Return what a plan asks for beyond its words, a few words each."""
    parts = [_SENSES[plan.intent]] if plan.intent in _SENSES else []
    parts += [f"“{phrase}”" for phrase in plan.phrases]
    if plan.time is not None:
        parts.append(plan.time.words)
    if plan.ordinal is not None:
        parts.append(_describe_time(plan.ordinal))
    if plan.succession is not None:
        target, anchor = (_quote(part) for part in (plan.succession.target, plan.succession.anchor))
        match plan.succession.relation:
            case Relation.EITHER:
                parts.append(f"both {target} and {anchor}")
            case Relation.THEN:
                parts.append(f"{anchor}, then {target}")
            case relation:
                parts.append(f"{relation.value} {anchor}")
    return [*parts, "in the model’s words"] if plan.by_sense else parts


def _quote(part: QueryPlan) -> str:
    time = f"{_describe_time(part.ordinal)} " if part.ordinal is not None else ""
    return f"{time}“{part.text}”"


def _describe_time(ordinal: int) -> str:
    """Return which time an ordinal is.

    >>> _describe_time(2), _describe_time(-1), _describe_time(-2)
    ('the second time', 'the last time', 'the second to last time')
    """
    if ordinal > 0:
        return f"the {spell_ordinal(ordinal)} time"
    return "the last time" if ordinal == -1 else f"the {spell_ordinal(-ordinal)} to last time"


def _group_by_video(moments: list[MomentView]) -> list[VideoMoments]:
    """Return the moments by video, in the order in which each video first appears (its best moment)."""
    moments_by_video: dict[str, list[MomentView]] = {}
    for moment in moments:
        moments_by_video.setdefault(moment.video_id, []).append(moment)
    return [
        VideoMoments(video_id=video_id, video_title=found[0].video_title, score=found[0].score, moments=found)
        for video_id, found in moments_by_video.items()
    ]
