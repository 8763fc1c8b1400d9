"""What we ask of the embedded engine, in its own classes: configuration, points, queries, filters.

It does not know the shard that is asked.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import qdrant_edge as engine

from adapters import qdrant_points as mapping
from core.signals import FloatArray, SparseVector
from core.stores import Channel, ChannelQuery, Scope, SegmentPoint


def config(layout: mapping.PointLayout) -> engine.EdgeConfig:
    """Return the named vectors of a shard."""
    no_graph = engine.HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=10_000)
    max_sim = engine.MultiVectorConfig(engine.MultiVectorComparator.MaxSim)

    def vector(channel: Channel, dimension: int) -> engine.EdgeVectorParams:
        if channel not in mapping.MULTIVECTORS:
            return engine.EdgeVectorParams(dimension, engine.Distance.Cosine)
        half = engine.VectorStorageDatatype.Float16
        return engine.EdgeVectorParams(
            dimension, engine.Distance.Cosine, multivector_config=max_sim, hnsw_config=no_graph, datatype=half
        )

    return engine.EdgeConfig(
        vectors={channel.value: vector(channel, size) for channel, size in layout.dimensions().items()},
        sparse_vectors={Channel.LEXICAL.value: engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf)},
    )


def index_operations() -> list[engine.UpdateOperation]:
    """Return what makes the payload indexes."""
    schemas = (
        (engine.PayloadSchemaType.Keyword, mapping.KEYWORD_FIELDS),
        (engine.PayloadSchemaType.Integer, mapping.INTEGER_FIELDS),
        (engine.PayloadSchemaType.Float, mapping.FLOAT_FIELDS),
    )
    return [engine.UpdateOperation.create_field_index(field, kind) for kind, fields in schemas for field in fields]


def engine_point(point: SegmentPoint) -> engine.Point:
    """Return the point with the channels it has."""
    named: dict[str, Any] = {channel.value: array for channel, array in mapping.to_arrays(point.vectors).items()}
    if point.vectors.lexical is not None and point.vectors.lexical.indices:
        named[Channel.LEXICAL.value] = _engine_vector(point.vectors.lexical)
    return engine.Point(point.segment.id, named, mapping.to_payload(point))


def query_request(query: ChannelQuery, scope: Scope, *, limit: int) -> engine.QueryRequest:
    """Return a pruned query with its prefetches; hits carry their ``video_id`` alone."""
    condition = _scope_filter(scope)
    return engine.QueryRequest(
        limit=limit,
        query=_nearest(query),
        prefetches=_prefetches(query, condition, scope.tenant),
        filter=condition,
        params=_search_params(query.channel, scope.tenant),
        with_payload=["video_id"],
    )


def all_equal(**fields: str | int) -> engine.Filter:
    """Return the filter for points whose payload has these values."""
    return engine.Filter(must=[_equals(field, value) for field, value in fields.items()])


def _engine_vector(vector: FloatArray | SparseVector) -> Any:
    if isinstance(vector, SparseVector):
        return engine.SparseVector(list(vector.indices), list(vector.values))
    return np.ascontiguousarray(vector, dtype=np.float32)


def _nearest(query: ChannelQuery) -> engine.Query:
    return engine.Query.Nearest(_engine_vector(query.vector), query.channel.value)


def _prefetches(query: ChannelQuery, condition: engine.Filter, tenant: str) -> list[engine.Prefetch]:
    return [
        engine.Prefetch(
            query.prefetch_limit,
            query=_nearest(stage),
            prefetches=_prefetches(stage, condition, tenant),
            filter=condition,
            params=_search_params(stage.channel, tenant),
        )
        for stage in query.prefetch
    ]


def _search_params(channel: Channel, tenant: str) -> engine.SearchParams | None:
    """Return how to count document frequencies; see ``qdrant_points.LEXICAL_CORPUS``."""
    if channel is not Channel.LEXICAL:
        return None
    return engine.SearchParams(idf=engine.IdfParams(corpus=all_equal(**{mapping.LEXICAL_CORPUS: tenant})))


def _equals(field: str, value: str | int) -> engine.FieldCondition:
    return engine.FieldCondition(field, match=engine.MatchValue(value))


def _scope_filter(scope: Scope) -> engine.Filter:
    must: list[Any] = [_equals("tenant", scope.tenant)]
    if scope.video_ids:
        must.append(engine.FieldCondition("video_id", match=engine.MatchAny(list(scope.video_ids))))
    if scope.time is not None:
        must.append(engine.FieldCondition("start_s", range=engine.RangeFloat(lt=scope.time.end_s)))
        must.append(engine.FieldCondition("end_s", range=engine.RangeFloat(gt=scope.time.start_s)))
    return engine.Filter(must=must)
