"""A library of any size that looks like a real one to a vector index, made from a seed alone.

Topics, videos and words give the vectors their clusters: cosines follow those measured on real footage (tokens of
one segment 0.3, same word elsewhere 0.5, random segments 0.05 with a long tail, random keyframes 0.3). Any segment
can be made again by its number, so nothing exact has to be kept. It does not know how vectors are stored or searched.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.ids import derived_id
from core.records import Keyframe, Segment, Span
from core.signals import FloatArray, SegmentVectors, SparseVector, TokenRange
from core.stores import SegmentPoint
from rag.retrieve import QueryVectors

DIM = 384
N_WORDS, N_TOPICS, N_CLASSES = 50_000, 1_000, 1_000
N_TOPIC_WORDS, N_VIDEO_WORDS, N_SCENES = 300, 40, 8
N_STOP_WORDS = 40
"""The most frequent words have vectors but no terms, as BM25's tokenizer drops them."""
N_NOISE_ROWS = 2**15
SEGMENT_S = 9.0
MAIN_TENANT = "acme"
MAIN_SHARE = 0.9
"""Of the videos; fifty other tenants share the rest, the first of them most."""
MODALITIES = ("speech", "screen", "object", "metadata")

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SyntheticQuery:
    """A query made of a few words of one segment, with that segment's number."""

    vectors: QueryVectors
    target: int


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of some segments, flat: token ``i`` is word ``word[i]`` of the row ``owner[i]``."""

    owner: Integers
    word: Integers
    position: Integers
    bounds: Integers


class SyntheticLibrary:
    """Segments by number, ``0 … n_segments - 1``, in order of their videos."""

    def __init__(self, n_segments: int, *, seed: int = 0) -> None:
        self.n_segments = n_segments
        self._seed = seed
        rng = np.random.default_rng(seed)
        lengths = np.clip(rng.lognormal(np.log(80), 1.0, size=n_segments // 20 + 10), 5, 3000).astype(np.int64)
        self._first = np.concatenate([[0], np.cumsum(lengths)])
        n_videos = int(np.searchsorted(self._first, n_segments))
        others = rng.zipf(1.3, size=n_videos) % 50
        is_main = rng.random(n_videos) < MAIN_SHARE
        is_main[0] = True
        self._tenants = [
            MAIN_TENANT if main else f"tenant-{other:02d}" for main, other in zip(is_main, others, strict=True)
        ]
        self._words = _unit_rows(rng, N_WORDS)
        self._topics = _unit_rows(rng, N_TOPICS)
        self._classes = _unit_rows(rng, N_CLASSES)
        self._noise = _unit_rows(rng, N_NOISE_ROWS)
        self._common = _unit_rows(rng, 1)[0]
        self._topic_words = rng.integers(0, N_WORDS, size=(N_TOPICS, N_TOPIC_WORDS))

    @cached_property
    def video_ids(self) -> list[str]:
        return [derived_id("synthetic", str(self._seed), number) for number in range(len(self._tenants))]

    def video_of(self, numbers: Integers) -> Integers:
        """Return the video number of each segment."""
        return np.searchsorted(self._first, numbers, side="right") - 1

    def tenant_of(self, video: int) -> str:
        return self._tenants[video]

    def segment_id(self, number: int) -> str:
        return derived_id("synthetic", str(self._seed), "segment", number)

    def points(self, numbers: Integers) -> list[SegmentPoint]:
        """Return the points of the given segments, in order."""
        words = self._draw_words(numbers)
        tokens = self._embed_words(numbers, words, contextual=True)
        dense = _sums(tokens, words.bounds)
        tokens = _normalised(tokens)
        frames, frame_bounds = self._frames(numbers)
        means = _sums(frames, frame_bounds)
        lexical = _terms(words)
        found = []
        for row, number in enumerate(numbers.tolist()):
            first, end = int(words.bounds[row]), int(words.bounds[row + 1])
            first_frame, end_frame = int(frame_bounds[row]), int(frame_bounds[row + 1])
            segment, ranges = self._segment(number, end - first, end_frame - first_frame)
            vectors = SegmentVectors(
                text=dense[row],
                text_tokens=tokens[first:end],
                token_ranges=ranges,
                frames=frames[first_frame:end_frame],
                frame_owner=tuple(range(end_frame - first_frame)),
                frame_mean=means[row],
                lexical=lexical[row],
            )
            found.append(SegmentPoint(segment, self._tenants[self._video(number)], vectors))
        return found

    def queries(self, targets: Integers) -> list[SyntheticQuery]:
        """Return one query for each target: three to eight of its words in another context, and a picture like its."""
        words = self._draw_words(targets)
        frames, frame_bounds = self._frames(targets)
        found = []
        for row, target in enumerate(targets.tolist()):
            first, end = int(words.bounds[row]), int(words.bounds[row + 1])
            length = 3 + int(self._uniform("query", targets[row : row + 1])[0] * 6)
            start = first + int(self._uniform("query start", targets[row : row + 1])[0] * max(1, end - first - length))
            chosen = slice(start, min(end, start + length))
            asked = _Words(
                np.zeros(chosen.stop - chosen.start, np.int64),
                words.word[chosen],
                words.position[chosen],
                np.array([0, chosen.stop - chosen.start]),
            )
            tokens = self._embed_words(targets[row : row + 1], asked, contextual=False)
            picture = frames[frame_bounds[row]] + 1.2 * self._noise[target % N_NOISE_ROWS]
            terms = _terms(asked)[0]
            vectors = QueryVectors(
                text=_normalised(tokens.mean(axis=0, keepdims=True))[0],
                tokens=_normalised(tokens),
                visual=_normalised(picture[None]),
                lexical=SparseVector(terms.indices, (1.0,) * len(terms.indices)),
            )
            found.append(SyntheticQuery(vectors, target))
        return found

    def _video(self, number: int) -> int:
        return int(np.searchsorted(self._first, number, side="right")) - 1

    def _uniform(self, stream: str, *keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return numbers in [0, 1) that depend on seed, stream and keys alone (SplitMix64; Steele et al., 2014)."""
        state = np.uint64(hash_of(stream) ^ self._seed)
        mixed = np.full(np.broadcast_shapes(*(key.shape for key in keys)), state, dtype=np.uint64)
        for key in keys:
            mixed = _mix(mixed + key.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def _draw_words(self, numbers: Integers) -> _Words:
        """Return 20 to 60 words a segment: half of the language, a third of the topic, the rest of the video."""
        lengths = 20 + (self._uniform("length", numbers) * 41).astype(np.int64)
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        owner = np.repeat(np.arange(len(numbers)), lengths)
        position = np.arange(bounds[-1]) - bounds[owner]
        number, video = numbers[owner], self.video_of(numbers)[owner]
        topic = self._topic_of(video)
        draw, kind = self._uniform("word", number, position), self._uniform("kind", number, position)
        language = _zipf_rank(draw, N_WORDS)
        of_topic = self._topic_words[topic, _zipf_rank(draw, N_TOPIC_WORDS)]
        slot = (draw * N_VIDEO_WORDS).astype(np.int64)
        of_video = _zipf_rank(self._uniform("video word", video, slot), N_WORDS)
        word = np.where(kind < 0.5, language, np.where(kind < 0.83, of_topic, of_video))
        return _Words(owner, word, position, bounds)

    def _topic_of(self, video: Integers) -> Integers:
        return _zipf_rank(self._uniform("topic", video), N_TOPICS)

    def _embed_words(self, numbers: Integers, words: _Words, *, contextual: bool) -> FloatArray:
        """Return a vector a word, not normalised; a query knows the topic a little and the segment not at all."""
        topics = self._topics[self._topic_of(self.video_of(numbers))]
        context = 0.35 * topics + 0.3 * self._noise_rows("segment", numbers) if contextual else 0.25 * topics
        noise = self._noise_rows("token" if contextual else "query token", numbers[words.owner], words.position)
        noise *= 0.45
        noise += context[words.owner]
        noise += 0.62 * self._words[words.word]
        return noise

    def _noise_rows(self, stream: str, *keys: Integers) -> FloatArray:
        return self._noise[(self._uniform(stream, *keys) * N_NOISE_ROWS).astype(np.int64)]

    def _frames(self, numbers: Integers) -> tuple[FloatArray, Integers]:
        """Return one to four keyframe vectors a segment, and where each segment's begin."""
        counts = 1 + (self._uniform("frames", numbers) * 4).astype(np.int64)
        bounds = np.concatenate([[0], np.cumsum(counts)])
        owner = np.repeat(np.arange(len(numbers)), counts)
        position = np.arange(bounds[-1]) - bounds[owner]
        number, video = numbers[owner], self.video_of(numbers)[owner]
        scene = (self._uniform("scene", number) * N_SCENES).astype(np.int64)
        shown = (self._uniform("class", video, scene) * N_CLASSES).astype(np.int64)
        rows = 0.45 * self._noise_rows("segment picture", number) + 0.35 * self._noise_rows("frame", number, position)
        rows += 0.6 * self._classes[shown] + 0.55 * self._common
        return _normalised(rows), bounds

    def _segment(self, number: int, n_tokens: int, n_frames: int) -> tuple[Segment, tuple[TokenRange, ...]]:
        video = self._video(number)
        place = number - int(self._first[video])
        video_id, span = self.video_ids[video], Span(SEGMENT_S * place, SEGMENT_S * (place + 1))
        n_evidence = 1 + number % 4
        edges = [n_tokens * edge // n_evidence for edge in range(n_evidence + 1)]
        segment_id = self.segment_id(number)
        evidence_ids = tuple(f"{segment_id[:-4]}{order:04d}" for order in range(n_evidence))
        ranges = tuple(
            TokenRange(evidence_id, MODALITIES[order], edges[order], edges[order + 1])
            for order, evidence_id in enumerate(evidence_ids)
        )
        times_s = [span.start_s + SEGMENT_S * (frame + 0.5) / n_frames for frame in range(n_frames)]
        keyframes = tuple(Keyframe(time_s, span, f"videos/{video_id}/frames/{time_s:.2f}.jpg") for time_s in times_s)
        segment = Segment(
            id=segment_id,
            video_id=video_id,
            part=place // 8,
            number=place,
            span=span,
            evidence_ids=evidence_ids,
            keyframes=keyframes,
            speech_ratio=0.6,
            screen_chars_per_s=2.0,
            language="en",
        )
        return segment, ranges


def hash_of(name: str) -> int:
    """Return a 63-bit number for a name, the same in every run (FNV-1a).

    >>> hash_of("word") == hash_of("word") != hash_of("kind")
    True
    """
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & (2**64 - 1)
    return value >> 1


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _zipf_rank(uniform: NDArray[np.float64], n_ranks: int) -> Integers:
    """Return ranks in [0, n_ranks) with frequencies that fall as 1 / (rank + 1), by the inverse of the logarithm."""
    return np.asarray(np.minimum(np.exp(uniform * np.log(n_ranks + 1)) - 1, n_ranks - 1), np.int64)


def _terms(words: _Words) -> list[SparseVector]:
    """Return each row's term weights: saturating in the count, as BM25 with k1 = 1.2 at mean length."""
    kept = words.word >= N_STOP_WORDS
    keys, counts = np.unique(words.owner[kept] * N_WORDS + words.word[kept], return_counts=True)
    owner, word = keys // N_WORDS, keys % N_WORDS
    values = counts * 2.2 / (counts + 1.2)
    index = _mix(word.astype(np.uint64)) >> np.uint64(32)
    bounds = np.searchsorted(owner, np.arange(len(words.bounds)))
    return [
        SparseVector(tuple(index[first:end].tolist()), tuple(values[first:end].tolist()))
        for first, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    ]


def _sums(rows: FloatArray, bounds: Integers) -> FloatArray:
    """Return the normalised sum of the rows between each bound and the next."""
    edges = bounds.tolist()
    return _normalised(np.stack([rows[first:end].sum(axis=0) for first, end in itertools.pairwise(edges)]))


def _unit_rows(rng: np.random.Generator, n_rows: int) -> FloatArray:
    return _normalised(rng.standard_normal((n_rows, DIM), dtype=np.float32))


def _normalised(rows: FloatArray) -> FloatArray:
    rows /= np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return rows
