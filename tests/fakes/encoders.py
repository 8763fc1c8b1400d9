"""Encoders without weights, for tests of what stands around them: words are random directions, equal words the same.

They pass the contracts that the real ones pass (``tests/contracts/test_encoder_contracts.py``). They do not know
meaning: "dog" and "hound" are strangers, only shared words bring texts together.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.cosine_scales import AS_IT_IS
from core.protocols import Message, TextEncoder
from core.signals import FloatArray, ImageArray, NamedSpan, SparseVector

COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 180, 30),
    "blue": (30, 30, 220),
    "yellow": (230, 220, 40),
    "black": (10, 10, 10),
    "white": (245, 245, 245),
}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


class FakeTextEncoder:
    """A unit vector a word, seeded by its letters; a text is the mean of its words."""

    name = "fake-text"

    def __init__(self, dimension: int = 64) -> None:
        self.dimension = self.token_dimension = dimension
        self.text_scale = self.token_scale = AS_IT_IS

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([self.embed_query(text) for text in texts]) if texts else np.zeros((0, self.dimension), "f4")

    def embed_query(self, text: str) -> FloatArray:
        mean = self.embed_query_tokens(text or "\0").mean(axis=0) if _words(text) else self._word("")
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def embed_passage_tokens(self, texts: Sequence[str]) -> list[FloatArray]:
        return [self.embed_query_tokens(text) for text in texts]

    def locate_passage_tokens(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\w+", text.lower())]

    def embed_query_tokens(self, text: str) -> FloatArray:
        rows = [self._word(word) for word in _words(text)]
        return np.stack(rows) if rows else np.zeros((0, self.dimension), np.float32)

    def _word(self, word: str) -> FloatArray:
        vector = np.random.default_rng(zlib.crc32(word.encode())).standard_normal(self.dimension)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


class FakeVisualEncoder:
    """A picture is the word for its mean colour, so "a red car" finds red pictures."""

    name = "fake-visual"

    def __init__(self, text_encoder: TextEncoder | None = None) -> None:
        self._text_encoder = text_encoder or FakeTextEncoder()
        self.dimension = self._text_encoder.dimension

    def embed_pictures(self, pictures: Sequence[ImageArray]) -> list[FloatArray]:
        names = self._text_encoder.embed_passages([colour_of(picture) for picture in pictures])
        return [row[np.newaxis] for row in names]

    def embed_query(self, text: str) -> FloatArray:
        return self._text_encoder.embed_query(text)[np.newaxis]

    def on_text_scale(self, fits: FloatArray) -> FloatArray:
        return fits


class FakeVisualRetriever:
    """A picture is two rows, the words for the colours of its halves, and a query is a row a word: late interaction."""

    name = "fake-retriever"

    def __init__(self) -> None:
        self._text_encoder = FakeTextEncoder()
        self.dimension = self._text_encoder.dimension

    def embed_pictures(self, pictures: Sequence[ImageArray]) -> list[FloatArray]:
        halves = [
            (picture[:, : max(1, picture.shape[1] // 2)], picture[:, picture.shape[1] // 2 :]) for picture in pictures
        ]
        return [self._text_encoder.embed_passages([colour_of(left), colour_of(right)]) for left, right in halves]

    def embed_query(self, text: str) -> FloatArray:
        return self._text_encoder.embed_query_tokens(text or "nothing")

    def on_text_scale(self, fits: FloatArray) -> FloatArray:
        return fits


def colour_of(picture: ImageArray) -> str:
    """Return the name of the colour nearest to the picture's mean."""
    mean = picture.reshape(-1, 3).mean(axis=0)
    return min(COLOURS, key=lambda name: float(np.linalg.norm(mean - np.array(COLOURS[name]))))


def picture_of(colour: str, *, width_px: int = 64, height_px: int = 48) -> ImageArray:
    """Return a picture of one colour that ``colour_of`` names."""
    return np.full((height_px, width_px, 3), COLOURS[colour], np.uint8)


class FakeLexicalEncoder:
    """Counts of words, under a checksum as their id."""

    name = "fake-lexical"

    def encode_passage(self, text: str) -> SparseVector:
        counts = Counter(zlib.crc32(word.encode()) for word in _words(text))
        return SparseVector(tuple(counts), tuple(float(count) for count in counts.values()))

    def encode_query(self, text: str) -> SparseVector:
        ids = tuple(dict.fromkeys(zlib.crc32(word.encode()) for word in _words(text)))
        return SparseVector(ids, (1.0,) * len(ids))


@dataclass
class FakeNameRecogniser:
    """Finds runs of two or more capitalised words, and the names it was told; all are persons unless told otherwise."""

    kind_by_name: dict[str, str] = field(default_factory=dict)
    name: str = "fake-names"

    def find_names(self, texts: Sequence[str]) -> list[list[NamedSpan]]:
        return [self._find(text) for text in texts]

    def _find(self, text: str) -> list[NamedSpan]:
        told = "|".join(re.escape(name) for name in sorted(self.kind_by_name, key=len, reverse=True))
        pattern = rf"\b(?:{told + '|' if told else ''}[A-Z]\w+(?: [A-Z]\w+)+)\b"
        return [
            NamedSpan(match.group(), self.kind_by_name.get(match.group(), "person"), match.start(), match.end())
            for match in re.finditer(pattern, text)
        ]


@dataclass
class FakeLanguageModel:
    """Says what ``reply`` makes of the messages (a text: always that); raises ``error`` if one is set."""

    reply: str | Callable[[Sequence[Message]], str] = "It is so."
    error: Exception | None = None
    name: str = "fake-language-model"
    requests: list[tuple[Message, ...]] = field(default_factory=list)
    schemas: list[dict[str, Any] | None] = field(default_factory=list)

    def complete(self, messages: Sequence[Message], *, schema: dict[str, Any] | None = None) -> str:
        self.requests.append(tuple(messages))
        self.schemas.append(schema)
        if self.error:
            raise self.error
        return self.reply if isinstance(self.reply, str) else self.reply(messages)
