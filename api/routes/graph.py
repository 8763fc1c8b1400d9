"""Routes of the event knowledge graph: who and what is mentioned, what happens, how it hangs together.

It does not know how the graph is built or walked.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.dependencies import TENANT, Services, ServicesNeeded, require_videos
from api.schemas import EntityDetail, EntityPage, EventPage, EventView, LinkList, LinkView
from core.errors import NotFound
from core.ids import is_id

router = APIRouter(prefix="/v1/graph", tags=["graph"])

Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.", max_length=500)]
Limit = Annotated[int, Query(ge=1, le=500, description="Items on a page.")]
Id = Annotated[str, Path(max_length=64)]
VideoFilter = Annotated[list[str], Query(alias="video_id", max_length=100, description="Only of these videos.")]


@router.get("/entities")
def list_entities(
    services: ServicesNeeded,
    query: Annotated[str | None, Query(max_length=200, description="Part of a name or alias.")] = None,
    kind: Annotated[str | None, Query(max_length=50, description="person, organisation, place, work, …")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> EntityPage:
    """List who and what is mentioned, most mentioned first."""
    page = services.catalogue.list_entities(TENANT, query=query or None, kind=kind or None, limit=limit, cursor=cursor)
    return EntityPage.of(page)


@router.get("/entities/{entity_id}")
def show_entity(entity_id: Id, services: ServicesNeeded) -> EntityDetail:
    """Show an entity and every place where it is mentioned."""
    require_entity(services, entity_id)
    entity = services.catalogue.get_entity(entity_id)
    mentions = services.catalogue.list_mentions(entity_id=entity_id)
    videos = services.catalogue.get_videos(sorted({mention.video_id for mention in mentions}))
    return EntityDetail.with_mentions(entity, mentions, {video.id: video.title for video in videos.values()})


@router.get("/events")
def list_events(
    services: ServicesNeeded,
    video_ids: VideoFilter = [],  # noqa: B006 - FastAPI copies defaults
    entity_id: Annotated[str | None, Query(max_length=64, description="Only those it takes part in.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> EventPage:
    """List what happens, in the order of the videos and of time."""
    require_videos(services, tuple(video_ids))
    if entity_id is not None:
        require_entity(services, entity_id)
    page = services.catalogue.list_events(TENANT, video_ids=video_ids, entity_id=entity_id, limit=limit, cursor=cursor)
    return EventPage(events=[EventView.of(event) for event in page.items], next_cursor=page.next_cursor)


@router.get("/links")
def list_links(
    services: ServicesNeeded,
    video_ids: Annotated[
        list[str], Query(alias="video_id", min_length=1, max_length=100, description="Of these videos.")
    ],
) -> LinkList:
    """List how events and entities of videos hang together."""
    require_videos(services, tuple(video_ids))
    return LinkList(links=[LinkView.of(link) for link in services.catalogue.list_links(video_ids=video_ids)])


def require_entity(services: Services, entity_id: str) -> None:
    """Check that the id names an entity of the library.

    Raises:
        NotFound: it does not.
    """
    if not is_id(entity_id) or services.catalogue.get_entity(entity_id).tenant != TENANT:
        raise NotFound(f"there is no entity {entity_id!r}", remedy="List them with GET /v1/graph/entities.")
