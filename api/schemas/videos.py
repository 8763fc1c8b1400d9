"""Videos and their evidence as JSON.

It does not know how they are stored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from api.schemas.base import MAX_TITLE_CHARS, VIDEO_ID_EXAMPLE, Body, NonBlank, RegionView, View, thumbnail_url
from core.records import Evidence, Modality, Page, Video, VideoStatus, Word


class PartsView(View):
    """How many parts of a video are searchable; ``total`` is null until they are planned."""

    done: int
    total: int | None


class FailureView(View):
    """Why a video could not be indexed and what its owner can do about it."""

    stage: str
    reason: str
    remedy: str


class VideoView(View):
    """A video of the library."""

    id: str = Field(examples=[VIDEO_ID_EXAMPLE])
    title: str
    filename: str
    status: VideoStatus
    duration_s: float | None
    parts: PartsView
    progress: float = Field(description="From 0 to 1; never falls while the video is indexed.")
    stage: str = Field(description="What is being done right now; empty when nothing is.")
    failure: FailureView | None = Field(description="Set when status is `failed`.")
    warnings: list[str] = Field(description="What could not be read although the video as a whole is usable.")
    width_px: int | None
    height_px: int | None
    has_video: bool = Field(description="False for audio-only files, which have no thumbnails.")
    has_audio: bool
    has_subtitles: bool = Field(description="Whether a subtitle file was uploaded with it.")
    language: str | None = Field(description="The language heard, ISO 639-1.")
    size_bytes: int
    content_hash: str = Field(description="SHA-256 of the file in hex.")
    created_at: datetime
    media_url: str
    thumbnail_url: str | None = Field(
        description="The picture of its beginning; with another `t`, of another instant. Its `v` is another one once "
        "the video was indexed again; null for audio-only files."
    )

    @classmethod
    def of(cls, video: Video) -> Self:
        """Return the view of the record; urls are relative to the server's root."""
        has_video = video.width_px is not None
        failure = video.failure
        return cls(
            id=video.id,
            title=video.title,
            filename=video.filename,
            status=video.status,
            duration_s=video.duration_s,
            parts=PartsView(done=video.n_parts_published, total=video.n_parts),
            progress=video.progress,
            stage=video.stage,
            failure=FailureView(stage=failure.stage, reason=failure.reason, remedy=failure.remedy) if failure else None,
            warnings=list(video.warnings),
            width_px=video.width_px,
            height_px=video.height_px,
            has_video=has_video,
            has_audio=video.has_audio,
            has_subtitles=video.subtitles_key is not None,
            language=video.language,
            size_bytes=video.size_bytes,
            content_hash=video.content_hash,
            created_at=video.created_at,
            media_url=f"/v1/videos/{video.id}/media",
            thumbnail_url=thumbnail_url(video.id, 0.0, video.revision) if has_video else None,
        )


class VideoPage(View):
    """Videos, newest first."""

    videos: list[VideoView]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null on the last one.")

    @classmethod
    def of(cls, page: Page) -> Self:
        return cls(videos=[VideoView.of(video) for video in page.items], next_cursor=page.next_cursor)


class RenameBody(Body):
    """A new title for a video."""

    title: Annotated[str, NonBlank, Field(max_length=MAX_TITLE_CHARS, examples=["Opening lecture"])]


class WordView(View):
    """A spoken word with its own times."""

    text: str
    start_s: float
    end_s: float
    confidence: float

    @classmethod
    def of(cls, word: Word) -> Self:
        return cls(text=word.text, start_s=word.start_s, end_s=word.end_s, confidence=word.confidence)


class EvidenceView(View):
    """One observation by one model over a span of a video."""

    id: str
    video_id: str
    start_s: float
    end_s: float
    modality: Modality
    text: str
    confidence: float
    produced_by: str = Field(description="The model and its version.")
    language: str | None
    translation: str | None = Field(description="What the text says in English, where it is of another language.")
    region: RegionView | None = Field(
        description="Where it is seen best; null for what is heard, and for what was indexed before regions were kept."
    )

    @classmethod
    def of(cls, evidence: Evidence, revision: int) -> Self:
        """Return the view of a video's evidence; the revision is the video's."""
        return cls(**_evidence_fields(evidence, revision))


class TimedEvidenceView(EvidenceView):
    """Evidence with the times of its words, where the model gives them."""

    words: list[WordView]

    @classmethod
    def of(cls, evidence: Evidence, revision: int) -> Self:
        return cls(**_evidence_fields(evidence, revision), words=[WordView.of(word) for word in evidence.words])


class EvidenceList(View):
    """Evidence of a video in time order."""

    evidence: list[TimedEvidenceView]


def _evidence_fields(evidence: Evidence, revision: int) -> dict[str, Any]:
    region = evidence.region
    return {
        "id": evidence.id,
        "video_id": evidence.video_id,
        "start_s": evidence.span.start_s,
        "end_s": evidence.span.end_s,
        "modality": evidence.modality,
        "text": evidence.text,
        "confidence": evidence.confidence,
        "produced_by": evidence.produced_by,
        "language": evidence.language,
        "translation": evidence.translation,
        "region": RegionView.of(region, evidence.video_id, revision) if region else None,
    }
