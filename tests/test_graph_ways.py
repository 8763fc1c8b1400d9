"""The ways that ``benchmarks.graph`` compares: what the graph of a small library ranks, and how rankings are joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from adapters.sql_catalogue import SqlCatalogue
from benchmarks.graph_anchors import EventFit
from benchmarks.graph_ways import GraphRankings, fill, fuse, lead, list_names
from core.protocols import Question
from core.records import Entity, Event, Link, Mention, Modality, Moment, Span
from tests.contracts.steps import finish, new_video, publish, speech
from tests.fakes.encoders import FakeNameRecogniser, FakeTextEncoder

SAID = {
    0: "the mill of Porto burned",
    20: "Ada Lovelace came to Porto",
    40: "nobody paid anything",
    60: "Ada Lovelace left by ship",
}
ADA, PORTO = "ada", "porto"
NAMED = {0: [PORTO], 20: [ADA, PORTO], 60: [ADA]}


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[SqlCatalogue]:
    """A video of four events of one sentence each, and one that tells of nobody."""
    made = SqlCatalogue.open(f"sqlite:///{tmp_path / 'catalogue.db'}")
    for video_id in ("v", "other"):
        made.add_video(new_video(video_id, tenant="default"))
        publish(made, video_id, [speech(f"e{at}", "v", at, at + 8, text=SAID[at]) for at in SAID if video_id == "v"])
    finish(
        made,
        "v",
        events=[
            Event(f"n{at}", "v", number, Span(at, at + 8), SAID[at], (f"e{at}",), (), tuple(NAMED.get(at, ())))
            for number, at in enumerate(SAID)
        ],
        entities=[Entity(ADA, "default", "person", "Ada Lovelace"), Entity(PORTO, "default", "place", "Porto")],
        mentions=[
            Mention(entity_id, "v", f"e{at}", f"n{at}", Span(at, at + 8), entity_id)
            for at, named in NAMED.items()
            for entity_id in named
        ],
        links=[Link(f"n{at}", entity_id, "mentions", "v") for at, named in NAMED.items() for entity_id in named],
    )
    yield made
    made.close()


@pytest.fixture
def graph(catalogue: SqlCatalogue) -> GraphRankings:
    return GraphRankings(catalogue, FakeNameRecogniser())


def starts(moments: Sequence[Moment]) -> list[float]:
    return [moment.span.start_s for moment in moments]


def moment_at(start_s: float, score: float = 0.8) -> Moment:
    item = speech(f"e{start_s}", "v", start_s, start_s + 8)
    return Moment("v", "A talk", Span(start_s, start_s + 8), score, Modality.SPEECH, (item,), ())


def test_names_are_found_word_for_word_where_no_recogniser_finds_them(graph: GraphRankings) -> None:
    question = Question("When did Ada Lovelace leave Porto?")
    assert [entity.id for entity in graph.recognising.name_entities(question)] == [ADA]
    assert {entity.id for entity in graph.spelling.name_entities(question)} == {ADA, PORTO}
    assert list_names("who built Tern Lock?") == ["Tern", "Tern Lock", "Lock"]


def test_events_and_mentions_of_most_names_come_first(graph: GraphRankings) -> None:
    question = Question("When did Ada Lovelace leave Porto?")
    named = graph.spelling.name_entities(question)
    assert starts(graph.show_events(named, question)) == [20, 0, 60]
    assert starts(graph.show_mentions(named, question)) == [20, 0, 60]
    assert graph.show_events([], question) == []


def test_only_the_videos_asked_of_are_told_of(graph: GraphRankings) -> None:
    elsewhere = Question("When did Ada Lovelace leave Porto?", video_ids=("other",))
    named = graph.spelling.name_entities(elsewhere)
    assert graph.show_events(named, elsewhere) == []
    assert graph.show_mentions(named, elsewhere) == []
    assert graph.hop([moment_at(20)], elsewhere) == []


def test_a_hop_leads_to_other_events_that_mention_what_the_best_moments_mention(graph: GraphRankings) -> None:
    assert starts(graph.hop([moment_at(0)], Question("what burned?"))) == [20]
    assert graph.hop([moment_at(40)], Question("what did it cost?")) == []


def test_rankings_are_joined_by_place_and_by_rank() -> None:
    found, told = [moment_at(0), moment_at(20), moment_at(40, 0.3)], [moment_at(42), moment_at(60)]
    assert starts(fuse(found, told)) == [40, 0, 20, 60]
    assert starts(fuse(found, told, weight=0.5)) == [40, 0, 20, 60]
    assert starts(fuse(found, told[1:], weight=0.5)) == [0, 20, 40, 60]
    assert starts(lead(found, told)) == [0, 20, 42, 60]
    assert starts(fill(found, told)) == [0, 20, 40, 60]


def test_an_event_fits_by_its_best_sentence_and_by_the_names_it_shares(
    catalogue: SqlCatalogue, graph: GraphRankings
) -> None:
    fit = EventFit(catalogue, FakeTextEncoder(), graph.spelling)
    events, sentences = fit.rank(Question("Ada Lovelace left by ship", video_ids=("v",)))
    assert (starts(events)[0], [item.text for item in sentences[0].evidence]) == (60, [SAID[60]])
    assert fit.rank(Question("Ada Lovelace", video_ids=("other",))) == ([], [])
