"""Expanding in the graph: events about the entities that a question names, which retrieval by words may have missed.

It does not know networkx; ``graph.walk`` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.protocols import EntityRecogniser, Question
from core.records import Entity, Event, Modality, Moment, Reason, ReasonKind
from core.stores import Catalogue
from graph.entities import normalise_name
from graph.walk import EventGraph

MAX_EXPANDED = 4
"""Events added to an answer's evidence; they come after everything that was found by words."""

MAX_EVENTS = 400
"""Events read around the named entities; a name in more of them tells nothing apart."""

SHARE_OF_LAST = 0.5
"""An expanded moment scores this share of the weakest retrieved one: it supports, it does not win."""


class GraphExpander:
    """Finds events related to a question by the entities it names."""

    def __init__(self, catalogue: Catalogue, recogniser: EntityRecogniser) -> None:
        self._catalogue = catalogue
        self._recogniser = recogniser

    def expand(self, question: Question, moments: Sequence[Moment]) -> tuple[Moment, ...]:
        """Return moments of events about the named entities that no moment covers yet; none when no name is known.

        Only adds to what was found: with nothing found there is nothing, since a name alone answers no question.
        """
        if not moments:
            return ()
        related = self.rank_events(self.name_entities(question), question, limit=MAX_EXPANDED * 3)
        fresh = [event for event in related if not _is_covered(event, moments)][:MAX_EXPANDED]
        return self.show(fresh, score=round(moments[-1].score * SHARE_OF_LAST, 4))

    def name_entities(self, question: Question) -> list[Entity]:
        """Return the library's entities that the question names by their name or an alias."""
        return self.find_called(
            [name.text for name in self._recogniser.find_names([question.text])[0]], question.tenant
        )

    def find_called(self, names: Iterable[str], tenant: str) -> list[Entity]:
        """Return the entities of which one of the names is the name or an alias."""
        found: dict[str, Entity] = {}
        for name in names:
            key = normalise_name(name)
            for entity in self._catalogue.list_entities(tenant, query=name, limit=10).items:
                if key in {normalise_name(known) for known in (entity.name, *entity.aliases)}:
                    found[entity.id] = entity
        return list(found.values())

    def rank_events(self, entities: Sequence[Entity], question: Question, *, limit: int) -> list[Event]:
        """Return the events around the entities, in the videos asked of, those around most of them first."""
        events = self._events_about(entities, question)
        if not events:  # without ids, the links of the whole library would be read
            return []
        links = self._catalogue.list_links(video_ids=sorted({event.video_id for event in events}))
        related = EventGraph(events, entities, links).related_events([entity.id for entity in entities], limit=limit)
        return [found.event for found in related]

    def _events_about(self, entities: Sequence[Entity], question: Question) -> list[Event]:
        events: dict[str, Event] = {}
        for entity in entities:
            page = self._catalogue.list_events(
                question.tenant, video_ids=question.video_ids, entity_id=entity.id, limit=MAX_EVENTS // len(entities)
            )
            events.update((event.id, event) for event in page.items)
        return list(events.values())

    def show(self, events: Sequence[Event], *, score: float) -> tuple[Moment, ...]:
        """Return a moment for each event, with all of its evidence; none of videos that are gone."""
        videos = self._catalogue.get_videos(sorted({event.video_id for event in events}))
        evidence = self._catalogue.get_evidence([i for event in events for i in event.evidence_ids])
        return tuple(
            Moment(
                video_id=event.video_id,
                video_title=videos[event.video_id].title,
                span=event.span,
                score=score,
                modality=Modality.METADATA,
                evidence=tuple(evidence[i] for i in event.evidence_ids if i in evidence),
                reasons=(Reason(Modality.METADATA, score, matched="the event graph", kind=ReasonKind.LINK),),
                segment_ids=event.segment_ids,
                video_revision=videos[event.video_id].revision,
            )
            for event in events
            if event.video_id in videos
        )


def _is_covered(event: Event, moments: Sequence[Moment]) -> bool:
    return any(moment.video_id == event.video_id and moment.span.overlap_s(event.span) > 0 for moment in moments)
