"""What every segment index promises, run over the embedded engine and Qdrant's client (local mode, or a real server).

A real server is used when ``KINOGRAPH_TEST_QDRANT_URL`` names one. It does not measure speed.
"""

import json
import math
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pytest
from qdrant_client import QdrantClient

from adapters import qdrant_edge_index, qdrant_edge_requests
from adapters import qdrant_points as mapping
from adapters.qdrant_edge_index import EdgeSegmentIndex
from adapters.qdrant_server_index import ServerSegmentIndex, connect_qdrant
from core.errors import Conflict, TryAgain
from core.ids import derived_id
from core.records import Keyframe, Segment, Span
from core.signals import FloatArray, SegmentVectors, SparseVector, TokenRange
from core.stores import Channel, ChannelQuery, Scope, SegmentIndex, SegmentPoint

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact"),
]
# Local mode says so on every index; the real server and the embedded engine do have them, and heed search parameters.


class Dims(TypedDict):
    """The dimensions that both constructors take."""

    text_dim: int
    token_dim: int
    frame_dim: int


DIMS: Dims = {"text_dim": 16, "token_dim": 12, "frame_dim": 8}
OTHER_DIMS: Dims = {"text_dim": 32, "token_dim": 12, "frame_dim": 8}
SCOPE = Scope("acme")
TOLERANCE = 2e-2
"""Matrices are stored in a byte a number: over so few numbers a cosine moves by up to 5e-3, a MaxSim over four rows by
four times that."""


SERVER_URL = os.environ.get("KINOGRAPH_TEST_QDRANT_URL")


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeSegmentIndex]:
    """One shard for all tests, since making one is 95 fsync; what a test left is deleted and leaves no trace."""
    made = EdgeSegmentIndex(tmp_path_factory.mktemp("edge"), **DIMS)
    yield made
    made.close()


@pytest.fixture(params=["edge", "client", *(["server"] if SERVER_URL else [])])
def index(request: pytest.FixtureRequest, shard: EdgeSegmentIndex) -> Iterator[SegmentIndex]:
    if request.param == "edge":
        for video_id in ("video-a", "video-b", "video-c", "video-z"):
            shard.delete_video(video_id)
        yield shard
        return
    if request.param == "client":
        made = ServerSegmentIndex(lambda: QdrantClient(":memory:"), collection="segments-test", **DIMS)
    else:
        made = ServerSegmentIndex(
            lambda: connect_qdrant(SERVER_URL or ""), collection="segments-test", recreate=True, **DIMS
        )
    yield made
    made.close()


def unit_rows(rng: np.random.Generator, n_rows: int, dimension: int) -> FloatArray:
    rows = rng.normal(size=(n_rows, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def make_point(number: int, *, video_id: str = "video-a", tenant: str = "acme", part: int = 0) -> SegmentPoint:
    """Return a point with all channels; its span is [10 n, 10 n + 10)."""
    rng = np.random.default_rng(number)
    span = Span(10.0 * number, 10.0 * number + 10.0)
    frames = unit_rows(rng, 1 + number % 3, DIMS["frame_dim"])
    terms = sorted({int(term) for term in rng.integers(0, 12, size=5)} | {1000 + number})
    segment = Segment(
        id=derived_id(video_id, "test", part, "segment", number),
        video_id=video_id,
        part=part,
        number=number,
        span=span,
        evidence_ids=(f"evidence-{number}", "shared"),
        keyframes=(Keyframe(span.middle_s, span, f"frames/{number}.jpg"),),
        speech_ratio=0.25,
        screen_chars_per_s=3.5,
        language="en",
    )
    vectors = SegmentVectors(
        text=unit_rows(rng, 1, DIMS["text_dim"])[0],
        text_tokens=unit_rows(rng, 3 + number % 4, DIMS["token_dim"]),
        token_ranges=(TokenRange(f"evidence-{number}", "speech", 0, 2), TokenRange("shared", "screen", 2, 3)),
        frames=frames,
        frame_owner=tuple(0 for _ in frames),
        frame_mean=unit_rows(rng, 1, DIMS["frame_dim"])[0],
        lexical=SparseVector(tuple(terms), tuple(rng.uniform(0.2, 2.0, size=len(terms)).tolist())),
    )
    return SegmentPoint(segment, tenant, vectors)


POINTS = [make_point(number, part=number // 5) for number in range(20)]


def query_for(channel: Channel, seed: int = 99) -> ChannelQuery:
    rng = np.random.default_rng(seed)
    vectors: dict[Channel, FloatArray | SparseVector] = {
        Channel.TEXT: unit_rows(rng, 1, DIMS["text_dim"])[0],
        Channel.FRAME_MEAN: unit_rows(rng, 1, DIMS["frame_dim"])[0],
        Channel.TEXT_TOKENS: unit_rows(rng, 4, DIMS["token_dim"]),
        Channel.FRAMES: unit_rows(rng, 2, DIMS["frame_dim"]),
        Channel.LEXICAL: SparseVector((3, 7, 1004), (1.0, 2.0, 1.0)),
    }
    return ChannelQuery(channel, vectors[channel])


def max_sim(query: FloatArray, rows: FloatArray) -> float:
    return float((query @ rows.T).max(axis=1).sum())


def bm25_scores(query: SparseVector, points: Sequence[SegmentPoint]) -> dict[str, float]:
    """Return the sum over shared terms of query weight × IDF × stored weight; IDF as Lucene's BM25 has it."""
    stored = {point.segment.id: dict(zip(*terms_of(point), strict=True)) for point in points}
    scores: dict[str, float] = {}
    for term, weight in zip(query.indices, query.values, strict=True):
        holders = [segment_id for segment_id, terms in stored.items() if term in terms]
        idf = math.log(1 + (len(stored) - len(holders) + 0.5) / (len(holders) + 0.5))
        for segment_id in holders:
            scores[segment_id] = scores.get(segment_id, 0.0) + weight * idf * stored[segment_id][term]
    return scores


def terms_of(point: SegmentPoint) -> tuple[tuple[int, ...], tuple[float, ...]]:
    assert point.vectors.lexical is not None
    return point.vectors.lexical.indices, point.vectors.lexical.values


def reference_scores(query: ChannelQuery, points: Sequence[SegmentPoint]) -> dict[str, float]:
    """Return the exact score of every point that has the channel, computed with numpy; tokens are pooled."""
    if isinstance(query.vector, SparseVector):
        return bm25_scores(query.vector, [point for point in points if point.vectors.lexical is not None])
    vector = query.vector
    score: dict[Channel, Callable[[FloatArray], float]] = {
        Channel.TEXT: lambda stored: float(stored @ vector),
        Channel.FRAME_MEAN: lambda stored: float(stored @ vector),
        Channel.TEXT_TOKENS: lambda stored: max_sim(vector, stored),
        Channel.FRAMES: lambda stored: max_sim(vector, stored),
    }
    stored = {point.segment.id: mapping.to_arrays(point.vectors).get(query.channel) for point in points}
    return {segment_id: score[query.channel](rows) for segment_id, rows in stored.items() if rows is not None}


def assert_ranked_like(
    index: SegmentIndex, query: ChannelQuery, scope: Scope, points: Sequence[SegmentPoint], limit: int
) -> None:
    hits = index.rank(query, scope, limit=limit)
    want = reference_scores(query, points)
    best = sorted(want.values(), reverse=True)[:limit]
    np.testing.assert_allclose([hit.score for hit in hits], best, atol=TOLERANCE)
    for hit in hits:
        assert hit.score == pytest.approx(want[hit.segment_id], abs=TOLERANCE)
    assert len({hit.segment_id for hit in hits}) == len(hits)


class TestWriting:
    def test_points_are_found_at_once_and_writing_twice_changes_nothing(self, index: SegmentIndex) -> None:
        index.upsert(POINTS)
        first = index.rank(query_for(Channel.TEXT), SCOPE, limit=5)
        index.upsert(POINTS)
        assert index.count() == index.count("video-a") == len(POINTS)
        again = index.rank(query_for(Channel.TEXT), SCOPE, limit=5)
        assert [hit.segment_id for hit in again] == [hit.segment_id for hit in first]
        assert [hit.score for hit in again] == pytest.approx([hit.score for hit in first], abs=1e-6)

    def test_writing_an_id_again_replaces_the_whole_point(self, index: SegmentIndex) -> None:
        index.upsert(POINTS[:2])
        bare = replace(POINTS[0], vectors=SegmentVectors(text=POINTS[1].vectors.text))
        index.upsert([bare])
        assert index.fetch([bare.segment.id])[bare.segment.id].vectors.lexical is None
        hits = index.rank(query_for(Channel.TEXT_TOKENS), SCOPE, limit=5)
        assert [hit.segment_id for hit in hits] == [POINTS[1].segment.id]

    def test_writing_nothing_is_fine(self, index: SegmentIndex) -> None:
        index.upsert([])
        assert index.count() == 0


class TestFetching:
    def test_points_come_back_whole(self, index: SegmentIndex) -> None:
        index.upsert(POINTS[:4])
        found = index.fetch([point.segment.id for point in reversed(POINTS[:3])])
        assert set(found) == {point.segment.id for point in POINTS[:3]}
        for want in POINTS[:3]:
            got = found[want.segment.id]
            assert (got.segment, got.tenant) == (want.segment, want.tenant)
            assert (got.vectors.token_ranges, got.vectors.frame_owner) == (
                want.vectors.token_ranges,
                want.vectors.frame_owner,
            )
            for name in ("text", "text_tokens", "frames", "frame_mean"):
                rows = getattr(got.vectors, name)
                assert rows.dtype == np.float32
                np.testing.assert_allclose(rows, getattr(want.vectors, name), atol=4e-3)
            assert dict(zip(*terms_of(got), strict=True)) == pytest.approx(dict(zip(*terms_of(want), strict=True)))

    def test_unknown_ids_are_left_out(self, index: SegmentIndex) -> None:
        index.upsert(POINTS[:1])
        assert set(index.fetch([POINTS[0].segment.id, derived_id("nobody")])) == {POINTS[0].segment.id}
        assert index.fetch([]) == {}

    def test_absent_channels_come_back_as_none(self, index: SegmentIndex) -> None:
        empty = replace(
            POINTS[0], vectors=SegmentVectors(text_tokens=np.zeros((0, 12), np.float32), lexical=SparseVector((), ()))
        )
        index.upsert([empty])
        assert index.fetch([empty.segment.id])[empty.segment.id].vectors == SegmentVectors()


class TestRanking:
    @pytest.mark.parametrize("channel", list(Channel))
    def test_order_and_scores_match_an_exact_reference(self, index: SegmentIndex, channel: Channel) -> None:
        index.upsert(POINTS)
        assert_ranked_like(index, query_for(channel), SCOPE, POINTS, limit=7)

    @pytest.mark.parametrize("channel", list(Channel))
    def test_an_empty_index_ranks_nothing(self, index: SegmentIndex, channel: Channel) -> None:
        assert index.rank(query_for(channel), SCOPE, limit=5) == []

    @pytest.mark.parametrize("channel", list(Channel))
    def test_points_without_the_channel_never_show_up(self, index: SegmentIndex, channel: Channel) -> None:
        absent: dict[str, Any] = {channel.value: None}
        without = [replace(point, vectors=replace(point.vectors, **absent)) for point in POINTS[:6]]
        index.upsert([*without, *POINTS[6:9]])
        assert_ranked_like(index, query_for(channel), SCOPE, [*without, *POINTS[6:9]], limit=9)

    def test_asking_for_more_than_there_is_gives_what_there_is(self, index: SegmentIndex) -> None:
        index.upsert(POINTS[:3])
        assert len(index.rank(query_for(Channel.TEXT), SCOPE, limit=1000)) == 3

    def test_queries_without_terms_or_rows_match_nothing(self, index: SegmentIndex) -> None:
        index.upsert(POINTS[:3])
        no_terms = ChannelQuery(Channel.LEXICAL, SparseVector((), ()))
        no_rows = ChannelQuery(Channel.TEXT_TOKENS, np.zeros((0, 12), np.float32))
        rescoring = replace(query_for(Channel.TEXT_TOKENS), prefetch=(no_terms, no_rows))
        for query in (no_terms, no_rows, rescoring):
            assert index.rank(query, SCOPE, limit=3) == []


class TestPrefetching:
    def test_only_the_prefetched_are_rescored(self, index: SegmentIndex) -> None:
        index.upsert(POINTS)
        dense, lexical = query_for(Channel.TEXT), query_for(Channel.LEXICAL)
        query = replace(query_for(Channel.TEXT_TOKENS), prefetch=(dense, lexical), prefetch_limit=4)
        candidates = {hit.segment_id for stage in (dense, lexical) for hit in index.rank(stage, SCOPE, limit=4)}
        kept = [point for point in POINTS if point.segment.id in candidates]
        assert 4 < len(kept) < len(POINTS)
        assert_ranked_like(index, query, SCOPE, kept, limit=20)

    def test_stages_nest(self, index: SegmentIndex) -> None:
        index.upsert(POINTS)
        inner = replace(query_for(Channel.FRAMES), prefetch=(query_for(Channel.FRAME_MEAN),), prefetch_limit=10)
        query = replace(query_for(Channel.TEXT_TOKENS), prefetch=(inner,), prefetch_limit=3)
        want = {hit.segment_id for hit in index.rank(inner, SCOPE, limit=3)}
        assert {hit.segment_id for hit in index.rank(query, SCOPE, limit=20)} == want

    def test_prefetched_points_without_the_channel_are_dropped(self, index: SegmentIndex) -> None:
        silent = replace(POINTS[0], vectors=replace(POINTS[0].vectors, text_tokens=None))
        index.upsert([silent, *POINTS[1:4]])
        query = replace(query_for(Channel.TEXT_TOKENS), prefetch=(query_for(Channel.TEXT),))
        assert_ranked_like(index, query, SCOPE, [silent, *POINTS[1:4]], limit=10)


class TestScopes:
    @pytest.fixture
    def library(self, index: SegmentIndex) -> SegmentIndex:
        index.upsert([make_point(n, video_id=video) for video in ("video-a", "video-b", "video-c") for n in range(3)])
        index.upsert([make_point(n, video_id="video-z", tenant="other") for n in range(3)])
        return index

    @pytest.mark.parametrize("channel", list(Channel))
    def test_a_tenant_sees_only_its_own(self, library: SegmentIndex, channel: Channel) -> None:
        hits = library.rank(query_for(channel, seed=4), Scope("other"), limit=50)
        assert {hit.video_id for hit in hits} <= {"video-z"}
        prefetch = replace(query_for(Channel.TEXT), prefetch=(query_for(channel, seed=4),))
        assert {hit.video_id for hit in library.rank(prefetch, Scope("other"), limit=50)} <= {"video-z"}
        assert library.rank(query_for(channel), Scope("nobody"), limit=50) == []

    def test_scores_do_not_depend_on_other_tenants(self, library: SegmentIndex) -> None:
        others = [make_point(n, video_id="video-z", tenant="other") for n in range(3)]
        assert_ranked_like(library, query_for(Channel.LEXICAL), Scope("other"), others, limit=5)

    def test_naming_videos_of_another_tenant_gives_nothing(self, library: SegmentIndex) -> None:
        assert library.rank(query_for(Channel.TEXT), Scope("acme", ("video-z",)), limit=50) == []

    def test_videos_restrict(self, library: SegmentIndex) -> None:
        hits = library.rank(query_for(Channel.TEXT), Scope("acme", ("video-a", "video-c")), limit=50)
        assert {hit.video_id for hit in hits} == {"video-a", "video-c"}
        assert len(hits) == 6

    def test_time_restricts_to_what_overlaps(self, library: SegmentIndex) -> None:
        scope = Scope("acme", ("video-a",), Span(10.0, 20.0))
        hits = library.rank(query_for(Channel.TEXT), scope, limit=50)
        touching_is_not_overlapping = make_point(1, video_id="video-a").segment.id
        assert [hit.segment_id for hit in hits] == [touching_is_not_overlapping]
        across = library.rank(query_for(Channel.TEXT), Scope("acme", ("video-a",), Span(19.9, 20.1)), limit=50)
        assert len(across) == 2


class TestDeleting:
    def test_a_part_goes_and_the_others_stay(self, index: SegmentIndex) -> None:
        other = make_point(0, video_id="video-b", part=1)
        index.upsert([*POINTS, other])
        index.delete_part("video-a", 1)
        assert index.count() == len(POINTS) - 5 + 1
        left = index.rank(query_for(Channel.TEXT_TOKENS), SCOPE, limit=50)
        assert {hit.segment_id for hit in left} == {p.segment.id for p in [*POINTS, other] if p is not other} - {
            p.segment.id for p in POINTS[5:10]
        } | {other.segment.id}

    def test_a_video_goes_and_the_others_stay(self, index: SegmentIndex) -> None:
        index.upsert([*POINTS[:4], make_point(0, video_id="video-b")])
        index.delete_video("video-a")
        index.delete_video("never-seen")
        assert (index.count(), index.count("video-a"), index.count("video-b")) == (1, 0, 1)

    def test_after_deleting_every_video_the_index_works_as_new(self, index: SegmentIndex) -> None:
        index.upsert(POINTS)
        index.delete_video("video-a")
        assert index.count() == 0
        assert index.rank(query_for(Channel.TEXT), SCOPE, limit=5) == []
        index.upsert(POINTS[:2])
        assert_ranked_like(index, query_for(Channel.LEXICAL), SCOPE, POINTS[:2], limit=5)

    def test_a_rebuilt_index_answers_as_before(self, index: SegmentIndex) -> None:
        rescored = replace(query_for(Channel.TEXT_TOKENS), prefetch=(query_for(Channel.TEXT),), prefetch_limit=15)
        queries = [*map(query_for, Channel), rescored]
        index.upsert([*POINTS, make_point(0, video_id="video-b")])
        index.delete_video("video-b")
        before = [index.rank(query, SCOPE, limit=10) for query in queries]
        index.delete_video("video-a")
        index.upsert(POINTS[::-1])
        for query, want in zip(queries, before, strict=True):
            got = index.rank(query, SCOPE, limit=10)
            assert [hit.segment_id for hit in got] == [hit.segment_id for hit in want]
            assert [hit.score for hit in got] == pytest.approx([hit.score for hit in want], abs=1e-6)


def run_until_killed(folder: Path, work: str) -> None:
    """Do the work on the ``index`` of the folder, with this module as ``t``, in a process that is killed after it."""
    script = (
        "import os, signal; from pathlib import Path; from tests.contracts import test_index_contract as t;"
        f"index = t.EdgeSegmentIndex(Path({str(folder)!r}), **t.DIMS); {work}; os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL


class TestEmbeddedShard:
    def test_points_outlive_the_process(self, tmp_path: Path) -> None:
        first = EdgeSegmentIndex(tmp_path, **DIMS)
        first.upsert(POINTS)
        before = {channel: first.rank(query_for(channel), SCOPE, limit=10) for channel in Channel}
        first.close()
        first.close()
        second = EdgeSegmentIndex(tmp_path, **DIMS)
        assert {channel: second.rank(query_for(channel), SCOPE, limit=10) for channel in Channel} == before
        second.close()

    def test_points_outlive_a_killed_process(self, tmp_path: Path) -> None:
        run_until_killed(tmp_path, "index.upsert(t.POINTS)")
        survivor = EdgeSegmentIndex(tmp_path, **DIMS)
        assert survivor.count() == len(POINTS)
        survivor.close()

    def test_a_second_opener_is_told_who_has_it(self, tmp_path: Path) -> None:
        owner = EdgeSegmentIndex(tmp_path, **DIMS)
        with pytest.raises(TryAgain, match=f"stop process {os.getpid()}"):
            EdgeSegmentIndex(tmp_path, **DIMS)
        owner.close()
        EdgeSegmentIndex(tmp_path, **DIMS).close()

    def test_other_dimensions_ask_for_a_rebuild_which_works(self, tmp_path: Path) -> None:
        former = EdgeSegmentIndex(tmp_path, **DIMS)
        former.upsert(POINTS[:3])
        former.close()
        with pytest.raises(Conflict, match="kinograph rebuild"):
            EdgeSegmentIndex(tmp_path, **OTHER_DIMS)
        rebuilt = EdgeSegmentIndex(tmp_path, **OTHER_DIMS, recreate=True)
        assert rebuilt.count() == 0
        rebuilt.close()

    def test_an_interrupted_creation_is_made_anew(self, tmp_path: Path) -> None:
        EdgeSegmentIndex(tmp_path, **DIMS).close()
        (tmp_path / "layout.json").unlink()
        index = EdgeSegmentIndex(tmp_path, **DIMS)
        index.upsert(POINTS[:1])
        assert index.count() == 1
        index.close()

    def test_threads_may_write_and_rank_at_once(self, tmp_path: Path) -> None:
        def run(work: Callable[[], object]) -> None:
            for _ in range(5):
                work()

        index = EdgeSegmentIndex(tmp_path, **DIMS)
        index.upsert(POINTS[:10])
        jobs: list[Callable[[], object]] = [
            lambda: index.upsert(POINTS[10:]),
            lambda: index.rank(query_for(Channel.TEXT_TOKENS), SCOPE, limit=5),
            lambda: index.fetch([POINTS[0].segment.id]),
        ]
        with ThreadPoolExecutor(max_workers=3) as pool:
            list(pool.map(run, jobs))
        assert index.count() == len(POINTS)
        index.close()

    def test_a_full_disk_means_try_again(self, tmp_path: Path) -> None:
        index = EdgeSegmentIndex(tmp_path, min_free_bytes=2**62, **DIMS)
        with pytest.raises(TryAgain, match="disk"):
            index.upsert(POINTS[:1])
        assert index.count() == 0
        index.close()

    def test_an_index_of_an_older_format_is_emptied(self, tmp_path: Path) -> None:
        EdgeSegmentIndex(tmp_path, **DIMS).close()
        layout_file = tmp_path / "layout.json"
        layout_file.write_text(json.dumps(dict(DIMS)))
        index = EdgeSegmentIndex(tmp_path, **DIMS)
        assert index.count() == 0
        index.upsert(POINTS[:1])
        index.close()
        index = EdgeSegmentIndex(tmp_path, **DIMS)
        assert index.count() == 1
        index.close()

    @pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"not a database")])
    def test_an_index_without_its_points_is_emptied(self, tmp_path: Path, damage: Callable[[Path], object]) -> None:
        index = EdgeSegmentIndex(tmp_path, **DIMS)
        index.upsert(POINTS[:3])
        index.close()
        for left in tmp_path.glob("points.db-*"):
            left.unlink()
        damage(tmp_path / "points.db")
        index = EdgeSegmentIndex(tmp_path, **DIMS)
        assert index.count() == 0
        index.upsert(POINTS[2:4])
        assert set(index.fetch([point.segment.id for point in POINTS])) == {point.segment.id for point in POINTS[2:4]}
        index.close()

    def test_settling_keeps_what_is_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def ranked(index: SegmentIndex) -> dict[Channel, set[str]]:
            return {item: {hit.segment_id for hit in index.rank(query_for(item), SCOPE, limit=10)} for item in Channel}

        monkeypatch.setattr(qdrant_edge_index, "SETTLE_EVERY", 100)
        monkeypatch.setattr(qdrant_edge_index, "SETTLE_FROM", 100)
        monkeypatch.setattr(qdrant_edge_requests, "SETTLED_KB", 1)
        points = [make_point(number, part=number // 5) for number in range(150)]
        live = EdgeSegmentIndex(tmp_path / "live", **DIMS)
        live.upsert(points)
        before = ranked(live)
        live.delete_video("never-seen")
        live.close()
        bulk = EdgeSegmentIndex(tmp_path / "bulk", recreate=True, **DIMS)
        bulk.upsert(points)
        live = EdgeSegmentIndex(tmp_path / "live", **DIMS)
        for index in (live, bulk):
            assert index.count() == len(points)
            assert ranked(index) == before
            index.delete_part("video-a", 0)
            index.upsert(points[:5])
            assert ranked(index) == before
            index.close()

    def test_frames_of_settled_points_are_found_by_rough_means_and_means_stay_exact(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(qdrant_edge_index, "SETTLE_FROM", 100)
        monkeypatch.setattr(qdrant_edge_requests, "SETTLED_KB", 1)
        index = EdgeSegmentIndex(tmp_path, **DIMS)
        index.upsert([make_point(number, part=number // 5) for number in range(150)])
        means, frames = query_for(Channel.FRAME_MEAN), query_for(Channel.FRAMES)
        exact = index.rank(means, SCOPE, limit=20)
        index.close()
        index = EdgeSegmentIndex(tmp_path, **DIMS)
        prefetched = index.rank(replace(frames, prefetch=(means,), prefetch_limit=150), SCOPE, limit=10)
        assert prefetched == index.rank(frames, SCOPE, limit=10)
        few = index.rank(replace(frames, prefetch=(means,), prefetch_limit=20), SCOPE, limit=20)
        assert len({hit.segment_id for hit in few} & {hit.segment_id for hit in exact}) >= 15
        again = index.rank(means, SCOPE, limit=20)
        assert [hit.segment_id for hit in again] == [hit.segment_id for hit in exact]
        assert [hit.score for hit in again] == pytest.approx([hit.score for hit in exact], abs=1e-6)
        index.close()

    def test_what_is_opened_again_is_read_ahead_unless_it_is_emptied(self, tmp_path: Path) -> None:
        for wishes in ({"recreate": True}, {"read_ahead": False}):
            index = EdgeSegmentIndex(tmp_path, **DIMS, **wishes)
            index.upsert(POINTS)
            assert index.reading is None
            index.close()
        index = EdgeSegmentIndex(tmp_path, **DIMS)
        assert index.reading is not None
        assert index.reading.wait(60)
        assert index.count() == len(POINTS)
        index.close()

    def test_points_outlive_a_look_from_outside_while_they_are_read_ahead(self, tmp_path: Path) -> None:
        index = EdgeSegmentIndex(tmp_path, **DIMS)
        index.upsert(POINTS[:3])
        index.close()
        look = (
            f"import sqlite3; db = sqlite3.connect({str(tmp_path / 'points.db')!r});"
            "db.execute('SELECT * FROM points'); db.close()"
        )
        outside = f"t.subprocess.run([t.sys.executable, '-c', {look!r}], check=True)"
        run_until_killed(tmp_path, f"index.reading.wait(60); {outside}; index.upsert(t.POINTS)")
        survivor = EdgeSegmentIndex(tmp_path, **DIMS)
        assert survivor.count() == len(POINTS)
        survivor.close()

    def test_a_closed_index_says_so(self, tmp_path: Path) -> None:
        index = EdgeSegmentIndex(tmp_path, **DIMS)
        index.close()
        with pytest.raises(TryAgain, match="closed"):
            index.count()


class TestServer:
    def test_other_dimensions_ask_for_a_rebuild_which_works(self) -> None:
        shared = QdrantClient(":memory:")
        ServerSegmentIndex(lambda: shared, collection="c", **DIMS).upsert(POINTS[:3])
        with pytest.raises(Conflict, match="kinograph rebuild"):
            ServerSegmentIndex(lambda: shared, collection="c", **OTHER_DIMS).count()
        assert ServerSegmentIndex(lambda: shared, collection="c", recreate=True, **OTHER_DIMS).count() == 0

    def test_an_unreachable_server_means_try_again(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            index = ServerSegmentIndex(lambda: connect_qdrant(url), collection="c", **DIMS)
            with pytest.raises(TryAgain, match="KINOGRAPH_QDRANT_URL"):
                index.count()

    def test_it_is_made_and_searched_as_the_embedded_engine_is(self) -> None:
        client = RecordingClient(":memory:")
        index = ServerSegmentIndex(lambda: client, collection="c", **DIMS)
        index.upsert(POINTS[:3])
        without_graph = {name for name, params in client.vectors_config.items() if params.hnsw_config is not None}
        assert without_graph == {"frame_mean", "frames", "text_tokens"}
        assert all(client.vectors_config[name].hnsw_config.m == 0 for name in without_graph)

        rescoring = replace(
            query_for(Channel.FRAMES), prefetch=(query_for(Channel.FRAME_MEAN), query_for(Channel.TEXT))
        )
        for scope in (SCOPE, Scope("acme", ("video-a",)), Scope("acme", time=Span(0, 20))):
            index.rank(rescoring, scope, limit=3)
        index.rank(query_for(Channel.TEXT), SCOPE, limit=3)
        *rescorings, texts = client.queries
        for asked, oversampling in zip(rescorings, (1.0, 2.0, 2.0), strict=True):
            pictures, words = (stage.params for stage in asked["prefetch"])
            assert asked["search_params"] is None
            assert (pictures.hnsw_ef, pictures.quantization.rescore) == (None, False)
            assert (words.hnsw_ef, words.quantization.rescore) == (400, True)
            assert words.quantization.oversampling == oversampling
        assert texts["search_params"].hnsw_ef == 400

    def test_a_collection_with_a_graph_of_pictures_says_how_to_be_rid_of_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Former(QdrantClient):
            """Makes collections with the server's own graph."""

            def create_collection(self, collection_name: str, **wishes: Any) -> bool:
                wishes["vectors_config"]["frame_mean"].hnsw_config = None
                return super().create_collection(collection_name, **wishes)

        ServerSegmentIndex(lambda: Former(":memory:"), collection="c", **DIMS).upsert(POINTS[:1])
        assert "a graph of frame_mean" in caplog.text
        assert "kinograph rebuild" in caplog.text
        caplog.clear()
        ServerSegmentIndex(lambda: QdrantClient(":memory:"), collection="c", **DIMS).upsert(POINTS[:1])
        assert not caplog.records


class RecordingClient(QdrantClient):
    """Qdrant's client in local mode, which remembers what it was asked."""

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.vectors_config: dict[str, Any] = {}
        self.queries: list[dict[str, Any]] = []

    def create_collection(self, collection_name: str, **wishes: Any) -> bool:
        self.vectors_config = wishes["vectors_config"]
        return super().create_collection(collection_name, **wishes)

    def query_points(self, collection_name: str, **wishes: Any) -> Any:
        self.queries.append(wishes)
        return super().query_points(collection_name, **wishes)
