"""Routes to what a video holds: the file itself, pictures, transcripts, and the evidence seen and heard in it.

It does not know how any of it was made.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.dependencies import KeyframesNeeded, ServicesNeeded, VideoNeeded
from api.ranges import Content, respond_with_content
from api.schemas import EvidenceList, TimedEvidenceView
from api.transcripts import WRITERS, TranscriptFormat
from core.errors import BadInput, NotFound
from core.records import Modality, Span, Video, VideoStatus

router = APIRouter(prefix="/v1/videos/{video_id}", tags=["media"])

MAX_TIME_S = 10_000_000.0
"""Some months: beyond any video, yet finite."""

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
    ".ts": "video/mp2t",
    ".ogv": "video/ogg",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".wav": "audio/wav",
}
"""What a player is told, by suffix; anything else is just bytes, so that no upload can pose as a page.

QuickTime files are called MP4: browsers refuse `video/quicktime` by name and play the same boxes as MP4.
"""

IMMUTABLE = "private, max-age=31536000, immutable"
BRIEF = "private, max-age=5"
"""While a video is indexed a nearer keyframe may appear any moment, and of another revision all may be others."""


def media_type_of(key: str) -> str:
    """Return the media type of a stored original.

    >>> media_type_of("videos/x/original.mkv"), media_type_of("videos/x/original.html")
    ('video/x-matroska', 'application/octet-stream')
    """
    return MEDIA_TYPES.get(PurePosixPath(key).suffix.lower(), "application/octet-stream")


@router.head("/media", include_in_schema=False)
@router.get(
    "/media",
    response_class=Response,
    responses={
        200: {
            "description": "The whole file.",
            "content": {"video/*": {}, "audio/*": {}, "application/octet-stream": {}},
        },
        206: {"description": "The range asked for."},
        304: {"description": "Unchanged."},
        416: {"description": "The range lies outside the file."},
    },
)
def read_media(request: Request, video: VideoNeeded, services: ServicesNeeded) -> Response:
    """Play the original file; byte ranges are answered, so that players seek."""
    media_type = media_type_of(video.media_key)
    content = Content(
        size_bytes=video.size_bytes,
        media_type=media_type,
        etag=video.content_hash,
        open=lambda: services.media.open(video.media_key),
    )
    headers = {
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(video.filename, safe='')}",
        "Cache-Control": "private, max-age=3600",
        "Content-Security-Policy": "sandbox",
    }
    return respond_with_content(request, content, headers)


@router.head("/thumbnail", include_in_schema=False)
@router.get(
    "/thumbnail",
    response_class=Response,
    responses={200: {"description": "A JPEG.", "content": {"image/jpeg": {}}}, 304: {"description": "Unchanged."}},
)
def read_thumbnail(
    request: Request,
    video: VideoNeeded,
    services: ServicesNeeded,
    keyframes: KeyframesNeeded,
    t: Annotated[float, Query(ge=0, le=MAX_TIME_S, allow_inf_nan=False, description="The instant in seconds.")] = 0.0,
    v: Annotated[int | None, Query(ge=0, description="The video's revision, as every `thumbnail_url` has it.")] = None,
) -> Response:
    """Return the picture that shows an instant: the keyframe that stands for it.

    A ready video's may be kept for good under its present `v`; indexing the video again gives it another one.
    """
    keyframe = keyframes.nearest(video, t)
    if keyframe is None:
        raise _no_picture(video)
    etag = hashlib.sha256(f"{video.revision} {keyframe.image_key}".encode()).hexdigest()[:32]
    is_final = video.status == VideoStatus.READY and v == video.revision
    headers = {"Cache-Control": IMMUTABLE if is_final else BRIEF}
    size_bytes = services.media.size_bytes(keyframe.image_key)
    content = Content(size_bytes, "image/jpeg", etag, lambda: services.media.open(keyframe.image_key))
    return respond_with_content(request, content, headers)


def _no_picture(video: Video) -> NotFound:
    if video.width_px is None:
        return NotFound("this is an audio file; it has no pictures", remedy="Show a symbol instead.")
    if video.status == VideoStatus.READY:
        return NotFound("no picture of this video could be kept", remedy="Show a symbol instead.")
    return NotFound("this video has no pictures yet", remedy="Ask again once its first part is searchable.")


@router.get(
    "/transcript.{format}",
    response_class=Response,
    responses={
        200: {"description": "The transcript.", "content": {media_type: {} for media_type, _ in WRITERS.values()}}
    },
)
def read_transcript(video: VideoNeeded, services: ServicesNeeded, format: TranscriptFormat) -> Response:
    """Return what is said, as WebVTT, SubRip or JSON; of a video still being indexed, what is known so far."""
    speech = services.catalogue.list_evidence(video.id, modality=Modality.SPEECH.value)
    media_type, write = WRITERS[format]
    name = quote(f"{PurePosixPath(video.filename).stem}.{format.value}", safe="")
    headers = {"Content-Disposition": f"inline; filename*=UTF-8''{name}", "Cache-Control": "no-cache"}
    return Response(write(speech), headers=headers, media_type=media_type)


@router.get("/evidence")
def list_evidence(
    video: VideoNeeded,
    services: ServicesNeeded,
    modality: Annotated[Modality | None, Query(description="Only what was observed by this sense.")] = None,
    start: Annotated[float, Query(ge=0, le=MAX_TIME_S, allow_inf_nan=False, description="In seconds.")] = 0.0,
    end: Annotated[float, Query(gt=0, le=MAX_TIME_S, allow_inf_nan=False, description="In seconds.")] = MAX_TIME_S,
) -> EvidenceList:
    """List what was heard, read and seen in a stretch of the video, in time order."""
    if end <= start:
        raise BadInput("end must be greater than start", remedy="Both are in seconds from the video's beginning.")
    found = services.catalogue.list_evidence(
        video.id, span=Span(start, end), modality=modality.value if modality else None
    )
    return EvidenceList(evidence=[TimedEvidenceView.of(evidence, video.revision) for evidence in found])
