"""Building a video's part of the event knowledge graph: events, entities, mentions and the links between them.

It does not know where rows are stored, nor which recogniser finds the names.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.protocols import EntityRecogniser
from core.records import Entity, Event, Evidence, Link, Mention, Segment, Video
from core.signals import FloatArray
from graph.entities import Resolver, find_mentions
from graph.events import merge_into_events

NEXT = "next"
MENTIONS = "mentions"


@dataclass(frozen=True, slots=True)
class VideoGraph:
    """What one video adds to the graph."""

    events: tuple[Event, ...]
    entities: tuple[Entity, ...]
    mentions: tuple[Mention, ...]
    links: tuple[Link, ...]


def build_video_graph(
    video: Video,
    segments: Sequence[Segment],
    evidence: Sequence[Evidence],
    vector_by_segment: Mapping[str, FloatArray],
    *,
    recogniser: EntityRecogniser,
    known_entities: Sequence[Entity],
) -> VideoGraph:
    """Return the video's events with participants, the entities it mentions, and its ``next`` and ``mentions`` links.

    The same input gives the same ids, so building again replaces and never doubles.
    """
    events = merge_into_events(video.id, segments, {item.id: item for item in evidence}, vector_by_segment)
    event_by_evidence = {evidence_id: event.id for event in reversed(events) for evidence_id in event.evidence_ids}
    resolver = Resolver(video.tenant, known_entities)
    names = recogniser.find_names([item.text for item in evidence]) if evidence else []
    mentions = find_mentions(resolver, evidence, names, event_by_evidence)
    return VideoGraph(
        events=tuple(_with_participants(event, mentions) for event in events),
        entities=tuple(resolver.entities(mention.entity_id for mention in mentions)),
        mentions=tuple(mentions),
        links=(*_next_links(video.id, events), *_mention_links(video.id, mentions)),
    )


def _with_participants(event: Event, mentions: Sequence[Mention]) -> Event:
    ids = dict.fromkeys(mention.entity_id for mention in mentions if mention.event_id == event.id)
    return replace(event, participant_ids=tuple(ids))


def _next_links(video_id: str, events: Sequence[Event]) -> list[Link]:
    return [Link(earlier.id, later.id, NEXT, video_id) for earlier, later in itertools.pairwise(events)]


def _mention_links(video_id: str, mentions: Sequence[Mention]) -> list[Link]:
    """Return one link an event and entity, weighted by how often the one names the other."""
    evidence_by_pair: dict[tuple[str, str], list[str]] = {}
    for mention in mentions:
        if mention.event_id is not None:
            evidence_by_pair.setdefault((mention.event_id, mention.entity_id), []).append(mention.evidence_id)
    return [
        Link(event_id, entity_id, MENTIONS, video_id, tuple(evidence_ids), weight=float(len(evidence_ids)))
        for (event_id, entity_id), evidence_ids in evidence_by_pair.items()
    ]
