"""The event knowledge graph in the database: finished with its video, listed by the API, walked by ``graph/``.

It does not know networkx, nor how entities are told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, or_, select, tuple_, update

from adapters.sql_cursors import decode_cursor, encode_cursor
from adapters.sql_engine import SqlStore, is_in
from adapters.sql_graph_rows import replace_graph
from adapters.sql_outbox import n_unfinished_parts
from adapters.sql_schema import entities, event_entities, events, links, mentions, videos
from core.errors import NotFound
from core.records import Entity, Event, Link, Mention, Page, Span


class SqlGraph(SqlStore):
    """The graph's rows."""

    def finish_video(
        self,
        video_id: str,
        *,
        language: str | None,
        events: Sequence[Event],
        entities: Sequence[Entity],
        mentions: Sequence[Mention],
        links: Sequence[Link],
    ) -> None:
        """Replace the graph rows and mark the video finished; one that is gone, or has open parts, is left alone.

        The hint may come late: the video may be indexed again by then, and is finished when that is done.

        A finished video with no published part reads as failed, with its first part's failure.
        """
        visible = (videos.c.id == video_id) & videos.c.deleting_at.is_(None)
        with self._db.write() as connection:
            # The row is locked, so that the video is not reopened between the look at its parts and the update.
            tenant = connection.scalar(select(videos.c.tenant).where(visible).with_for_update(key_share=True))
            if tenant is None or n_unfinished_parts(connection, video_id):
                return
            self._db.lock(connection, f"graph of {tenant}")
            finished = update(videos).where(visible).values(finished_at=self._now(), language=language, failure=None)
            if connection.execute(finished).rowcount == 0:
                return
            replace_graph(
                connection,
                video_id,
                tenant,
                events_=events,
                entities_=entities,
                mentions_=mentions,
                links_=links,
            )

    def list_events(
        self,
        tenant: str,
        *,
        video_ids: Sequence[str] = (),
        entity_id: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Return events by age of their video, then in time order."""
        key = (videos.c.created_at, videos.c.id, events.c.start_s, events.c.id)
        found = (
            select(events, videos.c.created_at)
            .join(videos, videos.c.id == events.c.video_id)
            .where(videos.c.tenant == tenant, videos.c.deleting_at.is_(None))
        )
        if entity_id is not None:
            found = found.join(event_entities, event_entities.c.event_id == events.c.id)
            found = found.where(event_entities.c.entity_id == entity_id)
        if cursor is not None:
            found = found.where(tuple_(*key) > decode_cursor(cursor, float, str, float, str))
        with self._db.read() as connection:
            if video_ids:
                found = found.where(is_in(connection, videos.c.id, video_ids))
            rows = connection.execute(found.order_by(*key).limit(limit + 1)).all()
        shown = rows[:limit]
        is_last = len(rows) <= limit
        last = None if is_last else encode_cursor(*(getattr(shown[-1], name) for name in _EVENT_KEY))
        return Page(tuple(_event_of(row) for row in shown), last)

    def list_entities(
        self,
        tenant: str,
        *,
        query: str | None = None,
        kind: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        found = select(entities).where(entities.c.tenant == tenant)
        if query is not None and query.strip():
            found = found.where(entities.c.search_text.contains(query.strip().casefold(), autoescape=True))
        if kind is not None:
            found = found.where(entities.c.kind == kind)
        if cursor is not None:
            found = found.where(_after_entity(cursor))
        found = found.order_by(entities.c.n_mentions.desc(), entities.c.name, entities.c.id).limit(limit + 1)
        with self._db.read() as connection:
            rows = connection.execute(found).all()
        shown = rows[:limit]
        is_last = len(rows) <= limit
        last = None if is_last else encode_cursor(shown[-1].n_mentions, shown[-1].name, shown[-1].id)
        return Page(tuple(_entity_of(row) for row in shown), last)

    def get_entity(self, entity_id: str) -> Entity:
        with self._db.read() as connection:
            row = connection.execute(select(entities).where(entities.c.id == entity_id)).first()
        if row is None:
            raise NotFound(f"there is no entity {entity_id}", remedy="List the entities to see which exist.")
        return _entity_of(row)

    def list_mentions(self, *, entity_id: str | None = None, video_id: str | None = None) -> list[Mention]:
        """Return mentions video by video, in time order."""
        found = select(mentions)
        if entity_id is not None:
            found = found.where(mentions.c.entity_id == entity_id)
        if video_id is not None:
            found = found.where(mentions.c.video_id == video_id)
        with self._db.read() as connection:
            rows = connection.execute(found.order_by(mentions.c.video_id, mentions.c.start_s, mentions.c.id))
            return [_mention_of(row) for row in rows]

    def list_links(self, *, video_ids: Sequence[str] = ()) -> list[Link]:
        """Return links video by video, in the order they were written; all of them without ids."""
        found = select(links).order_by(links.c.video_id, links.c.id)
        with self._db.read() as connection:
            if video_ids:
                found = found.where(is_in(connection, links.c.video_id, video_ids))
            return [_link_of(row) for row in connection.execute(found)]


_EVENT_KEY = ("created_at", "video_id", "start_s", "id")


def _after_entity(cursor: str) -> Any:
    n_mentions, name, id_ = decode_cursor(cursor, int, str, str)
    return or_(
        entities.c.n_mentions < n_mentions,
        and_(entities.c.n_mentions == n_mentions, tuple_(entities.c.name, entities.c.id) > (name, id_)),
    )


def _event_of(row: Any) -> Event:
    return Event(
        id=row.id,
        video_id=row.video_id,
        number=row.number,
        span=Span(row.start_s, row.end_s),
        summary=row.summary,
        evidence_ids=tuple(row.evidence_ids),
        segment_ids=tuple(row.segment_ids),
        participant_ids=tuple(row.participant_ids),
    )


def _entity_of(row: Any) -> Entity:
    return Entity(row.id, row.tenant, row.kind, row.name, tuple(row.aliases), row.n_mentions, row.n_videos)


def _mention_of(row: Any) -> Mention:
    span = Span(row.start_s, row.end_s)
    return Mention(row.entity_id, row.video_id, row.evidence_id, row.event_id, span, row.surface)


def _link_of(row: Any) -> Link:
    return Link(row.source_id, row.target_id, row.kind, row.video_id, tuple(row.evidence_ids), row.weight)
