"""The layout of ``ground_truth.json`` (format 1), and what makes one worthless however well a system searches.

It does not know where clips lie, nor what is made of a ground truth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from api.schemas import MAX_QUERY_CHARS, MAX_QUESTION_CHARS
from core.errors import BadInput
from core.records import Span

Bounds = tuple[float, float]

N_SHOWN_CHARS = 60
"""Of a text that is named in a message."""


class MediaTruth(BaseModel):
    duration: float


class MomentTruth(BaseModel):
    query: str
    start: float
    end: float
    modality: str
    style: str = "natural"
    spans: list[Bounds] = Field(default_factory=list)

    @property
    def bounds(self) -> Sequence[Bounds]:
        return self.spans or [(self.start, self.end)]


class QuestionTruth(BaseModel):
    question: str
    answer: str
    evidence: list[Bounds]
    type: str
    scope: str = "library"
    hops: int = Field(default=1, ge=1)


class NegativeTruth(BaseModel):
    query: str


class VideoTruth(BaseModel):
    video: str
    media: MediaTruth | None = None
    duration: float | None = None
    moments: list[MomentTruth] = Field(default_factory=list)
    questions: list[QuestionTruth] = Field(default_factory=list)
    negatives: list[NegativeTruth] = Field(default_factory=list)

    @property
    def duration_s(self) -> float | None:
        return self.media.duration if self.media else self.duration


class FarEvidence(BaseModel):
    video: str
    span: Bounds


class CrossQuestion(BaseModel):
    question: str
    answer: str
    type: str = "cross-video"
    evidence: list[FarEvidence]


class GroundTruth(BaseModel):
    format: int = Field(ge=1, le=1)
    half: str = ""
    videos: list[VideoTruth]
    cross_video_questions: list[CrossQuestion] = Field(default_factory=list)
    negatives: list[NegativeTruth] = Field(default_factory=list)


def read_truth(path: Path) -> GroundTruth:
    """Return what a file says is right, checked as far as that goes without the videos.

    Raises:
        BadInput: it has another layout, or asks what nothing could answer; names the first such place.
    """
    try:
        truth = GroundTruth.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}", remedy="Check the path and its permissions.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise BadInput(
            f"{path} is not a ground truth of format 1: {place}: {first['msg']}", remedy="See the corpus' README."
        ) from error
    problems = list(find_problems(truth))
    if problems:
        more = f" (and {len(problems) - 1} more such places)" if len(problems) > 1 else ""
        raise BadInput(f"{path}: {problems[0]}{more}", remedy="Correct the ground truth.")
    return truth


def find_problems(truth: GroundTruth) -> Iterator[str]:
    """Yield a sentence for all that cannot be asked, or that nothing could answer, naming its query or question."""
    if not truth.videos:
        yield "it lists no videos"
    times = Counter(video.video for video in truth.videos)
    yield from (f"it lists the clip {name} {count} times" for name, count in times.items() if count > 1)
    duration_by_clip = {video.video: video.duration_s for video in truth.videos}
    for video in truth.videos:
        for moment in video.moments:
            what = f"the query {_shown(moment.query)} of {video.video}"
            yield from _problems_of_text(what, moment.query, MAX_QUERY_CHARS)
            yield from _problems_of_places(what, [(video.video, span) for span in moment.bounds], duration_by_clip)
        for question in video.questions:
            what = f"the question {_shown(question.question)} of {video.video}"
            yield from _problems_of_text(what, question.question, MAX_QUESTION_CHARS)
            yield from _problems_of_places(what, [(video.video, span) for span in question.evidence], duration_by_clip)
    for cross in truth.cross_video_questions:
        what = f"the question {_shown(cross.question)} across videos"
        yield from _problems_of_text(what, cross.question, MAX_QUESTION_CHARS)
        yield from _problems_of_places(what, [(far.video, far.span) for far in cross.evidence], duration_by_clip)
    for negative in [*truth.negatives, *(negative for video in truth.videos for negative in video.negatives)]:
        yield from _problems_of_text(f"the negative {_shown(negative.query)}", negative.query, MAX_QUERY_CHARS)


def _problems_of_text(what: str, text: str, most_chars: int) -> Iterator[str]:
    length = len(text.strip())
    if not length:
        yield f"{what} is empty"
    elif length > most_chars:
        yield f"{what} has {length} characters; the API takes {most_chars}"


def _problems_of_places(
    what: str, places: Sequence[tuple[str, Bounds]], duration_by_clip: dict[str, float | None]
) -> Iterator[str]:
    """Yield what is wrong with the right places; a length that the file itself gives must hold their beginnings."""
    if not places:
        yield f"{what} has no evidence"
    for clip, (start_s, end_s) in places:
        if clip not in duration_by_clip:
            yield f"{what} has evidence in {clip}, which is not among its videos"
            continue
        try:
            span = Span(start_s, end_s)
        except ValueError as error:
            yield f"{what}: {error}"
            continue
        duration_s = duration_by_clip[clip]
        if duration_s and span.start_s >= duration_s:
            yield f"{what}: {start_s:g}–{end_s:g} s begins after the end of {clip}, {duration_s:g} s"


def _shown(text: str) -> str:
    """Return a text as it is named in a message.

    >>> _shown("a dog"), len(_shown("dog " * 700))
    ("'a dog'", 63)
    """
    return repr(text if len(text) <= N_SHOWN_CHARS else f"{text[:N_SHOWN_CHARS]}…")
