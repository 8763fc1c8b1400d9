"""The bench of search at library size: its library can be made again piece by piece, and its exact is exact."""

import itertools

import numpy as np
import pytest

from benchmarks.exact_index import ExactIndex
from benchmarks.search_probe import CLOSELY, rank_closely
from benchmarks.synthetic_library import MAIN_TENANT, SyntheticLibrary
from core.stores import Channel, ChannelQuery, Scope
from tests.fakes.segment_index import FakeSegmentIndex

N_SEGMENTS = 120


@pytest.fixture(scope="module")
def library() -> SyntheticLibrary:
    return SyntheticLibrary(N_SEGMENTS)


def test_a_segment_is_the_same_alone_and_among_others(library: SyntheticLibrary) -> None:
    together = library.points(np.arange(N_SEGMENTS))
    for number in (0, 7, 119):
        (alone,) = library.points(np.array([number]))
        assert alone.segment == together[number].segment
        assert alone.vectors.lexical == together[number].vectors.lexical
        assert alone.vectors.text_tokens is not None
        np.testing.assert_allclose(alone.vectors.text_tokens, together[number].vectors.text_tokens, atol=1e-6)


def test_the_exact_ranking_is_that_of_an_index_which_scores_everything(library: SyntheticLibrary) -> None:
    numbers = np.arange(N_SEGMENTS)
    points = library.points(numbers)
    queries = library.queries(np.array([3, 40]))
    few = tuple(dict.fromkeys(point.segment.video_id for point in points if point.tenant == MAIN_TENANT))[1:3]
    scopes = [Scope(MAIN_TENANT), Scope(MAIN_TENANT, few), Scope(MAIN_TENANT, few[:1])]
    exact, everything = ExactIndex(library, queries, scopes), FakeSegmentIndex()
    for first in (0, 50):
        chosen = numbers[first : first + 50 if first == 0 else None]
        exact.add(chosen, [points[number] for number in chosen.tolist()])
    everything.upsert(points)
    for query, scope in itertools.product(queries, scopes):
        dense = ChannelQuery(Channel.TEXT, query.vectors.text)
        for asked in (dense, ChannelQuery(Channel.TEXT_TOKENS, query.vectors.tokens, prefetch=(dense,))):
            found = [hit.segment_id for hit in exact.rank(asked, scope, limit=10)]
            assert found
            assert found == [hit.segment_id for hit in everything.rank(asked, scope, limit=10)]


def test_a_query_finds_the_segment_it_was_made_from(library: SyntheticLibrary) -> None:
    index = FakeSegmentIndex()
    index.upsert(library.points(np.arange(N_SEGMENTS)))
    targets = np.array([3, 40, 77])
    for query in library.queries(targets):
        assert library.segment_id(query.target) in rank_closely(query.vectors, index, Scope(MAIN_TENANT))[CLOSELY]
