"""Each step of a search that is left out is really left out: what is found without it, and which channels are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from adapters.sql_catalogue import SqlCatalogue
from core.ids import derived_id
from core.protocols import SearchRequest
from core.records import Evidence, Keyframe, Modality, Moment, NewVideo, Segment, Span
from core.stores import Channel, ChannelQuery, Scope, ScoredSegment, SegmentPoint
from indexer.embeddings import Encoders, embed_segments
from rag.search import MomentSearch
from rag.steps import CHANNELS_BY_STEP, Steps
from tests.fakes.encoders import FakeLexicalEncoder, FakeTextEncoder, FakeVisualEncoder, picture_of
from tests.fakes.segment_index import FakeSegmentIndex

TEXT, LEXICAL = FakeTextEncoder(), FakeLexicalEncoder()
VISUAL = FakeVisualEncoder(TEXT)
SLIDE, SAID = "harbour map", "blue lantern lit"


class AskedIndex(FakeSegmentIndex):
    """Remembers which channels were asked, prefetches included."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[Channel] = set()

    def rank(self, query: ChannelQuery, scope: Scope, *, limit: int) -> list[ScoredSegment]:
        self.asked.add(query.channel)
        return super().rank(query, scope, limit=limit)


class Library:
    """A video of two segments: a slide stands through both, a sentence is said in the first, all of it blue."""

    def __init__(self, folder: Path) -> None:
        self.catalogue = SqlCatalogue.open(f"sqlite:///{folder / 'catalogue.db'}")
        self.index = AskedIndex()
        video = NewVideo("v" * 8, "default", "The harbour", "harbour.mp4", "hash", "videos/v/original.mp4", 1, 40.0)
        self.catalogue.add_video(video)
        self.catalogue.plan_parts(video.id, [Span(0, 40)])
        evidence = [
            Evidence(derived_id("slide"), video.id, 0, Span(0, 40), Modality.SCREEN, SLIDE, 0.9, "test"),
            Evidence(derived_id("said"), video.id, 0, Span(2, 8), Modality.SPEECH, SAID, 0.9, "test"),
        ]
        shown = (tuple(item.id for item in evidence), (evidence[0].id,))
        segments = []
        for number, evidence_ids in enumerate(shown):
            span = Span(20 * number, 20 * number + 20)
            keyframe = Keyframe(span.start_s, span, "k")
            segments.append(Segment(derived_id("s", number), video.id, 0, number, span, evidence_ids, (keyframe,)))
        vectors = embed_segments(
            segments, evidence, {at: picture_of("blue") for at in (0.0, 20.0)}, Encoders(TEXT, VISUAL, LEXICAL)
        )
        lease = self.catalogue.claim_part("worker", lease_s=60)
        assert lease is not None
        self.catalogue.commit_part(lease, "artifact")
        [part] = self.catalogue.parts_to_publish()
        self.catalogue.publish_part(part, evidence, segments)
        self.index.upsert([SegmentPoint(s, "default", v) for s, v in zip(segments, vectors, strict=True)])

    def find(self, query: str, steps: Steps, **how: float) -> Sequence[Moment]:
        finder = MomentSearch(self.catalogue, self.index, TEXT, VISUAL, LEXICAL, steps=steps)
        self.index.asked.clear()
        return finder.find(SearchRequest(query, **how))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path)
    yield made
    made.catalogue.close()


@pytest.mark.parametrize("name", CHANNELS_BY_STEP)
def test_a_channel_left_out_is_not_asked_and_the_others_still_find(library: Library, name: str) -> None:
    found = library.find(SAID, Steps().without(name))
    assert not library.index.asked & CHANNELS_BY_STEP[name]
    assert found[0].span.contains(5.0)


@pytest.mark.parametrize("name", CHANNELS_BY_STEP)
def test_a_channel_alone_finds_what_is_its_own(library: Library, name: str) -> None:
    found = library.find(SAID, Steps.with_only(name), min_score=0.1)
    assert library.index.asked == CHANNELS_BY_STEP[name]
    assert found[0].modality is (Modality.VISUAL if name == "pictures" else found[0].modality)
    assert found[0].score > 0.1


def test_without_grounding_a_moment_is_its_whole_segment(library: Library) -> None:
    assert library.find(SAID, Steps())[0].span == Span(2, 8)
    assert library.find(SAID, Steps(grounding=False))[0].span == Span(0, 20)
    assert library.find(SAID, Steps(late_interaction=False))[0].span == Span(0, 20)


def test_without_merging_one_slide_is_found_in_each_of_its_segments(library: Library) -> None:
    slide = [moment for moment in library.find(SLIDE, Steps()) if moment.modality is Modality.SCREEN]
    repeated = [moment for moment in library.find(SLIDE, Steps(merging=False)) if moment.modality is Modality.SCREEN]
    assert (len(slide), len(repeated)) == (1, 2)


def test_without_the_cut_off_something_is_always_found(library: Library) -> None:
    assert library.find("quarterly tax report", Steps()) == ()
    assert library.find("quarterly tax report", Steps(cut_off=False))
