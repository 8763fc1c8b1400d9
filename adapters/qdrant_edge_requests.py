"""What we ask of the embedded engine, in its own classes: configuration, points, queries, filters.

It does not know the shard that is asked.
"""

from __future__ import annotations

import os
from typing import Any

import qdrant_edge as engine

from adapters import qdrant_points as mapping
from core.signals import FloatArray, SparseVector
from core.stores import Channel, Scope, SegmentPoint

SETTLED_KB = 100_000
"""Vectors of one channel that may stand unsettled: about 25,000 segments, scanned exactly in 1 ms; a tenth of it could
not be told from none in a search."""

MAX_SETTLED = 8
"""Settled pieces of the shard kept side by side, each written once; they are scanned by all cores at once."""

SEARCHERS_PER_CORE = 2
"""Threads that search the pieces: while one waits for a page of the disk, another computes. In a million segments that
do not fit into memory p95 falls by a seventh against one a core; of two cores, the engine by itself takes one."""


def config(layout: mapping.PointLayout) -> engine.EdgeConfig:
    """Return the named vectors of a shard. Of settled points, texts alone have a graph: ``docs/decisions/0006``."""
    graph = engine.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=10_000)
    no_graph = engine.HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=10_000)
    max_sim = engine.MultiVectorConfig(engine.MultiVectorComparator.MaxSim)
    codes = engine.TurboQuantQuantizationConfig(bits=engine.TurboQuantBitSize.Bits4, memory=engine.Memory.Pinned)

    def vector(channel: Channel, dimension: int) -> engine.EdgeVectorParams:
        if channel not in mapping.MULTIVECTORS:
            return engine.EdgeVectorParams(
                dimension,
                engine.Distance.Cosine,
                quantization_config=codes,
                hnsw_config=graph if channel in mapping.GRAPH_CHANNELS else None,
                memory=engine.Memory.Cold,
            )
        byte = engine.VectorStorageDatatype.Turbo8
        return engine.EdgeVectorParams(
            dimension, engine.Distance.Cosine, multivector_config=max_sim, datatype=byte, memory=engine.Memory.Cold
        )

    return engine.EdgeConfig(
        vectors={channel.value: vector(channel, size) for channel, size in layout.dimensions().items()},
        sparse_vectors={Channel.LEXICAL.value: engine.EdgeSparseVectorParams()},
        hnsw_config=no_graph,
        optimizers=engine.EdgeOptimizersConfig(indexing_threshold=SETTLED_KB, default_segment_number=MAX_SETTLED),
        max_search_threads=SEARCHERS_PER_CORE * (os.cpu_count() or 1),
    )


def index_operations() -> list[engine.UpdateOperation]:
    """Return what makes the payload indexes."""
    schemas = (
        (engine.PayloadSchemaType.Keyword, mapping.KEYWORD_FIELDS),
        (engine.PayloadSchemaType.Integer, mapping.INTEGER_FIELDS),
        (engine.PayloadSchemaType.Float, mapping.FLOAT_FIELDS),
    )
    return [engine.UpdateOperation.create_field_index(field, kind) for kind, fields in schemas for field in fields]


def engine_point(number: int, point: SegmentPoint) -> engine.Point:
    """Return the point under its number, with the channels it has.

    Numbers travel as lists: the engine reads an array five times as slowly, number by number.
    """
    named: dict[str, Any] = {
        channel.value: array.tolist() for channel, array in mapping.to_arrays(point.vectors).items()
    }
    if point.vectors.lexical is not None and point.vectors.lexical.indices:
        named[Channel.LEXICAL.value] = _engine_vector(point.vectors.lexical)
    return engine.Point(number, named, mapping.to_payload(point))


def rank_request(
    channel: Channel,
    vector: FloatArray | SparseVector,
    condition: engine.Filter | None,
    *,
    limit: int,
    is_narrow: bool = False,
    is_rough: bool = False,
) -> engine.QueryRequest:
    """Return the request for the best points by one channel; hits carry no payload.

    ``is_narrow``: of a scope with few points. ``is_rough``: by their codes alone, not scored again whole. Whole vectors
    lie scattered on disk, so that each row is a page: those of frame means made a third of the memory and a sixth of
    the time of a search in a million.
    """
    return engine.QueryRequest(
        limit=limit,
        query=engine.Query.Nearest(_engine_vector(vector), channel.value),
        filter=condition,
        params=engine.SearchParams(
            hnsw_ef=mapping.GRAPH_CANDIDATES,
            quantization=engine.QuantizationSearchParams(
                rescore=not is_rough, oversampling=mapping.OVERSAMPLING if is_narrow else 1.0
            ),
        ),
        with_payload=False,
    )


def all_equal(**fields: str | int) -> engine.Filter:
    """Return the filter for points whose payload has these values."""
    return engine.Filter(must=[_equals(field, value) for field, value in fields.items()])


def any_of(numbers: set[int]) -> engine.Filter:
    """Return the filter for the points with these numbers."""
    ids: Any = numbers
    return engine.Filter(must=[engine.HasIdCondition(ids)])


def scope_filter(scope: Scope, *, is_only_tenant: bool) -> engine.Filter | None:
    """Return the filter for the scope, or None where everything is in it.

    A filter costs 28 ns for each point that passes, as much as scoring it, so one that all points pass is left out.
    """
    must: list[Any] = [] if is_only_tenant else [_equals("tenant", scope.tenant)]
    if scope.video_ids:
        must.append(engine.FieldCondition("video_id", match=engine.MatchAny(list(scope.video_ids))))
    if scope.time is not None:
        must.append(engine.FieldCondition("start_s", range=engine.RangeFloat(lt=scope.time.end_s)))
        must.append(engine.FieldCondition("end_s", range=engine.RangeFloat(gt=scope.time.start_s)))
    return engine.Filter(must=must) if must else None


def _engine_vector(vector: FloatArray | SparseVector) -> Any:
    if isinstance(vector, SparseVector):
        return engine.SparseVector(list(vector.indices), list(vector.values))
    return vector.tolist()


def _equals(field: str, value: str | int) -> engine.FieldCondition:
    return engine.FieldCondition(field, match=engine.MatchValue(value))
