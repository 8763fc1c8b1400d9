"""What decoders and models hand to the indexer: pictures, samples, sentences, boxes — before they become evidence.

It does not know where a signal came from nor what is kept of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.records import Box, Span, Word

SAMPLE_RATE_HZ = 16_000
"""Every audio array in this project is mono float32 at this rate, the one whisper and silero take."""

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What probing a file found: pictures, sound or both.

    ``duration_s`` is what decodes, measured from packets where the container is silent or wrong. ``size_px`` is the
    (width, height) of the pictures that people would watch, as displayed (rotation and pixel aspect applied), and None
    where there are none. ``keyframe_times_s`` ascend and start near 0; empty without pictures. ``warnings`` are
    sentences for the owner.
    """

    duration_s: float
    size_px: tuple[int, int] | None
    has_audio: bool
    keyframe_times_s: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame kept at reading size: ``jpeg`` bytes, RGB, longest side at most 1280 px, upright and square-pixelled."""

    time_s: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class DecodedPart:
    """One pass over the frames of a part.

    ``thumbnails``: uint8 (n, 27, 48, 3) RGB, one per decoded frame, at ``thumbnail_times_s`` (n,), ascending.
    ``pictures``: candidates for keyframes, at most a few a second, fewer where the picture stands still.
    """

    thumbnail_times_s: NDArray[np.float64]
    thumbnails: ImageArray
    pictures: tuple[Picture, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubtitleCue:
    """A line of a subtitle track."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recognised sentence; ``mean_logprob`` is per token, ``no_speech`` a probability. Times as in the samples.

    ``translation`` is English, and None where the sentence is or the recogniser cannot translate.
    """

    span: Span
    text: str
    words: tuple[Word, ...]
    mean_logprob: float
    no_speech: float
    translation: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """Utterances in time order, with the language heard (ISO 639-1), None where nothing was understood."""

    utterances: tuple[Utterance, ...]
    language: str | None


@dataclass(frozen=True, slots=True)
class TextBox:
    """A line of text in a picture."""

    text: str
    confidence: float
    box: Box


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """An object in a picture. ``setting`` says where it is seen: "on a blue background"."""

    label: str
    confidence: float
    box: Box
    setting: str = ""


@dataclass(frozen=True, slots=True)
class NamedSpan:
    """A name found in a text: characters ``[start, end)``; ``kind`` is person, organisation, place, work, date, …"""

    text: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Token ids with weights, equal lengths, ids unique."""

    indices: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.indices) != len(self.values):
            raise ValueError("indices and values differ in length")


@dataclass(frozen=True, slots=True)
class TokenRange:
    """Rows ``[start, end)`` of a segment's token matrix: one reading of one piece of evidence.

    Evidence with a translation has two ranges, its text's and then its translation's.
    """

    evidence_id: str
    modality: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SegmentVectors:
    """All vectors of one segment; an absent channel is None. Rows are L2-normalised float32.

    ``text`` (d,), ``text_tokens`` (t, d), ``frames`` (f, v) in the order of the segment's keyframes (several rows may
    stand for one keyframe, see ``frame_owner``), ``frame_mean`` (v,), ``lexical`` sparse term weights.
    """

    text: FloatArray | None = None
    text_tokens: FloatArray | None = None
    token_ranges: tuple[TokenRange, ...] = ()
    frames: FloatArray | None = None
    frame_owner: tuple[int, ...] = ()
    frame_mean: FloatArray | None = None
    lexical: SparseVector | None = None
