"""Entities, events and links as JSON.

It does not know how the graph is built or walked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from pydantic import Field

from api.schemas.base import View
from core.records import Entity, Event, Link, Mention, Page


class EntityView(View):
    """A person, organisation, place, object, work or concept, across all videos."""

    id: str
    kind: str
    name: str
    aliases: list[str]
    n_mentions: int
    n_videos: int

    @classmethod
    def of(cls, entity: Entity) -> Self:
        return cls(**_entity_fields(entity))


def _entity_fields(entity: Entity) -> dict[str, Any]:
    return {
        "id": entity.id,
        "kind": entity.kind,
        "name": entity.name,
        "aliases": list(entity.aliases),
        "n_mentions": entity.n_mentions,
        "n_videos": entity.n_videos,
    }


class EntityPage(View):
    """Entities, most mentioned first."""

    entities: list[EntityView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page) -> Self:
        return cls(entities=[EntityView.of(entity) for entity in page.items], next_cursor=page.next_cursor)


class MentionView(View):
    """Where an entity is named; ``surface`` is the text as it stood there."""

    start_s: float
    end_s: float
    surface: str
    evidence_id: str
    event_id: str | None

    @classmethod
    def of(cls, mention: Mention) -> Self:
        return cls(
            start_s=mention.span.start_s,
            end_s=mention.span.end_s,
            surface=mention.surface,
            evidence_id=mention.evidence_id,
            event_id=mention.event_id,
        )


class VideoMentions(View):
    """Where an entity is named in one video, in time order."""

    video_id: str
    video_title: str
    mentions: list[MentionView]


class EntityDetail(EntityView):
    """An entity with everywhere it is named."""

    videos: list[VideoMentions]

    @classmethod
    def with_mentions(cls, entity: Entity, mentions: Iterable[Mention], title_by_video: dict[str, str]) -> Self:
        """Return the entity with its mentions by video; mentions in videos without a title are left out."""
        mentions_by_video: dict[str, list[Mention]] = {}
        for mention in sorted(mentions, key=lambda mention: mention.span):
            mentions_by_video.setdefault(mention.video_id, []).append(mention)
        videos = [
            VideoMentions(
                video_id=video_id,
                video_title=title_by_video[video_id],
                mentions=[MentionView.of(mention) for mention in found],
            )
            for video_id, found in mentions_by_video.items()
            if video_id in title_by_video
        ]
        return cls(**_entity_fields(entity), videos=videos)


class EventView(View):
    """Something that happens over a span of a video."""

    id: str
    video_id: str
    number: int
    start_s: float
    end_s: float
    summary: str
    evidence_ids: list[str]
    segment_ids: list[str]
    participant_ids: list[str] = Field(description="Ids of the entities that take part.")

    @classmethod
    def of(cls, event: Event) -> Self:
        return cls(
            id=event.id,
            video_id=event.video_id,
            number=event.number,
            start_s=event.span.start_s,
            end_s=event.span.end_s,
            summary=event.summary,
            evidence_ids=list(event.evidence_ids),
            segment_ids=list(event.segment_ids),
            participant_ids=list(event.participant_ids),
        )


class EventPage(View):
    """Events of the library."""

    events: list[EventView]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page) -> Self:
        return cls(events=[EventView.of(event) for event in page.items], next_cursor=page.next_cursor)


class LinkView(View):
    """A typed relation between two nodes of the graph."""

    source_id: str
    target_id: str
    kind: str = Field(examples=["next", "mentions"])
    video_id: str
    evidence_ids: list[str]
    weight: float

    @classmethod
    def of(cls, link: Link) -> Self:
        return cls(
            source_id=link.source_id,
            target_id=link.target_id,
            kind=link.kind,
            video_id=link.video_id,
            evidence_ids=list(link.evidence_ids),
            weight=link.weight,
        )


class LinkList(View):
    """Links between events and entities."""

    links: list[LinkView]
