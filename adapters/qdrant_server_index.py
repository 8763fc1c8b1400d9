"""The shared vector index: a Qdrant server or cluster through qdrant-client, one collection per embedding profile.

It does not know how many workers publish into it; every write is waited for and idempotent.

Needs Qdrant 1.19 or later, the first that counts document frequencies per tenant (qdrant/qdrant#9661).
"""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adapters import qdrant_points as mapping
from adapters.packed_points import pack_point, unpack_points
from core.errors import BadInput, TryAgain
from core.signals import FloatArray, SparseVector
from core.stores import Channel, ChannelQuery, Scope, ScoredSegment, SegmentPoint

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

log = logging.getLogger(__name__)

PACKED = "packed"
"""The payload field with the packed point; the server writes vectors as text, ten bytes a number."""

LEXICAL_CORPUS = "tenant"
"""Document frequencies are counted over the live points of the asking tenant. Qdrant's own counts are collection-wide
and keep deleted points until a vacuum, so scores would drift with deletions and tell a tenant about others' words."""

REQUEST_TIMEOUT_S = 20
"""A search takes milliseconds; a server that needs longer than this is down or swamped."""


def connect_qdrant(url: str, api_key: str | None = None) -> QdrantClient:
    """Return a client of the server; nothing is sent yet, so the server may still be starting."""
    from qdrant_client import QdrantClient

    return QdrantClient(url=url, api_key=api_key, timeout=REQUEST_TIMEOUT_S, check_compatibility=False)


class ServerSegmentIndex:
    """A ``SegmentIndex`` on a Qdrant server; the collection is made, or checked, on first use.

    The name ends in the format, so a new version starts with an empty one that the service fills from the artifacts.
    ``connect`` is called once, then too. ``recreate`` drops the collection first: the way out of a change of models.
    Every method raises, beside what the protocol says:

    Raises:
        TryAgain: the server is unreachable or overloaded.
        BadInput: it refuses the key.
        Conflict: the collection was written with other dimensions.
    """

    def __init__(
        self,
        connect: Callable[[], QdrantClient],
        *,
        collection: str,
        text_dim: int,
        token_dim: int,
        frame_dim: int,
        recreate: bool = False,
    ) -> None:
        self._connect = connect
        self._collection = f"{collection}-v{mapping.FORMAT}"
        self._layout = mapping.PointLayout(text_dim, token_dim, frame_dim)
        self._recreate = recreate
        self._lock = threading.Lock()
        self._client: QdrantClient | None = None

    def upsert(self, points: Sequence[SegmentPoint]) -> None:
        size = mapping.UPSERT_BATCH
        with self._ready_client() as client:
            for start in range(0, len(points), size):
                batch = [_point_struct(point) for point in points[start : start + size]]
                client.upsert(self._collection, batch, wait=True)

    def rank(self, query: ChannelQuery, scope: Scope, *, limit: int) -> list[ScoredSegment]:
        pruned = mapping.prune_query(query)
        if pruned is None or limit <= 0:
            return []
        with self._ready_client() as client:
            condition = _scope_filter(scope)
            response = client.query_points(
                self._collection,
                query=_query_vector(pruned.vector),
                using=pruned.channel.value,
                prefetch=_prefetches(pruned, condition, scope) or None,
                query_filter=condition,
                search_params=_search_params(pruned.channel, scope),
                limit=limit,
                with_payload=["video_id"],
            )
        found = [ScoredSegment(str(hit.id), (hit.payload or {})["video_id"], hit.score) for hit in response.points]
        return mapping.order_hits(found)

    def fetch(self, segment_ids: Sequence[str]) -> dict[str, SegmentPoint]:
        if not segment_ids:
            return {}
        with self._ready_client() as client:
            records = client.retrieve(self._collection, list(segment_ids), with_payload=[PACKED])
        points = unpack_points([base64.b64decode((record.payload or {})[PACKED]) for record in records])
        return {str(record.id): point for record, point in zip(records, points, strict=True)}

    def delete_part(self, video_id: str, part: int) -> None:
        self._delete(video_id=video_id, part=part)

    def delete_video(self, video_id: str) -> None:
        self._delete(video_id=video_id)

    def count(self, video_id: str | None = None) -> int:
        with self._ready_client() as client:
            condition = None if video_id is None else _all_equal(video_id=video_id)
            return client.count(self._collection, count_filter=condition, exact=True).count

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _delete(self, **fields: str | int) -> None:
        from qdrant_client import models

        with self._ready_client() as client:
            selector = models.FilterSelector(filter=_all_equal(**fields))
            client.delete(self._collection, points_selector=selector, wait=True)

    @contextmanager
    def _ready_client(self) -> Iterator[QdrantClient]:
        """Yield the connected client, its collection checked; what the server answers becomes one of our errors."""
        with _translated_errors():
            with self._lock:
                if self._client is None:
                    client = self._connect()
                    self._prepare(client)
                    self._client = client
            yield self._client

    def _prepare(self, client: QdrantClient) -> None:
        """Make what is missing of collection and payload indexes; any number of processes may do so at once."""
        if self._recreate:
            client.delete_collection(self._collection)
            self._recreate = False
        if not client.collection_exists(self._collection):
            self._create_collection(client)
        info = client.get_collection(self._collection)
        vectors = info.config.params.vectors
        found = {name: params.size for name, params in vectors.items()} if isinstance(vectors, dict) else vectors
        if found != {channel.value: size for channel, size in self._layout.dimensions().items()}:
            raise mapping.refuse_layout(found, self._layout)
        if isinstance(vectors, dict) and (graphs := _needless_graphs(vectors)):
            log.warning(
                "the collection %s was made with a graph of %s, which misses some of the best; "
                "run `kinograph rebuild` to make it without",
                self._collection,
                ", ".join(graphs),
            )
        for field, schema in _payload_schemas().items():
            if field not in info.payload_schema:
                client.create_payload_index(self._collection, field, field_schema=schema, wait=True)

    def _create_collection(self, client: QdrantClient) -> None:
        from qdrant_client import models
        from qdrant_client.http.exceptions import UnexpectedResponse

        # A filter on a field without an index scans every payload: a refusal is better than a slow cluster.
        strict = models.StrictModeConfig(
            enabled=True, unindexed_filtering_retrieve=False, unindexed_filtering_update=False
        )
        try:
            client.create_collection(
                self._collection,
                vectors_config=_vector_params(self._layout),
                sparse_vectors_config={Channel.LEXICAL.value: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                strict_mode_config=strict,
            )
        except UnexpectedResponse as error:
            if error.status_code != 409:  # another process was faster
                raise


@contextmanager
def _translated_errors() -> Iterator[None]:
    from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

    try:
        yield
    except ResponseHandlingException as error:
        remedy = "Check that Qdrant runs and that KINOGRAPH_QDRANT_URL points to it."
        raise TryAgain(f"the Qdrant server does not answer ({error.source})", remedy=remedy) from error
    except UnexpectedResponse as error:
        if error.status_code in (401, 403):
            raise BadInput("the Qdrant server refuses the key", remedy="Set KINOGRAPH_QDRANT_API_KEY.") from error
        if error.status_code == 429 or (error.status_code or 500) >= 500:
            reason = f"the Qdrant server answered {error.status_code} {error.reason_phrase}"
            raise TryAgain(reason, remedy="Look at its log; the request is tried again.") from error
        raise


def _vector_params(layout: mapping.PointLayout) -> dict[str, models.VectorParams]:
    from qdrant_client import models

    no_graph = models.HnswConfigDiff(m=0)

    def params(channel: Channel, dimension: int) -> models.VectorParams:
        if channel not in mapping.MULTIVECTORS:
            int8 = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
            return models.VectorParams(
                size=dimension,
                distance=models.Distance.COSINE,
                on_disk=True,
                hnsw_config=None if channel in mapping.GRAPH_CHANNELS else no_graph,
                quantization_config=models.ScalarQuantization(scalar=int8),
            )
        return models.VectorParams(
            size=dimension,
            distance=models.Distance.COSINE,
            multivector_config=models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM),
            hnsw_config=no_graph,
            datatype=models.Datatype.FLOAT16,
            on_disk=True,
        )

    return {channel.value: params(channel, dimension) for channel, dimension in layout.dimensions().items()}


def _needless_graphs(vectors: Mapping[str, models.VectorParams]) -> list[str]:
    """Return the channels that have a graph and should not: a collection keeps what it was made with."""
    return [
        name
        for name, params in vectors.items()
        if name not in mapping.GRAPH_CHANNELS and (params.hnsw_config is None or params.hnsw_config.m != 0)
    ]


def _payload_schemas() -> dict[str, Any]:
    from qdrant_client import models

    schemas: dict[str, Any] = dict.fromkeys(mapping.KEYWORD_FIELDS, models.PayloadSchemaType.KEYWORD)
    schemas |= dict.fromkeys(mapping.INTEGER_FIELDS, models.PayloadSchemaType.INTEGER)
    schemas |= dict.fromkeys(mapping.FLOAT_FIELDS, models.PayloadSchemaType.FLOAT)
    return schemas | {"tenant": models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)}


def _point_struct(point: SegmentPoint) -> models.PointStruct:
    from qdrant_client import models

    named: dict[str, Any] = {
        channel.value: array.tolist() for channel, array in mapping.to_arrays(point.vectors).items()
    }
    if point.vectors.lexical is not None and point.vectors.lexical.indices:
        named[Channel.LEXICAL.value] = _query_vector(point.vectors.lexical)
    payload = mapping.to_payload(point) | {PACKED: base64.b64encode(pack_point(point)).decode()}
    return models.PointStruct(id=point.segment.id, vector=named, payload=payload)


def _query_vector(vector: FloatArray | SparseVector) -> Any:
    from qdrant_client import models

    if isinstance(vector, SparseVector):
        return models.SparseVector(indices=list(vector.indices), values=list(vector.values))
    return vector.tolist()


def _prefetches(query: ChannelQuery, condition: models.Filter, scope: Scope) -> list[models.Prefetch]:
    from qdrant_client import models

    return [
        models.Prefetch(
            query=_query_vector(stage.vector),
            using=stage.channel.value,
            prefetch=_prefetches(stage, condition, scope) or None,
            filter=condition,
            params=_search_params(
                stage.channel, scope, is_rough=stage.channel in mapping.ROUGH_CHANNELS and not stage.prefetch
            ),
            limit=query.prefetch_limit,
        )
        for stage in query.prefetch
    ]


def _search_params(channel: Channel, scope: Scope, *, is_rough: bool = False) -> models.SearchParams | None:
    """Return how a channel is searched, as on the embedded engine; ``is_rough``: by its codes alone.

    Of BM25, how document frequencies are counted (``LEXICAL_CORPUS``); of matrices nothing: they have no codes.
    """
    from qdrant_client import models

    if channel is Channel.LEXICAL:
        corpus = _all_equal(**{LEXICAL_CORPUS: scope.tenant})
        return models.SearchParams(idf=models.IdfCorpusParams(corpus=corpus))
    if channel in mapping.MULTIVECTORS:
        return None
    return models.SearchParams(
        hnsw_ef=mapping.GRAPH_CANDIDATES if channel in mapping.GRAPH_CHANNELS else None,
        quantization=models.QuantizationSearchParams(
            rescore=not is_rough, oversampling=mapping.OVERSAMPLING if mapping.is_narrow(scope) else 1.0
        ),
    )


def _all_equal(**fields: str | int) -> models.Filter:
    from qdrant_client import models

    return models.Filter(
        must=[models.FieldCondition(key=key, match=models.MatchValue(value=value)) for key, value in fields.items()]
    )


def _scope_filter(scope: Scope) -> models.Filter:
    from qdrant_client import models

    must: list[Any] = [models.FieldCondition(key="tenant", match=models.MatchValue(value=scope.tenant))]
    if scope.video_ids:
        must.append(models.FieldCondition(key="video_id", match=models.MatchAny(any=list(scope.video_ids))))
    if scope.time is not None:
        must.append(models.FieldCondition(key="start_s", range=models.Range(lt=scope.time.end_s)))
        must.append(models.FieldCondition(key="end_s", range=models.Range(gt=scope.time.start_s)))
    return models.Filter(must=must)
