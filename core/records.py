"""The vocabulary of Kinograph: what people and rooms exchange, as frozen records with checked invariants.

It is the glossary — one word per idea, and no word beside it. It does not know how anything is computed or stored.

- **Video** — an uploaded file. **Part** — a stretch of it indexed as one unit of work.
- **Shot** — one camera take. **Keyframe** — an instant kept as a picture.
- **Evidence** — one observation by one model over a span. **Region** — where in a picture it is seen.
- **Segment** — the retrieval unit, a list of evidence.
- **Event** — something that happens over a span. **Entity** — who or what is mentioned. **Link** — a typed relation.
- **Moment** — an answer to a search. **Citation** — a marker in an answer. **Answer** — text, or why not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of video time, ``[start_s, end_s)`` in seconds.

    Half-open, so consecutive shots tile a video without sharing an instant.

    >>> speech, shot = Span(2.0, 6.0), Span(4.0, 8.0)
    >>> speech.overlap_s(shot)
    2.0

    Raises:
        ValueError: a bound is not finite, ``start_s < 0``, or ``end_s <= start_s``.
    """

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s)):
            raise ValueError(f"span bounds must be finite: {self.start_s}, {self.end_s}")
        if self.start_s < 0 or self.end_s <= self.start_s:
            raise ValueError(f"span must satisfy 0 <= start_s < end_s: {self.start_s}, {self.end_s}")

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2

    def contains(self, time_s: float) -> bool:
        """Whether the instant lies inside; the end does not.

        >>> Span(1, 2).contains(1), Span(1, 2).contains(2)
        (True, False)
        """
        return self.start_s <= time_s < self.end_s

    def overlap_s(self, other: Span) -> float:
        """Seconds shared with the other span, 0.0 when they only touch."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))

    def gap_s(self, other: Span) -> float:
        """Seconds between two spans, 0.0 when they touch or overlap.

        >>> Span(0, 1).gap_s(Span(3, 4))
        2
        """
        return max(0.0, max(self.start_s, other.start_s) - min(self.end_s, other.end_s))

    def cover(self, other: Span) -> Span:
        """Return the smallest span holding both.

        >>> Span(0, 1).cover(Span(3, 4))
        Span(start_s=0, end_s=4)
        """
        return Span(min(self.start_s, other.start_s), max(self.end_s, other.end_s))

    def within(self, other: Span) -> Span | None:
        """Return what the two share, None when they only touch.

        >>> Span(0, 4).within(Span(2, 6)), Span(0, 1).within(Span(1, 2))
        (Span(start_s=2, end_s=4), None)
        """
        start_s, end_s = max(self.start_s, other.start_s), min(self.end_s, other.end_s)
        return Span(start_s, end_s) if start_s < end_s else None

    def iou(self, other: Span) -> float:
        """Temporal intersection over union, in [0, 1].

        >>> Span(0, 4).iou(Span(2, 6))
        0.3333333333333333
        """
        shared = self.overlap_s(other)
        return shared / (self.duration_s + other.duration_s - shared)


class Modality(StrEnum):
    """The sense by which a piece of evidence was observed."""

    SPEECH = "speech"
    SCREEN = "screen"
    CAPTION = "caption"
    OBJECT = "object"
    VISUAL = "visual"
    METADATA = "metadata"


class ReasonKind(StrEnum):
    """By what a moment is found: by what it says or shows, or by something else than that.

    ``order`` is which of several times it is, or what it comes before or after; ``link`` what else led there.
    """

    CONTENT = "content"
    TITLE = "title"
    FILE_NAME = "file_name"
    PLACE = "place"
    ORDER = "order"
    LINK = "link"


class VideoStatus(StrEnum):
    """Where a video stands; derived from its parts once they are planned."""

    UPLOADED = "uploaded"
    INDEXING = "indexing"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


class PartState(StrEnum):
    """``pending → leased → indexed → published``, or ``failed`` / ``quarantined``."""

    PENDING = "pending"
    LEASED = "leased"
    INDEXED = "indexed"
    PUBLISHED = "published"
    FAILED = "failed"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something did not work and what its owner can do about it."""

    stage: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Video:
    """An uploaded file as its owner sees it.

    ``n_parts`` is None until the parts are planned; ``progress`` is in [0, 1] and never falls while indexing.
    ``warnings`` says what could not be read although the video as a whole is usable.
    ``revision`` grows with each attempt to index a part: what is known of a ready video is the same while it is.
    """

    id: str
    tenant: str
    title: str
    filename: str
    content_hash: str
    media_key: str
    size_bytes: int
    status: VideoStatus
    created_at: datetime
    duration_s: float | None = None
    width_px: int | None = None
    height_px: int | None = None
    has_audio: bool = False
    language: str | None = None
    subtitles_key: str | None = None
    n_parts: int | None = None
    n_parts_published: int = 0
    revision: int = 0
    progress: float = 0.0
    stage: str = ""
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewVideo:
    """What the upload knows: the file is already in the media store under ``media_key`` and was probed."""

    id: str
    tenant: str
    title: str
    filename: str
    content_hash: str
    media_key: str
    size_bytes: int
    duration_s: float | None
    width_px: int | None = None
    height_px: int | None = None
    has_audio: bool = False
    subtitles_key: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a video indexed as one unit of work; ``number`` counts from 0."""

    video_id: str
    number: int
    span: Span
    state: PartState = PartState.PENDING
    attempt: int = 0
    stage: str = ""
    progress: float = 0.0
    artifact_key: str | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right to index a part until it expires; ``fence`` grows with each claim of the part.

    ``earlier_artifact_key`` names what was found when the part was indexed before.
    """

    video_id: str
    number: int
    span: Span
    attempt: int
    fence: int
    worker: str
    earlier_artifact_key: str | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """One camera take; ``starts_at_cut`` is False where only a part boundary begins it."""

    span: Span
    starts_at_cut: bool = True


@dataclass(frozen=True, slots=True)
class Keyframe:
    """An instant kept as a picture; ``span`` is the stretch of its shot that it stands for."""

    time_s: float
    span: Span
    image_key: str


@dataclass(frozen=True, slots=True)
class Word:
    """A spoken word with its own times; ``confidence`` in [0, 1]."""

    text: str
    start_s: float
    end_s: float
    confidence: float = 1.0


Box = tuple[float, float, float, float]
"""A rectangle of a picture: left, top, right, bottom, as shares of its width and height from its top left corner."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where something is seen in the picture of the instant ``time_s``, which is a keyframe's.

    Before and after it may stand elsewhere. ``boxes``: of text on screen one a line, in its order; of things one each.

    >>> Region(7.0, ((0.1, 0.1, 0.4, 0.2), (0.1, 0.3, 0.6, 0.4))).outline
    (0.1, 0.1, 0.6, 0.4)

    Raises:
        ValueError: there is no box, or one is empty or reaches beyond the picture.
    """

    time_s: float
    boxes: tuple[Box, ...]

    def __post_init__(self) -> None:
        if not self.boxes:
            raise ValueError("a region needs a box")
        for left, top, right, bottom in self.boxes:
            if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):
                raise ValueError(f"a box must satisfy 0 <= left < right <= 1, top and bottom alike: {self.boxes}")

    @property
    def outline(self) -> Box:
        """The smallest box that holds all boxes."""
        lefts, tops, rights, bottoms = zip(*self.boxes, strict=True)
        return (min(lefts), min(tops), max(rights), max(bottoms))


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation by one model over a span: a spoken sentence, a line on screen, a caption.

    ``produced_by`` names model and version. ``words`` carry their own times where the model gives them.
    ``translation`` says in English what ``text`` says in another language, where the model gives that, too.
    ``region`` says where it is seen best; None for what is heard, and where an earlier version did not keep it.
    """

    id: str
    video_id: str
    part: int
    span: Span
    modality: Modality
    text: str
    confidence: float
    produced_by: str
    language: str | None = None
    words: tuple[Word, ...] = ()
    translation: str | None = None
    region: Region | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("evidence needs text")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence must lie in [0, 1]: {self.confidence}")

    @property
    def readings(self) -> tuple[str, ...]:
        """What it can be found by: the text, then its translation if it has one."""
        return (self.text, self.translation) if self.translation else (self.text,)

    @property
    def in_english(self) -> str:
        """The translation, else the text as it is."""
        return self.translation or self.text


@dataclass(frozen=True, slots=True)
class Segment:
    """The retrieval unit: about 4–20 s of video with the evidence and keyframes that fall into it.

    ``speech_ratio`` is the share of the span with speech, ``screen_chars_per_s`` the density of text on screen.
    """

    id: str
    video_id: str
    part: int
    number: int
    span: Span
    evidence_ids: tuple[str, ...]
    keyframes: tuple[Keyframe, ...] = ()
    speech_ratio: float = 0.0
    screen_chars_per_s: float = 0.0
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens over a span; it always rests on evidence."""

    id: str
    video_id: str
    number: int
    span: Span
    summary: str
    evidence_ids: tuple[str, ...]
    segment_ids: tuple[str, ...] = ()
    participant_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.evidence_ids:
            raise ValueError("an event needs evidence")


@dataclass(frozen=True, slots=True)
class Entity:
    """A person, organisation, place, object, work or concept, across all videos of a tenant."""

    id: str
    tenant: str
    kind: str
    name: str
    aliases: tuple[str, ...] = ()
    n_mentions: int = 0
    n_videos: int = 0


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity named in one piece of evidence; ``surface`` is the text as it stood there."""

    entity_id: str
    video_id: str
    evidence_id: str
    event_id: str | None
    span: Span
    surface: str


@dataclass(frozen=True, slots=True)
class Link:
    """A typed relation between two nodes of the graph (``next``, ``mentions``, …), with its evidence."""

    source_id: str
    target_id: str
    kind: str
    video_id: str
    evidence_ids: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a moment won: the modality, its score in that channel's own scale, and the words or frame that matched.

    ``matched`` of another ``kind`` than content is what there is to say of it: the words of the title, the place.
    ``region`` is where in the picture the words that matched, or the things, are seen; None for what is heard.
    """

    modality: Modality
    score: float
    evidence_id: str | None = None
    matched: str = ""
    region: Region | None = None
    kind: ReasonKind = ReasonKind.CONTENT


@dataclass(frozen=True, slots=True)
class Moment:
    """An answer to a search: where to seek, how well it fits (0 to 1), and the evidence that won.

    One that ``is_by_place`` was asked for by its place in the video alone: its score is the share of its time there.
    ``thumbnail_time_s`` is the instant of a picture that shows it; that of what is seen shows the evidence itself.
    ``video_revision`` is that of the video when the moment was found.
    """

    video_id: str
    video_title: str
    span: Span
    score: float
    modality: Modality
    evidence: tuple[Evidence, ...]
    reasons: tuple[Reason, ...] = ()
    thumbnail_time_s: float | None = None
    segment_ids: tuple[str, ...] = ()
    is_by_place: bool = False
    video_revision: int = 0


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker in an answer, e.g. ``[1]``, with the span it seeks to and the words it rests on."""

    marker: str
    video_id: str
    video_title: str
    span: Span
    quote: str
    evidence_id: str | None = None
    modality: Modality = Modality.SPEECH
    is_supported: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """Text with citations, or an abstention with its reason; ``trace`` holds what each step did, for display."""

    text: str
    citations: tuple[Citation, ...]
    moments: tuple[Moment, ...]
    abstained: str | None = None
    produced_by: str = ""
    hint: str = ""
    trace: tuple[dict[str, Any], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing; ``next_cursor`` is None on the last one."""

    items: tuple[Any, ...]
    next_cursor: str | None = None
