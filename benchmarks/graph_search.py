"""What every way of ``benchmarks.graph_ways`` ranks, searched for once; and what answers by one of them.

It does not know what is asked, nor how the graph is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.graph_ways import Found, Way
from core.plans import QueryPlan
from core.protocols import MomentFinder, Question, SearchRequest, TextEncoder
from core.records import Moment
from core.signals import FloatArray
from core.stores import EvidenceCatalogue
from rag.plan import plan_query
from rag.question_search import MOMENTS_BY_EFFORT, QuestionSearch
from rag.retold import SEEN, SPOKEN, WRITTEN
from rag.steps import Steps


class WaySearch(QuestionSearch):
    """Finds the moments of a question by a way."""

    def __init__(
        self, catalogue: EvidenceCatalogue, finder: MomentFinder, find: Callable[[Question], Found], way: Way
    ) -> None:
        super().__init__(catalogue, finder)
        self._find_all = find
        self._way = way

    def find(self, question: Question) -> tuple[Moment, ...]:
        return tuple(rank_by(self._way, question, self._find_all(question))[: MOMENTS_BY_EFFORT[question.effort]])


class OneSense:
    """A finder of what is of these modalities alone."""

    def __init__(self, finder: MomentFinder, modalities: tuple[str, ...]) -> None:
        self._finder = finder
        self._modalities = modalities

    def plan(self, request: SearchRequest) -> QueryPlan:
        return self._finder.plan(request)

    def find(self, request: SearchRequest) -> tuple[Moment, ...]:
        return self._finder.find(replace(request, modalities=self._modalities))


class RememberingPassages:
    """Stands before a text encoder and encodes each passage once, so that no way pays for what another has quoted."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._vectors: dict[str, FloatArray] = {}
        self._tokens: dict[str, FloatArray] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        self._vectors.update(zip(missing, self._encoder.embed_passages(missing) if missing else (), strict=True))
        return np.stack([self._vectors[text] for text in texts])

    def embed_passage_tokens(self, texts: Sequence[str]) -> list[FloatArray]:
        missing = [text for text in dict.fromkeys(texts) if text not in self._tokens]
        self._tokens.update(zip(missing, self._encoder.embed_passage_tokens(missing) if missing else (), strict=True))
        return [self._tokens[text] for text in texts]


def rank_by(way: Way, question: Question, found: Found) -> Sequence[Moment]:
    """Return the moments by a way, or as they are found where the question names a time or an order."""
    plan = plan_query(question.text)
    return found.whole if plan.time or plan.succession else way.rank(question, found)


def search_questions(catalogue: EvidenceCatalogue, finder: MomentFinder) -> Callable[[Question], Found]:
    """Return what finds all that the ways rank, once a question."""
    searches = (
        QuestionSearch(catalogue, finder),
        QuestionSearch(catalogue, OneSense(finder, (*SPOKEN, *WRITTEN))),
        QuestionSearch(catalogue, OneSense(finder, SEEN)),
        QuestionSearch(catalogue, finder, Steps(hops=False)),
    )
    return lru_cache(maxsize=None)(lambda question: Found(*(search.find(question) for search in searches)))


def search_moments(finder: MomentFinder, limit: int) -> Callable[[str], Found]:
    """Return the same for moment queries, which follow nothing."""

    def find(query: str) -> Found:
        request = SearchRequest(query, limit=limit)
        whole = finder.find(request)
        words, pictures = OneSense(finder, (*SPOKEN, *WRITTEN)), OneSense(finder, SEEN)
        return Found(whole, words.find(request), pictures.find(request), whole)

    return lru_cache(maxsize=None)(find)
