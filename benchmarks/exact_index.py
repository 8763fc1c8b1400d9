"""Exact rankings of the synthetic library: what an index that approximates is measured against.

All vectors are whole (no pooling, no codes), every score is computed. It does not know any index.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.synthetic_library import SyntheticLibrary, SyntheticQuery
from core.signals import SparseVector
from core.stores import Channel, ChannelQuery, Scope, ScoredSegment, SegmentPoint

N_KEPT = 200
"""Ranks kept of each cheap channel: as many as a rescoring prefetches."""


@dataclass(slots=True)
class _Best:
    """The best ``N_KEPT`` (score, number) of each query so far; scores (q, k), numbers (q, k)."""

    scores: NDArray[np.float32]
    numbers: NDArray[np.int64]

    def add(self, scores: NDArray[np.float32], numbers: NDArray[np.int64]) -> None:
        """Merge scores (q, n) of the segments ``numbers`` (n,)."""
        scores = np.concatenate([self.scores, scores], axis=1)
        numbers = np.concatenate([self.numbers, np.broadcast_to(numbers, (len(scores), len(numbers)))], axis=1)
        best = np.argpartition(-scores, min(N_KEPT, scores.shape[1] - 1), axis=1)[:, :N_KEPT]
        self.scores, self.numbers = np.take_along_axis(scores, best, 1), np.take_along_axis(numbers, best, 1)


class ExactIndex:
    """The part of a ``SegmentIndex`` that a search uses, for the queries and the scopes named at the start.

    Segments are shown to it once, in ``add``; what a query needs of them is kept, the rest is made again when needed.
    How rare a term is counts over all that the scope's tenant has, as in the embedded index.
    """

    def __init__(self, library: SyntheticLibrary, queries: Sequence[SyntheticQuery], scopes: Iterable[Scope]) -> None:
        self._library = library
        self._row_by_query = {query.vectors.text.tobytes(): row for row, query in enumerate(queries)}
        self._row_by_query |= {query.vectors.visual_mean.tobytes(): row for row, query in enumerate(queries)}
        self._asked = {
            Channel.TEXT: np.stack([query.vectors.text for query in queries]),
            Channel.FRAME_MEAN: np.stack([query.vectors.visual_mean for query in queries]),
        }
        shape = (len(queries), 0)
        self._best = {
            scope: {channel: _Best(np.zeros(shape, np.float32), np.zeros(shape, np.int64)) for channel in self._asked}
            for scope in scopes
        }
        self._is_inside = {scope: np.zeros(library.n_segments, dtype=bool) for scope in self._best}
        self._asked_terms = np.array(sorted({term for query in queries for term in query.vectors.lexical.indices}))
        self._postings: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []
        self._has_terms = {scope.tenant: np.zeros(library.n_segments, dtype=bool) for scope in self._best}
        self._number_by_id: dict[str, int] = {}

    def add(self, numbers: NDArray[np.int64], points: Sequence[SegmentPoint]) -> None:
        """Score the points for every query, in each scope that they are in."""
        held = {
            Channel.TEXT: np.stack([point.vectors.text for point in points if point.vectors.text is not None]),
            Channel.FRAME_MEAN: np.stack(
                [point.vectors.frame_mean for point in points if point.vectors.frame_mean is not None]
            ),
        }
        scores = {channel: self._asked[channel] @ rows.T for channel, rows in held.items()}
        for scope, best_by_channel in self._best.items():
            own = np.array([scope.holds(point) for point in points])
            self._is_inside[scope][numbers[own]] = True
            for channel, best in best_by_channel.items() if own.any() else ():
                best.add(scores[channel][:, own], numbers[own])
        self._note_terms(numbers, points)

    def rank(self, query: ChannelQuery, scope: Scope, *, limit: int) -> list[ScoredSegment]:
        """Return the exact ranking in one of the scopes."""
        if isinstance(query.vector, SparseVector):
            found = self._rank_by_terms(query.vector, scope, self._prefetched(query, scope))
        elif not query.prefetch:
            row, best = self._row_by_query[query.vector.tobytes()], self._best[scope][query.channel]
            found = [(float(s), int(n)) for s, n in zip(best.scores[row], best.numbers[row], strict=True)]
        else:
            numbers = self._prefetched(query, scope)
            found = [(self._max_sim(query, point), int(n)) for n, point in self._made(numbers)]
        return [self._scored(score, number) for score, number in sorted(found, reverse=True)[:limit]]

    def fetch(self, segment_ids: Sequence[str]) -> dict[str, SegmentPoint]:
        numbers = np.array([self._number_by_id[segment_id] for segment_id in segment_ids], dtype=np.int64)
        return {point.segment.id: point for _, point in self._made(numbers)}

    def _prefetched(self, query: ChannelQuery, scope: Scope) -> NDArray[np.int64]:
        """Return the numbers of what the query's stages find; none without stages."""
        hits = [hit for stage in query.prefetch for hit in self.rank(stage, scope, limit=query.prefetch_limit)]
        return np.array(sorted({self._number_by_id[hit.segment_id] for hit in hits}), dtype=np.int64)

    def _made(self, numbers: NDArray[np.int64]) -> Iterable[tuple[int, SegmentPoint]]:
        return zip(numbers.tolist(), self._library.points(numbers), strict=True) if len(numbers) else ()

    def _max_sim(self, query: ChannelQuery, point: SegmentPoint) -> float:
        rows = getattr(point.vectors, query.channel.value)
        return float((query.vector @ rows.T).max(axis=1).sum())

    def _scored(self, score: float, number: int) -> ScoredSegment:
        segment_id = self._library.segment_id(number)
        self._number_by_id[segment_id] = number
        return ScoredSegment(segment_id, "", score)

    def _note_terms(self, numbers: NDArray[np.int64], points: Sequence[SegmentPoint]) -> None:
        """Keep who holds a term that some query asks for: (number, term, weight), flat."""
        lexical = [point.vectors.lexical or SparseVector((), ()) for point in points]
        counts = np.array([len(vector.indices) for vector in lexical])
        for tenant, has_terms in self._has_terms.items():
            has_terms[numbers] = (counts > 0) & [point.tenant == tenant for point in points]
        terms = np.fromiter(itertools.chain.from_iterable(vector.indices for vector in lexical), np.int64)
        weights = np.fromiter(itertools.chain.from_iterable(vector.values for vector in lexical), np.float32)
        is_asked = np.isin(terms, self._asked_terms)
        self._postings.append((np.repeat(numbers, counts)[is_asked], terms[is_asked], weights[is_asked]))

    def _rank_by_terms(
        self, query: SparseVector, scope: Scope, prefetched: NDArray[np.int64]
    ) -> list[tuple[float, int]]:
        if len(self._postings) > 1:
            numbers, terms, weights = map(np.concatenate, zip(*self._postings, strict=True))
            self._postings = [(numbers, terms, weights)]
        numbers, terms, weights = self._postings[0]
        has_terms = self._has_terms[scope.tenant]
        n_segments, is_own = int(has_terms.sum()), has_terms[numbers]
        scores = np.zeros(self._library.n_segments)
        for term, weight in zip(query.indices, query.values, strict=True):
            holds = is_own & (terms == term)
            n_holding = int(holds.sum())
            idf = math.log1p((n_segments - n_holding + 0.5) / (n_holding + 0.5))
            scores[numbers[holds]] += weight * idf * weights[holds]
        scores[~self._is_inside[scope]] = 0
        best = prefetched if len(prefetched) else np.argsort(-scores)[:N_KEPT]
        return [(float(scores[number]), int(number)) for number in best if scores[number] > 0]
