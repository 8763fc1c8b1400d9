"""Reads a corpus: clips with queries whose right spans are known, questions with their evidence, and negatives.

It does not know how a ground truth is laid out, how anything is searched or scored, nor that several corpora may make
one library.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from core.errors import NotFound
from core.records import Span
from evaluation.truth import GroundTruth, MomentTruth, QuestionTruth, VideoTruth, read_truth

_Case = TypeVar("_Case")

END_MARGIN_S = 1.0
"""Containers and annotators round the end of a video; less than this is no mistake."""


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


def count_clips(queries: Iterable[MomentQuery], questions: Iterable[QuestionCase]) -> int:
    """Return how many clips are asked about; see ``bootstrap.FEW_VIDEOS``."""
    return len({query.clip for query in queries} | {place.clip for case in questions for place in case.evidence})


def _draw(cases: Sequence[_Case], size: int, draw: random.Random) -> list[_Case]:
    """Return some of the cases, in their order."""
    return [cases[at] for at in sorted(draw.sample(range(len(cases)), min(size, len(cases))))]


def load_corpus(folder: Path) -> Corpus:
    """Read a half: ``ground_truth.json`` (or the one JSON file there) and its clips, beside it or in ``videos/``.

    Raises:
        NotFound: the folder, its ground truth or a clip is missing.
        BadInput: the ground truth has another layout, or asks what nothing could answer.
    """
    return _convert(read_truth(find_truth(folder)), folder)


def find_places_beyond(corpus: Corpus, duration_by_clip: Mapping[str, float]) -> list[str]:
    """Return a sentence for each right place that ends after its clip, by the lengths in seconds that a service found.

    A warning, not an error: lengths are known only once hours may have been indexed, and the other figures stand. What
    lies wholly beyond the end counts as missed, what ends there by more than END_MARGIN_S loses overlap.
    """
    asked = [(f"query {query.query!r}", query.places) for query in corpus.queries]
    asked += [(f"question {case.question!r}", case.evidence) for case in corpus.questions]
    return [
        f"{place.span.start_s:g}–{place.span.end_s:g} s of the {what} ends after {place.clip}, "
        f"{duration_by_clip[place.clip]:.1f} s"
        for what, places in asked
        for place in places
        if place.clip in duration_by_clip and place.span.end_s > duration_by_clip[place.clip] + END_MARGIN_S
    ]


def find_truth(folder: Path) -> Path:
    """Return the file of a folder's ground truth: ``ground_truth.json``, or the one JSON file there.

    Raises:
        NotFound: there is none, or several have other names.
    """
    named = folder / "ground_truth.json"
    candidates = [named] if named.exists() else sorted(folder.glob("*.json"))
    if len(candidates) != 1:
        raise NotFound(f"{folder} has no ground_truth.json", remedy="Name a folder such as ../shared/corpus/dev.")
    return candidates[0]


def _convert(truth: GroundTruth, folder: Path) -> Corpus:
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


def _find_clip(video: VideoTruth, folder: Path) -> Clip:
    for path in (folder / "videos" / video.video, folder / video.video):
        if path.is_file():
            return Clip(video.video, path, video.duration_s or 0.0)
    raise NotFound(f"the clip {video.video} is missing from {folder}", remedy="Copy the whole folder of the corpus.")


def _read_moment(moment: MomentTruth, clip: str) -> MomentQuery:
    spans = tuple(Span(*pair) for pair in moment.bounds)
    return MomentQuery(moment.query, clip, spans, moment.modality, moment.style)


def _read_question(question: QuestionTruth, clip: str) -> QuestionCase:
    evidence = tuple(Place(clip, Span(*pair)) for pair in question.evidence)
    asked_of = clip if question.scope == "video" else None
    return QuestionCase(question.question, question.answer, evidence, question.type, asked_of, question.hops)
