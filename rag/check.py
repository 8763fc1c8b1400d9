"""Checking: every sentence of an answer must rest on an exhibit; what does not is flagged, what cites nothing is cited.

A model's own citations are often wrong, the exhibit nearest to a sentence by embedding is mostly right; so the model's
choice is kept only where it is nearly as near. It does not know how the answer was written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.protocols import TextEncoder
from core.records import Citation
from core.signals import FloatArray
from rag.exhibits import Exhibit

MIN_SUPPORT = 0.4
"""Cosine below which a sentence and an exhibit speak of different things (unrelated MiniLM pairs lie under .25)."""

OWN_CHOICE_MARGIN = 0.12
"""How much farther than the nearest exhibit the model's own choice may be and still be kept."""

_MARKER = re.compile(r"\[(\d{1,3})\]")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？])(?:\s*(?:\[\d{1,3}\]\s*)+|\s+)(?=\S)")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """An answer whose markers all exist; ``unsupported`` are its sentences that no exhibit bears out."""

    text: str
    citations: tuple[Citation, ...]
    unsupported: tuple[str, ...]

    @property
    def is_supported(self) -> bool:
        return bool(self.citations) and any(citation.is_supported for citation in self.citations)


def check_answer(text: str, exhibits: Sequence[Exhibit], encoder: TextEncoder) -> CheckedAnswer:
    """Return the answer with each sentence's markers checked against the exhibits, renumbered in order of use."""
    sentences = split_sentences(text)
    if not sentences or not exhibits:
        return CheckedAnswer(_MARKER.sub("", text).strip(), (), tuple(sentence for sentence, _ in sentences))
    support = encoder.text_scale.read(
        encoder.embed_passages([sentence for sentence, _ in sentences])
        @ encoder.embed_passages([exhibit.text for exhibit in exhibits]).T
    )
    number_by_exhibit: dict[int, int] = {}
    citations: list[Citation] = []
    unsupported: list[str] = []
    lines: list[str] = []
    for (sentence, markers), row in zip(sentences, support, strict=True):
        chosen = _choose(markers, row, exhibits)
        is_supported = any(_bears_out(sentence, exhibits[at], float(row[at])) for at in chosen)
        if not is_supported:
            unsupported.append(sentence)
        for at in chosen:
            if at not in number_by_exhibit:
                number_by_exhibit[at] = len(number_by_exhibit) + 1
                citations.append(cite(exhibits[at], number_by_exhibit[at], is_supported=is_supported))
        lines.append(sentence + "".join(f" [{number_by_exhibit[at]}]" for at in chosen))
    return CheckedAnswer(" ".join(lines), tuple(citations), tuple(unsupported))


def cite(exhibit: Exhibit, number: int, *, is_supported: bool = True) -> Citation:
    """Return the citation of an exhibit under the marker ``[number]``."""
    return Citation(
        marker=f"[{number}]",
        video_id=exhibit.video_id,
        video_title=exhibit.video_title,
        span=exhibit.span,
        quote=exhibit.text,
        evidence_id=exhibit.evidence_id,
        modality=exhibit.modality,
        is_supported=is_supported,
    )


def split_sentences(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """Return the sentences without markers, each with the exhibit numbers that stood in or right behind it.

    >>> split_sentences("It was built in 1911. [2] She came later [1][3].")
    [('It was built in 1911.', (2,)), ('She came later.', (1, 3))]
    """
    pieces: list[tuple[str, tuple[int, ...]]] = []
    start = 0
    for end in [*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]:
        piece = text[start:end]
        start = end
        markers = tuple(int(number) for number in _MARKER.findall(piece))
        bare = re.sub(r" ([.!?,;])", r"\1", " ".join(_MARKER.sub("", piece).split()))
        if bare:
            pieces.append((bare, markers))
    return pieces


def _choose(markers: Sequence[int], row: FloatArray, exhibits: Sequence[Exhibit]) -> list[int]:
    """Return positions of the exhibits to cite: the model's own if near enough, else the nearest, else the own ones."""
    at_by_number = {exhibit.number: at for at, exhibit in enumerate(exhibits)}
    own = [at_by_number[number] for number in dict.fromkeys(markers) if number in at_by_number]
    nearest = int(np.argmax(row))
    pictures = [at for at in own if exhibits[at].jpeg is not None]
    near = [at for at in own if row[at] >= row[nearest] - OWN_CHOICE_MARGIN]
    if near:
        return near
    if pictures:
        # What a picture shows cannot be compared with words: the model's choice stands, and is flagged as unproven.
        return pictures
    if row[nearest] >= MIN_SUPPORT:
        return [nearest]
    return own[:1]


def _bears_out(sentence: str, exhibit: Exhibit, similarity: float) -> bool:
    """Whether the exhibit speaks of the same thing and holds every number of the sentence."""
    numbers = set(_NUMBER.findall(sentence))
    return similarity >= MIN_SUPPORT and numbers <= set(_NUMBER.findall(exhibit.text))
