"""Writes a video's share of the event knowledge graph: replaced as a whole, entities shared with other videos.

It does not know how events and entities are found. Callers hold the lock of the tenant's graph, since counts of an
entity come from the mentions of all videos.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update

from adapters.sql_engine import is_in
from adapters.sql_schema import entities, event_entities, events, links, mentions
from core.records import Entity, Event, Link, Mention


def clear_graph(connection: Connection, video_id: str) -> None:
    """Remove the video's events, mentions and links, and the entities that nobody mentions any more."""
    mentioned = _delete_rows(connection, video_id)
    recount_entities(connection, mentioned)


def replace_graph(
    connection: Connection,
    video_id: str,
    tenant: str,
    *,
    events_: Sequence[Event],
    entities_: Sequence[Entity],
    mentions_: Sequence[Mention],
    links_: Sequence[Link],
) -> None:
    """Put the video's new graph rows in the place of its old ones."""
    affected = _delete_rows(connection, video_id)
    _merge_entities(connection, tenant, entities_)
    affected |= {entity.id for entity in entities_} | {mention.entity_id for mention in mentions_}
    for table, rows in (
        (events, [_event_row(event) for event in events_]),
        (event_entities, _event_entity_rows(events_, mentions_)),
        (mentions, [_mention_row(mention) for mention in mentions_]),
        (links, [_link_row(link) for link in links_]),
    ):
        if rows:
            connection.execute(insert(table), rows)
    recount_entities(connection, affected)


def recount_entities(connection: Connection, entity_ids: Collection[str]) -> None:
    """Bring the counts of these entities up to date, and remove those without mentions."""
    counted = (
        select(
            mentions.c.entity_id,
            func.count().label("n_mentions"),
            func.count(mentions.c.video_id.distinct()).label("n_videos"),
        )
        .where(is_in(connection, mentions.c.entity_id, entity_ids))
        .group_by(mentions.c.entity_id)
        .subquery()
    )
    recounted = update(entities).where(entities.c.id == counted.c.entity_id)
    connection.execute(recounted.values(n_mentions=counted.c.n_mentions, n_videos=counted.c.n_videos))
    is_mentioned = exists().where(mentions.c.entity_id == entities.c.id)
    connection.execute(delete(entities).where(is_in(connection, entities.c.id, entity_ids), ~is_mentioned))


def search_text(name: str, aliases: Sequence[str]) -> str:
    """Return what ``list_entities`` searches: name and aliases without case, one a line.

    >>> search_text("Straße", ["STR"])
    'strasse\\nstr'
    """
    return "\n".join(text.casefold() for text in (name, *aliases))


def _delete_rows(connection: Connection, video_id: str) -> set[str]:
    """Delete the video's rows and return the ids of the entities it mentioned."""
    mentioned = set(connection.scalars(select(mentions.c.entity_id).where(mentions.c.video_id == video_id).distinct()))
    for table in (mentions, links, events):
        connection.execute(delete(table).where(table.c.video_id == video_id))
    return mentioned


def _merge_entities(connection: Connection, tenant: str, entities_: Sequence[Entity]) -> None:
    """Insert new entities; of known ones take the new name and kind, and keep every name they ever had as an alias."""
    new_by_id: dict[str, dict[str, object]] = {}
    given = is_in(connection, entities.c.id, {entity.id for entity in entities_})
    known = select(entities).where(given, entities.c.tenant == tenant)
    known_by_id = {row.id: row for row in connection.execute(known)}
    names_by_id = {row.id: [row.name, *row.aliases] for row in known_by_id.values()}
    for entity in entities_:
        names = dict.fromkeys([*names_by_id.get(entity.id, ()), entity.name, *entity.aliases])
        aliases = [name for name in names if name != entity.name]
        names_by_id[entity.id] = [entity.name, *aliases]
        new_by_id[entity.id] = {
            "id": entity.id,
            "tenant": tenant,
            "kind": entity.kind,
            "name": entity.name,
            "aliases": aliases,
            "search_text": search_text(entity.name, aliases),
            "n_mentions": 0,
            "n_videos": 0,
        }
    inserted = [row for id_, row in new_by_id.items() if id_ not in known_by_id]
    if inserted:
        connection.execute(insert(entities), inserted)
    columns = ("kind", "name", "aliases", "search_text")
    changed = [
        {"key": id_, **{name: row[name] for name in columns}} for id_, row in new_by_id.items() if id_ in known_by_id
    ]
    if changed:
        values = {name: bindparam(name, type_=entities.c[name].type) for name in columns}
        connection.execute(update(entities).where(entities.c.id == bindparam("key")).values(values), changed)


def _event_row(event: Event) -> dict[str, object]:
    return {
        "id": event.id,
        "video_id": event.video_id,
        "number": event.number,
        "start_s": event.span.start_s,
        "end_s": event.span.end_s,
        "summary": event.summary,
        "evidence_ids": list(event.evidence_ids),
        "segment_ids": list(event.segment_ids),
        "participant_ids": list(event.participant_ids),
    }


def _event_entity_rows(events_: Sequence[Event], mentions_: Sequence[Mention]) -> list[dict[str, str]]:
    """Return which entities an event concerns: its participants and whom its evidence mentions."""
    event_ids = {event.id for event in events_}
    pairs = {(entity_id, event.id) for event in events_ for entity_id in event.participant_ids}
    pairs |= {(item.entity_id, item.event_id) for item in mentions_ if item.event_id in event_ids}
    return [{"entity_id": entity_id, "event_id": str(event_id)} for entity_id, event_id in sorted(pairs)]


def _mention_row(mention: Mention) -> dict[str, object]:
    return {
        "entity_id": mention.entity_id,
        "video_id": mention.video_id,
        "evidence_id": mention.evidence_id,
        "event_id": mention.event_id,
        "start_s": mention.span.start_s,
        "end_s": mention.span.end_s,
        "surface": mention.surface,
    }


def _link_row(link: Link) -> dict[str, object]:
    return {
        "source_id": link.source_id,
        "target_id": link.target_id,
        "kind": link.kind,
        "video_id": link.video_id,
        "evidence_ids": list(link.evidence_ids),
        "weight": link.weight,
    }
