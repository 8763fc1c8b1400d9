"""What the routes need, ready-made: stores, engines and limits, handed to the app once and to each route by type.

It does not know how any of it is built; the entry points wire it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request
from fastapi import Path as PathParameter

from api.metrics import Metrics
from api.pictures import KeyframeShelf
from api.schemas.base import VIDEO_ID_EXAMPLE
from core.errors import NotFound
from core.ids import is_id
from core.protocols import MediaReader, MomentFinder, QuestionAnswerer
from core.records import Video
from core.stores import Catalogue, MediaStore, SegmentIndex

TENANT = "default"
"""All requests act for one tenant until keys name theirs."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Where uploads arrive and what they may take; ``min_free_bytes`` of that disk stay free whatever is sent.

    With ``folder`` on the media store's filesystem, storing a received file is a rename.
    """

    folder: Path
    max_upload_bytes: int
    min_free_bytes: int
    max_subtitles_bytes: int = 10 * 2**20


@dataclass(frozen=True, slots=True)
class Services:
    """Everything behind the routes; ``notify`` is called after something was put into the outbox, to send it."""

    catalogue: Catalogue
    index: SegmentIndex
    media: MediaStore
    reader: MediaReader
    finder: MomentFinder
    answerer: QuestionAnswerer
    notify: Callable[[], None]


async def get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def get_upload_limits(request: Request) -> UploadLimits:
    limits: UploadLimits = request.app.state.upload_limits
    return limits


async def get_metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


async def get_keyframes(request: Request) -> KeyframeShelf:
    keyframes: KeyframeShelf = request.app.state.keyframes
    return keyframes


async def get_answer_slots(request: Request) -> CapacityLimiter:
    slots: CapacityLimiter = request.app.state.answer_slots
    return slots


ServicesNeeded = Annotated[Services, Depends(get_services)]

UploadLimitsNeeded = Annotated[UploadLimits, Depends(get_upload_limits)]
MetricsNeeded = Annotated[Metrics, Depends(get_metrics)]
KeyframesNeeded = Annotated[KeyframeShelf, Depends(get_keyframes)]
AnswerSlotsNeeded = Annotated[CapacityLimiter, Depends(get_answer_slots)]

VideoId = Annotated[str, PathParameter(description="The video's id.", examples=[VIDEO_ID_EXAMPLE], max_length=64)]


def get_video(video_id: VideoId, services: ServicesNeeded) -> Video:
    """Return the video named in the path.

    Raises:
        NotFound: no such video, or it is being deleted.
    """
    return find_video(services, video_id)


VideoNeeded = Annotated[Video, Depends(get_video)]


def find_video(services: Services, video_id: str) -> Video:
    """Return the video of that id.

    Raises:
        NotFound: no such video, or it is being deleted.
    """
    if not is_id(video_id):
        raise video_not_found([video_id])
    return services.catalogue.get_video(video_id, tenant=TENANT)


def require_videos(services: Services, video_ids: tuple[str, ...]) -> None:
    """Check that all of the ids name videos.

    Raises:
        NotFound: some do not; the reason names them.
    """
    if not video_ids:
        return
    found = services.catalogue.get_videos([video_id for video_id in video_ids if is_id(video_id)])
    missing = [video_id for video_id in video_ids if video_id not in found or found[video_id].tenant != TENANT]
    if missing:
        raise video_not_found(missing)


def video_not_found(video_ids: list[str]) -> NotFound:
    """Return the error that names the videos that do not exist."""
    named = ", ".join(repr(video_id) for video_id in video_ids[:5]) + (", …" if len(video_ids) > 5 else "")
    return NotFound(f"there is no video {named}", remedy="List the videos with GET /v1/videos.")
