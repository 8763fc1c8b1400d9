"""Pictures and queries of several rows each: from keyframes through the index to the segment that fits best."""

from __future__ import annotations

from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import pytest

from adapters.qdrant_edge_index import EdgeSegmentIndex
from core.records import Keyframe, Segment, Span
from core.signals import FloatArray, ImageArray, SegmentVectors
from core.stores import Scope, SegmentPoint
from indexer.embeddings import Encoders, embed_segments
from rag.late_interaction import look_at_frames
from rag.retrieve import encode_query, examine, rank_channels
from tests.fakes.encoders import FakeLexicalEncoder, FakeTextEncoder, FakeVisualRetriever, picture_of

ENCODERS = Encoders(FakeTextEncoder(), FakeVisualRetriever(), FakeLexicalEncoder())


def halves(left: str, right: str) -> ImageArray:
    return np.concatenate([picture_of(left), picture_of(right)], axis=1)


def segment_at(number: int, times_s: list[float]) -> Segment:
    keyframes = tuple(Keyframe(time_s, Span(time_s, time_s + 1), f"k{time_s}") for time_s in times_s)
    return Segment(
        str(uuid5(NAMESPACE_OID, str(number))), "v", 0, number, Span(times_s[0], times_s[-1] + 1), (), keyframes
    )


SEGMENTS = [segment_at(1, [0.0, 1.0]), segment_at(2, [2.0]), segment_at(3, [3.0])]
PICTURES = {
    0.0: halves("red", "red"),
    1.0: halves("blue", "blue"),
    2.0: halves("red", "blue"),
    3.0: halves("green", "white"),
}


def test_the_picture_that_holds_all_of_the_query_is_found_first(tmp_path: Path) -> None:
    vectors = embed_segments(SEGMENTS, [], PICTURES, ENCODERS)
    assert [item.frame_owner for item in vectors] == [(0, 0, 1, 1), (0, 0), (0, 0)]
    dims = ENCODERS.visual.dimension
    index = EdgeSegmentIndex(tmp_path, text_dim=64, token_dim=64, frame_dim=dims)
    index.upsert([SegmentPoint(segment, "default", held) for segment, held in zip(SEGMENTS, vectors, strict=True)])
    query = encode_query("red blue", ENCODERS.text, ENCODERS.visual, ENCODERS.lexical)
    rankings = rank_channels(query, index, Scope("default"))
    found = examine(query, [segment.id for segment in SEGMENTS], rankings, index, ENCODERS.visual)
    index.close()
    fits = {segment_id: candidate.visual for segment_id, candidate in found.items()}
    assert max(fits, key=lambda segment_id: fits[segment_id]) == SEGMENTS[1].id
    assert fits[SEGMENTS[1].id] == pytest.approx(1.0, abs=0.02)
    both, other = found[SEGMENTS[0].id].frames, fits[SEGMENTS[2].id]
    assert len(both) == 2, "one fit a keyframe, whatever its rows"
    assert other < both.max() < 0.8, "red in one picture and blue in another are not one picture of both"


def test_maxsim_of_a_picture_is_the_mean_of_the_best_cosines() -> None:
    query: FloatArray = np.array([[1.0, 0.0], [0.6, 0.8]], np.float32)
    frames: FloatArray = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]], np.float32)
    held = SegmentVectors(frames=frames, frame_owner=(0, 0, 2))
    # Keyframe 0: best of (1, 0) is 1.0, best of (0.6, 0.8) is 0.8. Keyframe 2: 0.8 and 0.48 + 0.48. Keyframe 1: no row.
    np.testing.assert_allclose(look_at_frames(query, [held], [3])[0], [0.9, -1.0, 0.88], atol=1e-6)
    np.testing.assert_allclose(look_at_frames(query, [SegmentVectors()], [1])[0], [-1.0])
