"""Events, entities and walks: neighbours merge by meaning, names resolve without chaining."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from core.records import Evidence, Modality, Segment, Span, Video, VideoStatus
from core.signals import NamedSpan
from graph.build import MENTIONS, NEXT, build_video_graph
from graph.entities import Resolver
from graph.events import merge_into_events
from graph.walk import EventGraph

NAMES = {"Ada Lovelace": "person", "Lovelace": "person", "Lisbon": "place", "Porto": "place"}


class NameList:
    """A recogniser that knows the names of a short list."""

    name = "list"

    def find_names(self, texts: list[str]) -> list[list[NamedSpan]]:
        return [[NamedSpan(name, kind, 0, len(name)) for name, kind in NAMES.items() if name in text] for text in texts]


def video() -> Video:
    return Video("v", "default", "A day", "a.mp4", "h", "k", 1, VideoStatus.INDEXING, datetime(2026, 1, 1, tzinfo=UTC))


def said(number: int, text: str) -> Evidence:
    return Evidence(f"e{number}", "v", 0, Span(number * 8, number * 8 + 6), Modality.SPEECH, text, 0.9, "test")


def segment(number: int) -> Segment:
    return Segment(f"s{number}", "v", 0, number, Span(number * 8, number * 8 + 8), (f"e{number}",))


TEXTS = ["Ada Lovelace left Lisbon", "Lovelace had worked there for years", "In Porto the mill burned"]
VECTORS = {"s0": np.array([1.0, 0.1]), "s1": np.array([1.0, 0.0]), "s2": np.array([0.0, 1.0])}


def build():
    evidence = [said(number, text) for number, text in enumerate(TEXTS)]
    return build_video_graph(
        video(), [segment(n) for n in range(3)], evidence, VECTORS, recogniser=NameList(), known_entities=()
    )


def test_neighbours_that_mean_the_same_become_one_event() -> None:
    graph = build()
    assert [event.span for event in graph.events] == [Span(0, 16), Span(16, 24)]
    assert graph.events[0].evidence_ids == ("e0", "e1")
    assert graph.events[0].summary in TEXTS


def test_a_gap_ends_an_event_however_alike_its_sides_are() -> None:
    far = [segment(0), segment(9)]
    evidence = {"e0": said(0, "a"), "e9": said(9, "a")}
    assert len(merge_into_events("v", far, evidence, {"s0": VECTORS["s0"], "s9": VECTORS["s0"]})) == 2


def test_building_again_gives_the_same_ids() -> None:
    assert build() == build()


def test_a_surname_means_the_person_named_in_full() -> None:
    graph = build()
    ada = next(entity for entity in graph.entities if entity.name == "Ada Lovelace")
    assert ada.aliases == ("Lovelace",)
    assert {mention.evidence_id for mention in graph.mentions if mention.entity_id == ada.id} == {"e0", "e1"}
    assert ada.id in graph.events[0].participant_ids


def test_links_follow_time_and_names() -> None:
    graph = build()
    assert [(link.source_id, link.target_id) for link in graph.links if link.kind == NEXT] == [
        (graph.events[0].id, graph.events[1].id)
    ]
    assert {link.source_id for link in graph.links if link.kind == MENTIONS} == {event.id for event in graph.events}


@pytest.mark.parametrize(
    ("first", "second", "kind", "is_same"),
    [
        ("Ada Lovelace", "ada lovelace", "person", True),
        ("Dr. Ada Lovelace", "Lovelace's", "person", True),
        ("Heidelberg", "Heidelburg", "place", True),
        ("Iran", "Iraq", "place", False),
        ("World Health Organization", "WHO", "organisation", True),
        ("Lovelace", "Lovelace", "place", True),
    ],
)
def test_names_resolve_by_more_than_exact_match(first: str, second: str, kind: str, is_same: bool) -> None:
    resolver = Resolver("default", [])
    assert (resolver.resolve(first, kind) == resolver.resolve(second, kind)) is is_same


def test_a_first_name_two_people_share_is_given_to_neither() -> None:
    resolver = Resolver("default", [])
    ada, other = resolver.resolve("Ada Lovelace", "person"), resolver.resolve("Ada Yonath", "person")
    assert resolver.resolve("Ada", "person") not in (ada, other)


def test_kinds_are_kept_apart() -> None:
    resolver = Resolver("default", [])
    assert resolver.resolve("Washington", "person") != resolver.resolve("Washington", "place")


def test_entities_known_to_the_library_are_found_again_in_another_video() -> None:
    known = build().entities
    resolver = Resolver("default", known)
    ada = next(entity for entity in known if entity.name == "Ada Lovelace")
    assert resolver.resolve("Lovelace", "person") == ada.id


def test_a_walk_reaches_events_about_an_entity_and_their_neighbours() -> None:
    graph = build()
    view = EventGraph(graph.events, graph.entities, graph.links)
    porto = next(entity for entity in graph.entities if entity.name == "Porto")
    assert [found.event.number for found in view.related_events([porto.id], max_hops=1)] == [1]
    assert [found.event.number for found in view.related_events([porto.id], max_hops=2)] == [1, 0]
    assert view.related_events(["nobody"]) == []
