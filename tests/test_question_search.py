"""A question finds what it does not name: the sentence beside, and the place that a found moment leads to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.sql_catalogue import SqlCatalogue
from core.ids import derived_id
from core.plans import QueryPlan
from core.protocols import Question, SearchRequest
from core.records import Evidence, Modality, Moment, NewVideo, ReasonKind, Segment, Span
from core.stores import SegmentPoint
from indexer.embeddings import Encoders, embed_segments
from rag.question_search import QuestionSearch, pool_leads, take_front
from rag.search import MomentSearch
from rag.steps import Steps
from tests.fakes.encoders import FakeLexicalEncoder, FakeTextEncoder, FakeVisualEncoder
from tests.fakes.segment_index import FakeSegmentIndex

TEXT, LEXICAL = FakeTextEncoder(), FakeLexicalEncoder()
VISUAL = FakeVisualEncoder(TEXT)
LINES = {
    0: "sixty vessels diverted towards Marlow",
    40: "oxen carried mirrors uphill",
    80: "soup kitchens fed families",
    85: "nobody paid anything",
    120: "harvest fell badly",
    160: "harbour merchant became rich",
    165: "thanks to vessels diverted from elsewhere",
    200: "children count penguins",
    208: "fishermen mend nets",
}
"""What is said for five seconds, by when it begins."""


class Library:
    """A video of segments that each hold one sentence."""

    def __init__(self, folder: Path) -> None:
        self.catalogue = SqlCatalogue.open(f"sqlite:///{folder / 'catalogue.db'}")
        self.index = FakeSegmentIndex()
        video_id = derived_id("video")
        self.catalogue.add_video(NewVideo(video_id, "default", "The port", "port.mp4", "hash", "k", 1, 240.0))
        self.catalogue.plan_parts(video_id, [Span(0, 240)])
        evidence, segments = [], []
        for number, (start_s, text) in enumerate(LINES.items()):
            span = Span(start_s, start_s + 5)
            item = Evidence(derived_id("e", number), video_id, 0, span, Modality.SPEECH, text, 0.9, "test", "en")
            evidence.append(item)
            segments.append(Segment(derived_id("s", number), video_id, 0, number, span, (item.id,), ()))
        vectors = embed_segments(segments, evidence, {}, Encoders(TEXT, VISUAL, LEXICAL))
        lease = self.catalogue.claim_part("worker", lease_s=60)
        assert lease is not None
        self.catalogue.commit_part(lease, "artifact")
        self.catalogue.publish_part(self.catalogue.parts_to_publish()[0], evidence, segments)
        self.index.upsert([SegmentPoint(s, "default", v) for s, v in zip(segments, vectors, strict=True)])

    def find(self, question: str, steps: Steps | None = None) -> tuple[Moment, ...]:
        finder = MomentSearch(self.catalogue, self.index, TEXT, VISUAL, LEXICAL)
        return QuestionSearch(self.catalogue, finder, steps or Steps()).find(Question(question))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path)
    yield made
    made.catalogue.close()


def starts(moments: Sequence[Moment]) -> list[float]:
    return [moment.span.start_s for moment in moments]


def moment_at(start_s: float, score: float, video_id: str = "v") -> Moment:
    return Moment(video_id, "The port", Span(start_s, start_s + 5), score, Modality.SPEECH, (), ())


def test_what_the_best_moment_leads_to_is_found_and_says_so(library: Library) -> None:
    question = "how became the harbour merchant rich"
    assert 0 not in starts(library.find(question, Steps(hops=False)))
    found = library.find(question)
    assert found[0].span.start_s == 160
    [lead] = [moment for moment in found if moment.span.start_s == 0]
    told = [(reason.kind, reason.matched) for reason in lead.reasons]
    assert (ReasonKind.LINK, "follows “The port” at 2:40") in told


def test_the_words_that_lead_somewhere_do_not_lead_to_themselves(library: Library) -> None:
    question = "children count penguins"
    assert starts(library.find(question, Steps(hops=False))) == [200]
    assert 208 not in starts(library.find(question))


def test_a_moment_of_a_question_holds_the_sentence_beside(library: Library) -> None:
    question = "soup kitchens fed families"
    [best, *_] = library.find(question)
    assert (best.span, [item.text for item in best.evidence]) == (Span(80, 90), [LINES[80], LINES[85]])
    assert library.find(question, Steps(passages=False))[0].span == Span(80, 85)


def test_a_picture_of_a_question_holds_its_scene(library: Library) -> None:
    [video] = library.catalogue.list_videos("default").items
    segment = library.catalogue.list_segments(video.id)[0]
    glimpse = Moment(
        video.id, "", Span(2, 3), 0.9, Modality.VISUAL, (), (), segment_ids=(segment.id, "of a deleted video")
    )
    [scene] = QuestionSearch(library.catalogue, TwoRoundFinder([glimpse], [])).find(Question("which ship"))
    assert (scene.span, [item.text for item in scene.evidence]) == (Span(0, 5), [LINES[0]])
    gone = replace(glimpse, segment_ids=("of a deleted video",))
    assert QuestionSearch(library.catalogue, TwoRoundFinder([gone], [])).find(Question("which ship")) == (gone,)


def test_only_what_fits_nearly_as_well_as_the_best_stays_in_front() -> None:
    several = [moment_at(start_s, score) for start_s, score in ((0, 0.8), (20, 0.61), (40, 0.5), (60, 0.79))]
    assert starts(take_front(several)) == [0, 20]
    assert starts(take_front([moment_at(20.0 * at, 0.8) for at in range(9)])) == [0, 20, 40, 60]
    assert take_front([]) == []


def test_what_two_followed_moments_lead_to_comes_before_what_only_one_does() -> None:
    first, second = [moment_at(60, 0.6), moment_at(80, 0.5)], [moment_at(100, 0.7), moment_at(81, 0.45)]
    assert starts(pool_leads([first, second])) == [80, 100, 81, 60]
    assert starts(pool_leads([first])) == [60, 80]
    assert pool_leads([]) == []


class TwoRoundFinder:
    """Finds some moments for the question, and others for what they lead to."""

    def __init__(self, fitting: Sequence[Moment], led_to: Sequence[Moment]) -> None:
        self._fitting, self._led_to = fitting, led_to
        self.followed: list[str] = []

    def plan(self, request: SearchRequest) -> QueryPlan:
        return QueryPlan(request.query, request.query)

    def find(self, request: SearchRequest) -> tuple[Moment, ...]:
        assert request.plan is not None
        if not request.plan.led_by:
            return tuple(self._fitting)
        self.followed.append(request.plan.text)
        return tuple(self._led_to)


def test_leads_are_found_behind_any_number_of_known_places_and_from_what_is_only_shown(library: Library) -> None:
    slide = Evidence("e", "w", 0, Span(0, 16), Modality.SCREEN, "Pelham studio", 0.9, "test", "en")
    front = [
        replace(moment_at(start_s, 0.9, "w"), span=Span(start_s, start_s + 16), evidence=(slide,))
        for start_s in (0, 100, 200)
    ]
    inside = [moment_at(moment.span.start_s + shift_s, 0.8, "w") for moment in front for shift_s in (0, 6, 11)]
    finder = TwoRoundFinder(front, [*inside, moment_at(300, 0.5, "w"), moment_at(320, 0.4, "w")])
    found = QuestionSearch(library.catalogue, finder).find(Question("who links them"))
    assert starts(found) == [0, 100, 200, 300, 320]
    assert finder.followed == ["who links them Pelham studio"] * 3


def test_no_stretch_is_shown_twice(library: Library) -> None:
    found = library.find("harbour merchant became rich thanks to vessels diverted from elsewhere")
    assert len(starts(found)) == len(set(starts(found)))
    assert starts(found)[0] == 160


def test_a_question_that_quotes_is_taken_at_its_word(library: Library) -> None:
    assert starts(library.find('who says "harbour merchant became rich"?')) == [160]


def test_nothing_leads_nowhere(library: Library) -> None:
    assert library.find("quarterly tax report") == ()
