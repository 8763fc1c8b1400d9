"""Reads a corpus: clips with queries whose right spans are known, questions with their evidence, and negatives.

The layout is that of ``ground_truth.json`` (format 1). It does not know how anything is searched or scored, nor that
several corpora may make one library.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from core.errors import BadInput, NotFound
from core.records import Span

Bounds = tuple[float, float]
_Case = TypeVar("_Case")


@dataclass(frozen=True, slots=True)
class Place:
    """A span in a clip, named by its file name."""

    clip: str
    span: Span


@dataclass(frozen=True, slots=True)
class MomentQuery:
    """A query with its right answer: any one of ``spans`` in ``clip``, or of the places ``elsewhere``."""

    query: str
    clip: str
    spans: tuple[Span, ...]
    modality: str
    style: str
    elsewhere: tuple[Place, ...] = ()

    @property
    def places(self) -> tuple[Place, ...]:
        return (*(Place(self.clip, span) for span in self.spans), *self.elsewhere)


@dataclass(frozen=True, slots=True)
class QuestionCase:
    """A question, a short reference answer and the places one must see to know it.

    ``asked_of`` is the one clip that the question is about, or None for the whole library. ``n_hops`` is how many
    distant places must be joined to know the answer.
    """

    question: str
    answer: str
    evidence: tuple[Place, ...]
    kind: str
    asked_of: str | None
    n_hops: int = 1

    @property
    def is_multi_hop(self) -> bool:
        return self.n_hops > 1


@dataclass(frozen=True, slots=True)
class Clip:
    """A file of the corpus; ``subtitles`` are uploaded with it and stand in for listening."""

    name: str
    path: Path
    duration_s: float
    subtitles: Path | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """A half of the corpus, in the order of its file."""

    half: str
    clips: tuple[Clip, ...]
    queries: tuple[MomentQuery, ...]
    questions: tuple[QuestionCase, ...]
    negatives: tuple[str, ...]

    def only(self, names: Collection[str]) -> Corpus:
        """Return the corpus cut down to some clips, with what can be asked of them; negatives stay.

        Raises:
            NotFound: a name is not one of the clips.
        """
        unknown = set(names) - {clip.name for clip in self.clips}
        if unknown:
            known = ", ".join(clip.name for clip in self.clips)
            raise NotFound(f"no such clips: {', '.join(sorted(unknown))}", remedy=f"The corpus has {known}.")
        return replace(
            self,
            clips=tuple(clip for clip in self.clips if clip.name in names),
            queries=tuple(query for query in self.queries if query.clip in names),
            questions=tuple(case for case in self.questions if {place.clip for place in case.evidence} <= set(names)),
        )

    def sample(self, size: int, seed: int = 0) -> Corpus:
        """Return the corpus with at most ``size`` queries and as many questions; the few multi-hop ones all stay."""
        draw = random.Random(seed)
        queries = _draw(self.queries, size, draw)
        simple = set(_draw([case for case in self.questions if not case.is_multi_hop], size, draw))
        questions = tuple(case for case in self.questions if case.is_multi_hop or case in simple)
        return replace(self, queries=tuple(queries), questions=questions)


def _draw(cases: Sequence[_Case], size: int, draw: random.Random) -> list[_Case]:
    """Return some of the cases, in their order."""
    return [cases[at] for at in sorted(draw.sample(range(len(cases)), min(size, len(cases))))]


class _Media(BaseModel):
    duration: float


class _Moment(BaseModel):
    query: str
    start: float
    end: float
    modality: str
    style: str = "natural"
    spans: list[Bounds] = Field(default_factory=list)


class _Question(BaseModel):
    question: str
    answer: str
    evidence: list[Bounds]
    type: str
    scope: str = "library"
    hops: int = Field(default=1, ge=1)


class _Negative(BaseModel):
    query: str


class _Video(BaseModel):
    video: str
    media: _Media | None = None
    duration: float | None = None
    moments: list[_Moment] = Field(default_factory=list)
    questions: list[_Question] = Field(default_factory=list)
    negatives: list[_Negative] = Field(default_factory=list)


class _FarEvidence(BaseModel):
    video: str
    span: Bounds


class _CrossQuestion(BaseModel):
    question: str
    answer: str
    type: str = "cross-video"
    evidence: list[_FarEvidence]


class _GroundTruth(BaseModel):
    format: int = Field(ge=1, le=1)
    half: str = ""
    videos: list[_Video]
    cross_video_questions: list[_CrossQuestion] = Field(default_factory=list)
    negatives: list[_Negative] = Field(default_factory=list)


_TRUTH = TypeAdapter(_GroundTruth)


def load_corpus(folder: Path) -> Corpus:
    """Read a half: ``ground_truth.json`` (or the one JSON file there) and its clips, beside it or in ``videos/``.

    Raises:
        NotFound: the folder, its ground truth or a clip is missing.
        BadInput: the ground truth has another layout.
    """
    path = _find_truth(folder)
    try:
        truth = _TRUTH.validate_json(path.read_bytes())
        return _read_truth(truth, folder)
    except (ValidationError, ValueError) as error:
        raise BadInput(
            f"{path} is not a ground truth of format 1: {error}", remedy="See the corpus' README."
        ) from error


def _find_truth(folder: Path) -> Path:
    named = folder / "ground_truth.json"
    candidates = [named] if named.exists() else sorted(folder.glob("*.json"))
    if len(candidates) != 1:
        raise NotFound(f"{folder} has no ground_truth.json", remedy="Name a folder such as ../shared/corpus/dev.")
    return candidates[0]


def _read_truth(truth: _GroundTruth, folder: Path) -> Corpus:
    questions = [_read_question(question, video.video) for video in truth.videos for question in video.questions]
    questions += [
        QuestionCase(
            cross.question,
            cross.answer,
            tuple(Place(place.video, Span(*place.span)) for place in cross.evidence),
            cross.type,
            None,
            n_hops=len(cross.evidence),
        )
        for cross in truth.cross_video_questions
    ]
    negatives = [*truth.negatives, *(negative for video in truth.videos for negative in video.negatives)]
    return Corpus(
        half=truth.half or folder.name,
        clips=tuple(_find_clip(video, folder) for video in truth.videos),
        queries=tuple(_read_moment(moment, video.video) for video in truth.videos for moment in video.moments),
        questions=tuple(questions),
        negatives=tuple(negative.query for negative in negatives),
    )


def _find_clip(video: _Video, folder: Path) -> Clip:
    for path in (folder / "videos" / video.video, folder / video.video):
        if path.exists():
            duration_s = video.media.duration if video.media else video.duration
            return Clip(video.video, path, duration_s or 0.0)
    raise NotFound(f"the clip {video.video} is missing from {folder}", remedy="Copy the whole folder of the corpus.")


def _read_moment(moment: _Moment, clip: str) -> MomentQuery:
    bounds = moment.spans or [(moment.start, moment.end)]
    return MomentQuery(moment.query, clip, tuple(Span(*pair) for pair in bounds), moment.modality, moment.style)


def _read_question(question: _Question, clip: str) -> QuestionCase:
    evidence = tuple(Place(clip, Span(*pair)) for pair in question.evidence)
    asked_of = clip if question.scope == "video" else None
    return QuestionCase(question.question, question.answer, evidence, question.type, asked_of, question.hops)
