"""Rankings of the embedded shard: by one channel within a scope, or by one within what others prefetched.

It does not know who may ask, nor what is written; whoever writes calls ``forget``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import qdrant_edge as engine

from adapters import qdrant_edge_requests as requests
from adapters.qdrant_edge_terms import TermCounts
from core.signals import SparseVector
from core.stores import ChannelQuery, Scope

STAGE_LIMIT = 200
"""Ranks computed of each channel at once: as many as a rescoring prefetches (``ChannelQuery.prefetch_limit``)."""

N_STAGES_KEPT = 8
"""A search asks for the ranking of a channel and for its rescoring, which needs the same ranking again."""


class EdgeRanker:
    """Ranks one shard; keeps the last few rankings until told that the shard changed. Not for two threads at once.

    Hits come without payload: reading it takes three times as long as finding 200 of 5,000 points.
    """

    def __init__(self, shard: engine.EdgeShard, terms: TermCounts) -> None:
        self._shard = shard
        self._terms = terms
        self._stages: OrderedDict[object, tuple[int, list[engine.ScoredPoint]]] = OrderedDict()

    def rank(self, query: ChannelQuery, scope: Scope, limit: int) -> list[tuple[str, float]]:
        """Return ids and scores, best first; equal scores by id."""
        if query.prefetch:
            return [(str(hit.id), hit.score) for hit in self._rescore(query, scope, limit)]
        return [(str(hit.id), hit.score) for hit in self._rank_stage(query, scope, limit)[:limit]]

    def forget(self) -> None:
        """Compute every ranking anew from now on."""
        self._stages.clear()

    def _rescore(self, query: ChannelQuery, scope: Scope, limit: int) -> list[engine.ScoredPoint]:
        """Return the best of what the stages prefetched, scored by the query's own channel."""
        kept: set[Any] = set()
        for stage in query.prefetch:
            rank = self._rescore if stage.prefetch else self._rank_stage
            kept.update(hit.id for hit in rank(stage, scope, query.prefetch_limit)[: query.prefetch_limit])
        if not kept:
            return []
        request = requests.rank_request(query.channel, query.vector, requests.any_of(kept), limit=limit)
        return _in_order(self._shard.query(request))

    def _rank_stage(self, query: ChannelQuery, scope: Scope, limit: int) -> list[engine.ScoredPoint]:
        """Return at least ``limit`` ranks, if there are as many, from those kept or anew."""
        vector, limit = query.vector, max(limit, STAGE_LIMIT)
        key = (query.channel, vector if isinstance(vector, SparseVector) else vector.tobytes(), scope)
        n_ranks, hits = self._stages.pop(key, (0, []))
        if n_ranks < limit:
            weighed = self._terms.weigh(vector, scope.tenant) if isinstance(vector, SparseVector) else vector
            condition = requests.scope_filter(scope, is_only_tenant=self._terms.is_only_tenant(scope.tenant))
            hits = _in_order(self._shard.query(requests.rank_request(query.channel, weighed, condition, limit=limit)))
            n_ranks = limit
        self._stages[key] = (n_ranks, hits)
        while len(self._stages) > N_STAGES_KEPT:
            self._stages.popitem(last=False)
        return hits


def _in_order(hits: Sequence[engine.ScoredPoint]) -> list[engine.ScoredPoint]:
    """Return hits best first; equal scores by id, so that a rebuilt index answers in the same order."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.id))
