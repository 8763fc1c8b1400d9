"""The contract of ``core.stores.GraphCatalogue``, over SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from core.errors import Conflict, NotFound
from core.records import (
    Entity,
    Event,
    Link,
    Span,
)
from core.stores import Catalogue
from tests.contracts.steps import (
    finish,
    mention,
    new_video,
    publish,
)
from tests.databases import Clock


class TestGraph:
    def test_rows_come_back_whole(self, catalogue: Catalogue) -> None:
        event = Event("ev1", "v1", 0, Span(0, 9), "Ada explains.", ("e1", "e2"), ("s1",), ("ada",))
        mentions = [mention("ada", "v1", 3.0), mention("ada", "v1", 1.0, event_id="ev1")]
        links = [Link("ev1", "ada", "mentions", "v1", ("e1",), 0.5), Link("ev1", "ev1", "next", "v1")]
        catalogue.add_video(new_video("v1"))
        publish(catalogue, "v1", [])
        finish(
            catalogue, "v1", events=[event], entities=[Entity("ada", "t", "person", "Ada", ("A. L.",))],
            mentions=mentions, links=links,
        )  # fmt: skip

        assert catalogue.list_events("t").items == (event,)
        assert catalogue.get_entity("ada") == Entity("ada", "t", "person", "Ada", ("A. L.",), 2, 1)
        assert catalogue.list_mentions(entity_id="ada") == mentions[::-1]
        assert catalogue.list_mentions(video_id="unknown") == []
        assert catalogue.list_links(video_ids=["v1", "unknown"]) == links

    def test_finishing_again_replaces_what_was_there(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1"))
        publish(catalogue, "v1", [])
        old = Event("ev1", "v1", 0, Span(0, 9), "Old.", ("e1",))
        new = Event("ev2", "v1", 0, Span(0, 9), "New.", ("e1",))
        people = [Entity("ada", "t", "person", "Ada"), Entity("bob", "t", "person", "Bob")]
        finish(catalogue, "v1", events=[old], entities=people, mentions=[mention("ada", "v1"), mention("bob", "v1")])
        for _ in range(2):
            finish(catalogue, "v1", events=[new], entities=people[:1], mentions=[mention("ada", "v1")])

        assert catalogue.list_events("t").items == (new,)
        assert [entity.id for entity in catalogue.list_entities("t").items] == ["ada"]
        assert catalogue.get_entity("ada").n_mentions == 1
        with pytest.raises(NotFound):
            catalogue.get_entity("bob")

    def test_an_entity_keeps_every_name_it_had(self, catalogue: Catalogue) -> None:
        for video_id, name, alias in (("v1", "Ada", "A."), ("v2", "Ada Lovelace", "Countess")):
            catalogue.add_video(new_video(video_id))
            publish(catalogue, video_id, [])
            entity = Entity("ada", "t", "person", name, (alias,))
            finish(catalogue, video_id, entities=[entity], mentions=[mention("ada", video_id)])

        entity = catalogue.get_entity("ada")
        assert entity.name == "Ada Lovelace"
        assert set(entity.aliases) == {"Ada", "A.", "Countess"}
        assert (entity.n_mentions, entity.n_videos) == (2, 2)

    def test_an_entity_id_of_another_tenant_is_not_taken_over(self, catalogue: Catalogue) -> None:
        for video_id, tenant in (("v1", "t"), ("v2", "u")):
            catalogue.add_video(new_video(video_id, tenant=tenant))
            publish(catalogue, video_id, [])
        finish(catalogue, "v1", entities=[Entity("ada", "t", "person", "Ada")], mentions=[mention("ada", "v1")])
        with pytest.raises(Conflict):
            finish(catalogue, "v2", entities=[Entity("ada", "u", "person", "Eve")], mentions=[mention("ada", "v2")])
        assert catalogue.get_entity("ada").aliases == ()

    def test_events_are_listed_by_video_then_time_in_pages(self, catalogue: Catalogue, clock: Clock) -> None:
        for video_id in ("v2", "v1"):
            catalogue.add_video(new_video(video_id))
            publish(catalogue, video_id, [])
            events = [
                Event(f"{video_id}-{n}", video_id, n, Span(10 - n, 20), "…", ("e",), (), ("ada",) if n == 1 else ())
                for n in range(3)
            ]
            finish(catalogue, video_id, events=events)
            clock.advance(1)

        listed: list[str] = []
        cursor = None
        while True:
            page = catalogue.list_events("t", limit=4, cursor=cursor)
            listed += [event.id for event in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert listed == ["v2-2", "v2-1", "v2-0", "v1-2", "v1-1", "v1-0"]
        assert [event.id for event in catalogue.list_events("t", entity_id="ada").items] == ["v2-1", "v1-1"]
        assert [event.video_id for event in catalogue.list_events("t", video_ids=["v1"]).items] == ["v1"] * 3
        assert catalogue.list_events("u").items == ()

    def test_entities_are_listed_most_mentioned_first(self, catalogue: Catalogue) -> None:
        catalogue.add_video(new_video("v1"))
        publish(catalogue, "v1", [])
        people = [Entity(f"p{n}", "t", "person", f"Person {n}") for n in range(4)]
        place = Entity("place", "t", "place", "Straße 100%", ("Main_Street",))
        mentions = [mention(entity.id, "v1") for entity in [*people, place]] + [mention("p2", "v1", 5.0)]
        finish(catalogue, "v1", entities=[*people, place], mentions=mentions)

        listed: list[str] = []
        cursor = None
        while True:
            page = catalogue.list_entities("t", limit=2, cursor=cursor)
            listed += [entity.id for entity in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert listed == ["p2", "p0", "p1", "p3", "place"]
        assert [entity.id for entity in catalogue.list_entities("t", kind="place").items] == ["place"]

    @pytest.mark.parametrize(
        ("query", "is_found"),
        [("STRASSE", True), ("main_s", True), ("100%", True), ("  Straße ", True), ("s_r", False), ("0%0", False),
         ("\\", False), ("", True), ("strasse 100%\nmain", True)],
    )  # fmt: skip
    def test_entities_are_found_by_any_name_without_case(
        self, catalogue: Catalogue, query: str, is_found: bool
    ) -> None:
        catalogue.add_video(new_video("v1"))
        publish(catalogue, "v1", [])
        place = Entity("place", "t", "place", "Straße 100%", ("Main_Street",))
        finish(catalogue, "v1", entities=[place], mentions=[mention("place", "v1")])
        assert bool(catalogue.list_entities("t", query=query).items) is is_found


class TestOpening:
    def test_a_database_that_answers_is_silent(self, catalogue: Catalogue) -> None:
        catalogue.ping()
