"""Rankings of the embedded shard: by one channel within a scope, or by one within what others prefetched.

It does not know who may ask, nor what is written; whoever writes calls ``forget``.
"""

from __future__ import annotations

from collections import OrderedDict

import qdrant_edge as engine

from adapters import qdrant_edge_requests as requests
from adapters import qdrant_points as mapping
from adapters.qdrant_edge_terms import TermCounts
from core.signals import FloatArray, SparseVector
from core.stores import ChannelQuery, Scope

STAGE_LIMIT = 200
"""Ranks computed of each channel at once: as many as a rescoring prefetches (``ChannelQuery.prefetch_limit``)."""

N_STAGES_KEPT = 8
"""A search asks for the ranking of a channel and for its rescoring, which needs the same ranking again."""


Ranking = list[tuple[int, float]]
"""Numbers of points with their scores, best first."""


class EdgeRanker:
    """Ranks one shard; keeps the last few rankings until told that the shard changed. Not for two threads at once.

    Hits come without payload, and under numbers: as UUIDs with the video's id, they took longer than finding them.
    """

    def __init__(self, shard: engine.EdgeShard, terms: TermCounts) -> None:
        self._shard = shard
        self._terms = terms
        self._stages: OrderedDict[object, tuple[int, Ranking]] = OrderedDict()

    def rank(self, query: ChannelQuery, scope: Scope, limit: int) -> Ranking:
        """Return the best points by the query's channel, of the scope or of what its stages prefetch."""
        if not query.prefetch:
            return self._rank_stage(query, scope, limit)[:limit]
        kept = {number for stage in query.prefetch for number, _ in self._prefetch(stage, scope, query.prefetch_limit)}
        if not kept:
            return []
        weighed = self._weigh(query, scope)
        return self._ask(requests.rank_request(query.channel, weighed, requests.any_of(kept), limit=limit))

    def _prefetch(self, stage: ChannelQuery, scope: Scope, limit: int) -> Ranking:
        if stage.prefetch or stage.channel not in mapping.ROUGH_CHANNELS:
            return self.rank(stage, scope, limit)
        return self._rank_stage(stage, scope, limit, is_rough=True)[:limit]

    def forget(self) -> None:
        """Compute every ranking anew from now on."""
        self._stages.clear()

    def _rank_stage(self, query: ChannelQuery, scope: Scope, limit: int, *, is_rough: bool = False) -> Ranking:
        """Return at least ``limit`` ranks, if there are as many, from those kept or anew."""
        vector, limit = query.vector, max(limit, STAGE_LIMIT)
        key = (query.channel, vector if isinstance(vector, SparseVector) else vector.tobytes(), scope, is_rough)
        n_ranks, ranking = self._stages.pop(key, (0, []))
        if n_ranks < limit:
            condition = requests.scope_filter(scope, is_only_tenant=self._terms.is_only_tenant(scope.tenant))
            n_ranks, weighed = limit, self._weigh(query, scope)
            request = requests.rank_request(
                query.channel, weighed, condition, limit=limit, is_narrow=mapping.is_narrow(scope), is_rough=is_rough
            )
            ranking = self._ask(request)
        self._stages[key] = (n_ranks, ranking)
        while len(self._stages) > N_STAGES_KEPT:
            self._stages.popitem(last=False)
        return ranking

    def _weigh(self, query: ChannelQuery, scope: Scope) -> FloatArray | SparseVector:
        vector = query.vector
        return self._terms.weigh(vector, scope.tenant) if isinstance(vector, SparseVector) else vector

    def _ask(self, request: engine.QueryRequest) -> Ranking:
        return [(int(hit.id), hit.score) for hit in self._shard.query(request)]
