"""Clauses: the stretches between pauses and commas in which speech can be cut, and how well each fits a query.

It does not know which of them make a moment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.records import Evidence, Span
from core.signals import FloatArray
from rag.late_interaction import best_fits

MIN_CLAUSE_S = 2.0
"""A shorter stretch says too little to stand alone; neither side of a cut is shorter."""
MIN_PAUSE_S = 0.3
"""A silence this long ends a clause whatever the punctuation says."""

LONG_S = 8.5
"""Only longer sentences are cut: shorter ones are what people look for as a whole."""

_ENDS_CLAUSE = re.compile(r"[,;:、，；：–—.!?…。！？][\"'”’»)\]]*$")
_ASKS = re.compile(r"[?？][\"'”’»)\]]*$")


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of one piece of evidence; ``fits`` (q,) holds the best cosine of each query token with its words."""

    evidence_id: str
    span: Span
    fits: FloatArray
    is_question: bool


def match_clauses(item: Evidence, readings: Sequence[FloatArray]) -> list[Clause]:
    """Return the clauses of a piece of evidence, in time order.

    ``readings`` are the cosines (q, n) of the query's tokens with the rows of each of its readings: the text, then its
    translation. A row's place in time is taken from its place in the reading; words of a language take alike long.
    """
    cut = cut_clauses(item)
    asks = bool(_ASKS.search(item.text.rstrip()))
    return [
        Clause(item.id, span, _best_within(readings, first, last), asks and number == len(cut))
        for number, (span, first, last) in enumerate(cut, start=1)
    ]


def cut_clauses(item: Evidence) -> list[tuple[Span, float, float]]:
    """Return the clauses' spans, each with the share of the text at which it begins and ends.

    >>> from core.records import Modality, Word
    >>> words = (Word("First", 0, 2), Word("wait,", 2, 3), Word("then", 3.5, 8), Word("go.", 8, 9))
    >>> said = Evidence("e", "v", 0, Span(0, 9), Modality.SPEECH, "First wait, then go.", 1.0, "test", words=words)
    >>> [(span.start_s, span.end_s) for span, _, _ in cut_clauses(said)]
    [(0, 3), (3.5, 9)]
    """
    words = item.words
    if not words or item.span.duration_s <= LONG_S:
        return [(item.span, 0.0, 1.0)]
    ends = np.cumsum([len(word.text) + 1 for word in words])
    shares = [0.0, *(ends / ends[-1]).tolist()]
    clauses, first = [], 0
    for last in range(len(words)):
        is_end = last + 1 == len(words)
        if is_end or _may_cut(item, first, last):
            span = Span(words[first].start_s, max(words[last].end_s, words[first].start_s + 1e-3))
            clauses.append((span, shares[first], shares[last + 1]))
            first = last + 1
    return clauses


def _may_cut(item: Evidence, first: int, last: int) -> bool:
    """Whether a clause from word ``first`` may end with word ``last``, which is not the final one."""
    words = item.words
    if words[last].end_s - words[first].start_s < MIN_CLAUSE_S:
        return False
    if words[-1].end_s - words[last + 1].start_s < MIN_CLAUSE_S:
        return False
    pause_s = words[last + 1].start_s - words[last].end_s
    return pause_s >= MIN_PAUSE_S or bool(_ENDS_CLAUSE.search(words[last].text.strip()))


def _best_within(readings: Sequence[FloatArray], first: float, last: float) -> FloatArray:
    """Return the best cosine of each query token with the rows between two shares of each reading."""
    within = []
    for cosines in readings:
        n_rows = cosines.shape[1]
        start = min(round(first * n_rows), n_rows - 1)
        within.append(cosines[:, start : max(round(last * n_rows), start + 1)])
    return best_fits(within)
