"""Routes of the library: upload, list, show, rename, delete, and follow a video as it is indexed.

It does not know how videos are received, stored or indexed.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.sse import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from api.dependencies import TENANT, Services, ServicesNeeded, UploadLimitsNeeded, VideoId, VideoNeeded, find_video
from api.events_stream import STREAM_CONTENT, STREAM_HEADERS
from api.progress import stream_progress
from api.schemas import MAX_TITLE_CHARS, RenameBody, VideoPage, VideoView
from api.uploads import admit_video, clean_title, purge_video, receive_upload
from core.errors import BadInput, NotFound
from core.records import Part, Video

router = APIRouter(prefix="/v1/videos", tags=["videos"])

Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.", max_length=500)]
Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page.")]

UPLOAD_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "additionalProperties": False,
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "contentMediaType": "application/octet-stream",
                            "description": "A video or audio file.",
                        },
                        "title": {
                            "type": "string",
                            "maxLength": MAX_TITLE_CHARS,
                            "description": "What to call it; the file's name if absent.",
                        },
                        "subtitles": {
                            "type": "string",
                            "format": "binary",
                            "contentMediaType": "application/octet-stream",
                            "description": "Its subtitles as .srt or .vtt, used instead of listening.",
                        },
                    },
                }
            }
        },
    }
}


@router.post(
    "",
    status_code=202,
    response_model=VideoView,
    responses={
        200: {"model": VideoView, "description": "The same file is already in the library; this is it."},
        202: {"description": "Accepted; follow `Location`, or its `/events`, until it is ready."},
    },
    openapi_extra=UPLOAD_FORM,
)
async def upload_video(
    request: Request, response: Response, services: ServicesNeeded, limits: UploadLimitsNeeded
) -> VideoView:
    """Upload a video or audio file; indexing begins at once, and its first minute is soon searchable."""
    async with receive_upload(request, limits) as upload:
        video, is_new = await run_in_threadpool(admit_video, services, upload)
    response.status_code = 202 if is_new else 200
    response.headers["Location"] = f"/v1/videos/{video.id}"
    return VideoView.of(video)


@router.get("")
def list_videos(services: ServicesNeeded, cursor: Cursor = None, limit: Limit = 50) -> VideoPage:
    """List the library, newest first."""
    return VideoPage.of(services.catalogue.list_videos(TENANT, limit=limit, cursor=cursor))


@router.get("/{video_id}")
def show_video(video: VideoNeeded) -> VideoView:
    """Show a video: its status, how many parts are searchable, and why it failed if it did."""
    return VideoView.of(video)


@router.patch("/{video_id}")
def rename_video(video: VideoNeeded, body: RenameBody, services: ServicesNeeded) -> VideoView:
    """Give a video another title."""
    title = clean_title(body.title)
    if not title:
        raise BadInput("the title holds nothing readable", remedy="Send at least one visible character.")
    return VideoView.of(services.catalogue.rename_video(video.id, title))


@router.post("/{video_id}/reindex", status_code=202)
def reindex_video(video: VideoNeeded, services: ServicesNeeded) -> VideoView:
    """Index a video again with the engines of now: after an upgrade, another profile, or a failure.

    What is known of it is found meanwhile. Words that the very same engines heard or read are not asked for again.
    """
    return VideoView.of(services.catalogue.reopen_video(video.id))


@router.delete("/{video_id}", status_code=204)
def delete_video(video_id: VideoId, services: ServicesNeeded) -> None:
    """Delete a video everywhere; once this answers, nothing of it is left."""
    purge_video(services, _begin_delete(services, video_id).id)


def _begin_delete(services: Services, video_id: str) -> Video:
    """Return the video, hidden; one whose deletion was cut short counts too, so that asking again finishes it."""
    try:
        return services.catalogue.begin_delete(find_video(services, video_id).id)
    except NotFound:
        for video in services.catalogue.deleting_videos():
            if video.id == video_id and video.tenant == TENANT:
                return video
        raise


@router.get(
    "/{video_id}/events",
    response_class=Response,
    responses={
        200: {
            "description": "Events `progress`, `part` and at last `ready`, `failed` or `deleted`.",
            "content": STREAM_CONTENT,
        }
    },
)
async def follow_video(video: VideoNeeded, services: ServicesNeeded) -> EventSourceResponse:
    """Follow a video while it is indexed, as server-sent events.

    `progress` says the stage, how far it is (never falling), the parts in hand and the seconds left; `part` names a
    stretch that became searchable; `ready` or `failed` holds the video and ends the stream.
    """

    def look() -> tuple[Video, list[Part]]:
        return find_video(services, video.id), services.catalogue.list_parts(video.id)

    return EventSourceResponse(stream_progress(look), headers=STREAM_HEADERS)
