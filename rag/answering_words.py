"""Words that answer: which words of a moment's evidence answer the query best where the two share none.

A paraphrase matches by meaning, and the cosines of late interaction say between which words: "crowds" is answered by
"people". It does not know how moments are found; passages are not embedded again, their vectors are in the index.
"""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

import numpy as np

from core.protocols import TextEncoder
from core.records import Evidence, Moment, Reason
from core.scripts import UNSPACED
from core.signals import FloatArray
from core.stores import Catalogue, SegmentIndex, SegmentPoint
from rag.language import function_words

SURE_COSINE = 0.4
"""From here on a word answers one of the query: "rising" answers "standing" by .40, and chance pairs stay below .35."""

MAX_WORDS = 5
MAX_CLAUSE_CHARS = 40
MIN_PART = 3
"""Letters from which on what stands beside an apostrophe means something: "qu'on" does not, "l'eau" does."""

_WORD = re.compile(f"[$€£¥#]?[^\\W_{UNSPACED}]+(?:[.,:'’-][^\\W_{UNSPACED}]+)*%?")


class AnsweringWords:
    """Names what of their evidence answers the query, for moments found by words that share none with it."""

    def __init__(self, catalogue: Catalogue, index: SegmentIndex, text: TextEncoder) -> None:
        self._catalogue = catalogue
        self._index = index
        self._text = text

    def name(self, moments: Sequence[Moment], query_tokens: FloatArray) -> list[Moment]:
        """Return the moments, no reason of words among theirs left without something that matched.

        ``query_tokens`` (q, d) are those that the moments were found by.
        """
        unnamed = [reason for moment in moments for reason in moment.reasons if _is_unnamed(reason)]
        known = {item.id: item for moment in moments for item in moment.evidence}
        wanted = {reason.evidence_id for reason in unnamed if reason.evidence_id} - known.keys()
        known |= self._catalogue.get_evidence(sorted(wanted)) if wanted else {}
        held = [i for moment in moments if any(map(_is_unnamed, moment.reasons)) for i in moment.segment_ids]
        points = self._index.fetch(held) if held else {}
        return [self._name_moment(moment, points, known, query_tokens) for moment in moments]

    def _name_moment(
        self,
        moment: Moment,
        points: Mapping[str, SegmentPoint],
        known: Mapping[str, Evidence],
        query_tokens: FloatArray,
    ) -> Moment:
        own = [points[i] for i in moment.segment_ids if i in points]
        reasons = []
        for reason in moment.reasons:
            if _is_unnamed(reason):
                shown = [item for item in moment.evidence if item.modality is reason.modality]
                items = shown or [known[i] for i in (reason.evidence_id,) if i is not None and i in known]
                words = [pair for item in items for pair in self._rate_words(item, own, query_tokens)]
                matched = " ".join(best_answers(words)) or _first_clause(items, moment)
                reason = replace(reason, matched=matched)
            reasons.append(reason)
        return replace(moment, reasons=tuple(reasons))

    def _rate_words(
        self, item: Evidence, points: Iterable[SegmentPoint], query_tokens: FloatArray
    ) -> list[tuple[str, FloatArray]]:
        """Return the words of the evidence, each with the best cosine (q,) of each query token with one of its tokens.

        None of a reading whose rows are not those of its tokens: it was cut, or another model made them.
        """
        rated: list[tuple[str, FloatArray]] = []
        for rows, reading, language in zip(_rows_of(item, points), item.readings, (item.language, "en"), strict=False):
            places = self._text.locate_passage_tokens(reading)
            if len(places) == len(rows):
                cosines = self._text.token_scale.read(query_tokens @ rows.T)
                rated += rate_words(reading, places, cosines, language)
        return rated


def rate_words(
    reading: str, places: Sequence[tuple[int, int]], cosines: FloatArray, language: str | None
) -> list[tuple[str, FloatArray]]:
    """Return the words of a text that mean something, each with its best cosine (q,) with each query token.

    ``places`` are the characters of the tokens, ``cosines`` (q, n) theirs. Words of scripts without spaces are left
    out: nothing says where they end.

    >>> rated = rate_words("For $35.", [(0, 3), (4, 5), (5, 7), (7, 8)], np.array([[0.4, 0.5, 0.2, 0.3]]), "en")
    >>> [(word, cosines.tolist()) for word, cosines in rated]
    [('$35', [0.5])]
    """
    small = function_words(language)
    words = list(_WORD.finditer(reading))
    ends = [match.end() for match in words]
    rows_by_word: dict[int, list[int]] = {}
    for row, (start, end) in enumerate(places):
        number = bisect_right(ends, start)
        if number < len(words) and end > words[number].start() and not _is_letter_of(words[number], start, end):
            rows_by_word.setdefault(number, []).append(row)
    return [
        (words[number].group(), np.asarray(cosines[:, rows].max(axis=1), np.float32))
        for number, rows in rows_by_word.items()
        if not _is_small(words[number].group(), small)
    ]


def _is_letter_of(word: re.Match[str], start: int, end: int) -> bool:
    """Whether a token is a single letter of a longer word, which it means nothing of: the a of "Kraggana"."""
    return end - start == 1 and word.end() - word.start() > 1 and word.string[start].isalnum()


def _is_small(word: str, small: Set[str]) -> bool:
    """Whether a word stands in any sentence, such as "the", "doesn't" or "qu'on"."""
    plain = word.casefold().replace("’", "'").replace("n't", "")
    parts = plain.split("'")
    return plain in small or (len(parts) > 1 and all(part in small or len(part) < MIN_PART for part in parts))


def best_answers(rated: Sequence[tuple[str, FloatArray]]) -> list[str]:
    """Return the words that answer a token of the query best and surely, in their order; else the best of all.

    >>> rated = [("masses", np.array([0.54, 0.1])), ("people", np.array([0.59, 0.2])), ("rising", np.array([0.2, 0.4]))]
    >>> best_answers(rated), best_answers(rated[:1]), best_answers([("lamp", np.array([0.2, 0.1]))])
    (['people', 'rising'], ['masses'], ['lamp'])
    """
    if not rated:
        return []
    cosines = np.stack([best for _, best in rated])  # (words, q)
    fit_by_word: dict[int, float] = {}
    for number, fit in zip(cosines.argmax(axis=0).tolist(), cosines.max(axis=0).tolist(), strict=True):
        fit_by_word[number] = max(fit, fit_by_word.get(number, fit))
    best = sorted(fit_by_word, key=lambda number: -fit_by_word[number])
    sure = [number for number in best if fit_by_word[number] >= SURE_COSINE] or best[:1]
    return list(dict.fromkeys(rated[number][0] for number in sorted(sure[:MAX_WORDS])))


def _is_unnamed(reason: Reason) -> bool:
    return reason.evidence_id is not None and not reason.matched


def _rows_of(item: Evidence, points: Iterable[SegmentPoint]) -> list[FloatArray]:
    """Return the token rows of each reading of the evidence, from the first segment that holds it."""
    for point in points:
        tokens = point.vectors.text_tokens
        ranges = [held for held in point.vectors.token_ranges if held.evidence_id == item.id]
        if ranges and tokens is not None:
            return [tokens[held.start : held.end] for held in ranges]
    return []


def _first_clause(items: Sequence[Evidence], moment: Moment) -> str:
    """Return what is said in the moment, or written, shortened."""
    said = [
        word.text for item in items for word in item.words if moment.span.start_s <= word.start_s < moment.span.end_s
    ]
    text = " ".join(said) or " ".join(item.in_english or item.text for item in items)
    short = textwrap.shorten(text, MAX_CLAUSE_CHARS, placeholder=" …")
    return f"“{short if len(short) > 1 else text[:MAX_CLAUSE_CHARS] + '…'}”" if text.strip() else ""
