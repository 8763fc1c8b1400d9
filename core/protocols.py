"""The seams: what the rooms ask of engines. One adapter per engine implements each; tests run one contract over all.

It does not know any engine, nor how adapters are chosen (``adapters/build.py`` does).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.cosine_scales import CosineScale
from core.plans import QueryPlan
from core.records import Answer, Moment, Span
from core.signals import (
    DecodedPart,
    DetectedObject,
    FloatArray,
    ImageArray,
    MediaInfo,
    NamedSpan,
    SparseVector,
    SubtitleCue,
    TextBox,
    Transcript,
)


class MediaReader(Protocol):
    """Reads untrusted media; every method runs in a limited child process, so hostile files cannot hurt the caller."""

    def probe(self, path: Path) -> MediaInfo:
        """Return what the file holds.

        Raises:
            BadInput: empty, not media, nothing decodable, a playlist, too long; the reason and remedy say which.
        """
        ...

    def decode_part(self, path: Path, span: Span) -> DecodedPart:
        """Return thumbnails of every frame in the span and candidate pictures; empty if no frame decodes.

        Raises:
            StageFailed: the decoder crashed or exceeded its limits.
        """
        ...

    def read_audio(self, path: Path, span: Span) -> FloatArray:
        """Return mono float32 samples at SAMPLE_RATE_HZ, sample 0 at ``span.start_s``; gaps are zeros.

        The array has ``round(span.duration_s * SAMPLE_RATE_HZ)`` samples, or fewer where the audio ends; empty if none.
        The same file and span always give the same samples, whatever was read before.
        """
        ...

    def read_subtitles(self, path: Path) -> tuple[SubtitleCue, ...]:
        """Return the cues of the first text subtitle stream (or of a .srt/.vtt file), in time order; () if none."""
        ...


class ShotDetector(Protocol):
    """Finds shot transitions."""

    name: str

    def find_cuts(self, thumbnails: ImageArray) -> list[int]:
        """Return indices of the first frame of each new shot, ascending, 0 excluded.

        ``thumbnails`` is uint8 (n, 27, 48, 3) RGB in time order. A dissolve yields the index of its middle.
        """
        ...


Terms = Callable[[], Sequence[str]]
"""Words to expect, asked for when they are needed: it may wait until other work has found them."""


class SpeechRecogniser(Protocol):
    """Finds and transcribes speech in samples; all times count from sample 0."""

    name: str

    def find_speech(self, samples: FloatArray) -> list[Span]:
        """Return stretches with voice, ascending and disjoint."""
        ...

    def transcribe(self, samples: FloatArray, *, language: str | None = None, terms: Terms = tuple) -> Transcript:
        """Return sentences with word times; empty for silence. ``language`` None means: detect it.

        ``terms`` may be said, and are then to be spelled so; a recogniser asks for them as late as it can, once, and
        not at all where nobody speaks or where it has no use for them. Sentences of other languages come with an
        English translation where the recogniser can give one.
        """
        ...


class ScreenReader(Protocol):
    """Reads text in pictures."""

    name: str

    def read_text(self, picture: ImageArray) -> list[TextBox]:
        """Return lines of text in reading order; ``picture`` is uint8 (h, w, 3) RGB."""
        ...


class ObjectDetector(Protocol):
    """Finds objects in pictures."""

    name: str

    def detect_objects(self, picture: ImageArray) -> list[DetectedObject]:
        """Return objects, most confident first; ``picture`` is uint8 (h, w, 3) RGB."""
        ...


class Captioner(Protocol):
    """Says in a sentence what pictures show; only real vision-language models implement it."""

    name: str

    def caption(self, jpegs: Sequence[bytes]) -> str:
        """Return one sentence about consecutive keyframes of one shot, "" when the model declines.

        Raises:
            TryAgain: the model is unreachable.
        """
        ...


class VisualEncoder(Protocol):
    """Embeds pictures and texts into one visual space, each as one row or several.

    A picture fits a query by MaxSim: the mean over the query's rows of the best cosine with any row of the picture.
    """

    name: str

    @property
    def dimension(self) -> int:
        """Length of its vectors, known without loading a model."""
        ...

    def embed_pictures(self, pictures: Sequence[ImageArray]) -> list[FloatArray]:
        """Return L2-normalised float32 (n_rows, dimension) a picture, at least one row and few enough to store.

        Pictures are uint8 (h, w, 3) RGB of any size.
        """
        ...

    def on_text_scale(self, fits: FloatArray) -> FloatArray:
        """Return fits of query and picture as the cosines that texts which fit as well would have.

        So that words and pictures can be compared: about 0.1 for what does not fit, 0.35 and more for what does.
        """
        ...

    def embed_query(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (n_rows, dimension), at least one row."""
        ...


class TextEncoder(Protocol):
    """Embeds texts, as one vector and as one vector a token; the two may be of different models and sizes."""

    name: str

    @property
    def dimension(self) -> int:
        """Length of its vectors, known without loading a model where the model says so in a file."""
        ...

    @property
    def token_dimension(self) -> int:
        """Length of its token vectors, known as ``dimension`` is."""
        ...

    @property
    def text_scale(self) -> CosineScale:
        """How to read cosines of its vectors, on the scale that thresholds are set on; it may load the model."""
        ...

    @property
    def token_scale(self) -> CosineScale:
        """The same for cosines of its token vectors."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """Return L2-normalised float32 (n, dimension)."""
        ...

    def embed_query(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (dimension,)."""
        ...

    def embed_passage_tokens(self, texts: Sequence[str]) -> list[FloatArray]:
        """Return one L2-normalised float32 (n_tokens, token_dimension) a text: its words in order, or most of them."""
        ...

    def locate_passage_tokens(self, text: str) -> list[tuple[int, int]]:
        """Return the characters ``[start, end)`` that each of these rows stands for; the model itself is not run."""
        ...

    def embed_query_tokens(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (n_rows, token_dimension): its words, and what its model asks beside them."""
        ...


class LexicalEncoder(Protocol):
    """Turns texts into sparse BM25 term weights; IDF is applied by the index."""

    name: str

    def encode_passage(self, text: str) -> SparseVector: ...

    def encode_query(self, text: str) -> SparseVector: ...


class EntityRecogniser(Protocol):
    """Finds names in texts."""

    name: str

    def find_names(self, texts: Sequence[str]) -> list[list[NamedSpan]]:
        """Return the names of each text, in the order they stand."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """A chat message; ``parts`` are texts (str) and pictures (JPEG bytes) in order."""

    role: str
    parts: tuple[str | bytes, ...]


class LanguageModel(Protocol):
    """A chat model that may see pictures."""

    name: str

    def complete(self, messages: Sequence[Message], *, schema: dict[str, Any] | None = None) -> str:
        """Return the reply; with a JSON schema, a JSON text that the caller must still validate.

        Raises:
            TryAgain: the endpoint is unreachable, overloaded or too slow.
            BadInput: the endpoint refuses the model name, the key or the request.
        """
        ...


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search as the user asked it. ``time`` restricts to a span within each video; empty ``modalities`` means all.

    ``group_by`` "video" keeps the best moment of each video. ``min_score`` in [0, 1]: moments below it are dropped;
    None takes the calibrated default. ``planning`` "fast" reads the query by rules, "model" asks the language model if
    there is one, "none" takes its words as they stand. ``plan`` None: the finder plans by itself. ``titles`` False: no
    video is found by what it is called.
    """

    query: str
    tenant: str = "default"
    video_ids: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    time: Span | None = None
    limit: int = 10
    group_by: str | None = None
    min_score: float | None = None
    planning: str = "fast"
    plan: QueryPlan | None = None
    titles: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the user asked it; ``history`` holds (role, text) turns, oldest first.

    ``options`` are answers to choose from: who writes the answer sees them, and their words help to find. None is read
    as a wish for a place, an order or a quotation: "In the first minute" is an answer.
    """

    text: str
    tenant: str = "default"
    video_ids: tuple[str, ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    effort: str = "fast"
    options: tuple[str, ...] = ()


class MomentFinder(Protocol):
    """Finds moments; implemented by ``rag.search``."""

    def plan(self, request: SearchRequest) -> QueryPlan:
        """Return how the query is understood."""
        ...

    def find(self, request: SearchRequest) -> tuple[Moment, ...]:
        """Return moments, best first, none when nothing is relevant."""
        ...


class QuestionAnswerer(Protocol):
    """Answers questions; implemented by ``rag.answer``."""

    def answer(self, question: Question) -> Answer: ...

    def stream(self, question: Question) -> Iterator[dict[str, Any] | Answer]:
        """Yield steps as dicts (``{"step": …, …}`` and ``{"delta": text}``), and last the Answer."""
        ...


class JobQueue(Protocol):
    """Sends hints that there is work; the ledger is the truth, so a lost or doubled hint does no harm."""

    def send(self, task: str, *args: str, queue: str = "index") -> None:
        """Send a task by name.

        Raises:
            TryAgain: the broker is unreachable.
        """
        ...
