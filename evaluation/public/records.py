"""What a public evaluation set asks, whatever file it came from: videos, searches, questions.

It does not know any set's format, nor how anything is scored.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from core.records import Span

Groups = tuple[tuple[str, str], ...]
"""(dimension, value) pairs by which a set reports, e.g. ("length", "short"); a dimension may occur twice."""


@dataclass(frozen=True, slots=True)
class SetVideo:
    """A video as its set names it; ``path`` is None when the folder does not hold it.

    Times of the subtitles count from ``subtitles_from_s`` before the video: some are those of the film it was cut from.
    """

    name: str
    path: Path | None
    subtitles: Path | None = None
    duration_s: float | None = None
    subtitles_from_s: float = 0.0


@dataclass(frozen=True, slots=True)
class VideoQuery:
    """A query for whole videos; ``grades`` pairs each relevant video with its relevance, 1 or more."""

    id: str
    query: str
    grades: tuple[tuple[str, int], ...]
    groups: Groups = ()

    @property
    def videos(self) -> tuple[str, ...]:
        return tuple(video for video, _grade in self.grades)


@dataclass(frozen=True, slots=True)
class SpanQuery:
    """A query for moments of one video. ``top_clips`` are the two-second clips that annotators like best, if rated."""

    id: str
    query: str
    video: str
    spans: tuple[Span, ...]
    top_clips: frozenset[int] | None = None
    groups: Groups = ()

    @property
    def videos(self) -> tuple[str, ...]:
        return (self.video,)


class Marking(StrEnum):
    """How an answer is marked."""

    CHOICE = "choice"
    """The option it means is the right one."""
    CONTAINS = "contains"
    """It contains every part of the reference."""
    IS = "is"
    """It is the reference, word for word."""
    JUDGED = "judged"
    """A judge finds that it says what the reference says."""
    SCENE = "scene"
    """A judge gives 1–5 for the scoring points met, and 1–5 for keeping to the question."""
    SUMMARY = "summary"
    """A judge gives 1–5 for completeness, and 1–5 for reliability."""


NEEDS_JUDGE = frozenset({Marking.JUDGED, Marking.SCENE, Marking.SUMMARY})
SCORED = frozenset({Marking.SCENE, Marking.SUMMARY})
"""Marked with points instead of right and wrong."""


@dataclass(frozen=True, slots=True)
class SetQuestion:
    """A question about one video. ``right`` is the index of the right option, None where there are no options.

    ``reference`` is the right answer in words; ``places`` are where the set says that it can be seen.
    """

    id: str
    question: str
    video: str
    marking: Marking
    options: tuple[str, ...] = ()
    right: int | None = None
    reference: str = ""
    points: tuple[str, ...] = ()
    places: tuple[Span, ...] = ()
    groups: Groups = ()

    @property
    def videos(self) -> tuple[str, ...]:
        return (self.video,)


@dataclass(frozen=True, slots=True)
class Unusable:
    """A row that the set itself ships without what scoring needs, and why."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class Task(StrEnum):
    """What the queries of a set look for."""

    VIDEOS = "videos"
    MOMENTS = "moments in a known video"
    CORPUS_MOMENTS = "moments in all videos"
    QUESTIONS = "questions"


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A set as it was read, in the order of its files; exactly one kind of case, as ``task`` says."""

    name: str
    task: Task
    videos: tuple[SetVideo, ...]
    video_queries: tuple[VideoQuery, ...] = ()
    span_queries: tuple[SpanQuery, ...] = ()
    questions: tuple[SetQuestion, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def n_cases(self) -> int:
        return len(self.video_queries) + len(self.span_queries) + len(self.questions)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the videos that the folder does not hold."""
        return tuple(video.name for video in self.videos if video.path is None)

    def first(self, n_cases: int) -> PublicSet:
        """Return the first cases that can be run, with only the videos they need: a trial, not the set's protocol."""
        present = {video.name for video in self.videos if video.path is not None}
        video_queries = [case for case in self.video_queries if present & set(case.videos)][:n_cases]
        span_queries = [case for case in self.span_queries if case.video in present][:n_cases]
        questions = [case for case in self.questions if case.video in present][:n_cases]
        cases: list[VideoQuery | SpanQuery | SetQuestion] = [*video_queries, *span_queries, *questions]
        needed = {name for case in cases for name in case.videos}
        return replace(
            self,
            videos=tuple(video for video in self.videos if video.name in needed),
            video_queries=tuple(video_queries),
            span_queries=tuple(span_queries),
            questions=tuple(questions),
            notes=(*self.notes, f"a trial: the first {n_cases} cases, and only the videos they need"),
        )
