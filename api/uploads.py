"""Videos come and go: from the bytes of a request to a video in the catalogue — or a reason why not — and out again.

It does not know how a video is indexed, nor how the form is parsed.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from api.dependencies import TENANT, Services, UploadLimits
from api.errors import DiskFull
from api.multipart import DISK_REMEDY, FilePart, FormReceiver, FormRules
from api.schemas import MAX_TITLE_CHARS
from core.errors import BadInput, TooLarge
from core.ids import new_id
from core.records import NewVideo, Video
from core.signals import MediaInfo

FEED_BYTES = 2**20
"""Pieces of this size go to a thread: 64 KiB network reads would cost a thread switch each."""
MAX_FILENAME_CHARS = 200
JOINERS = "\u200c\u200d"
"""Invisible, yet part of the spelling of Persian and Indic words and of emoji."""
SUBTITLE_SUFFIXES = (".srt", ".vtt")


@dataclass(frozen=True, slots=True)
class Upload:
    """A received upload; its files lie in the upload folder until they are stored or thrown away."""

    file: FilePart
    filename: str
    title: str
    subtitles: FilePart | None


@asynccontextmanager
async def receive_upload(request: Request, limits: UploadLimits) -> AsyncIterator[Upload]:
    """Receive the request's form onto the disk; what is not stored by the end of the block is removed.

    Raises:
        WrongMediaType, Malformed, BadInput: not a form, damaged, without a file.
        TooLarge, DiskFull: over a limit, or no room; said before the body is read where its length is known.
    """
    length = request.headers.get("content-length", "")
    expected_bytes = int(length) if length.isdecimal() else 0
    if expected_bytes > limits.max_upload_bytes + limits.max_subtitles_bytes + FEED_BYTES:
        raise TooLarge(f"uploads are limited to {limits.max_upload_bytes} bytes", remedy="Send a smaller file.")
    limits.folder.mkdir(parents=True, exist_ok=True)
    check_room(limits, expected_bytes)
    rules = FormRules({"file": limits.max_upload_bytes, "subtitles": limits.max_subtitles_bytes}, frozenset({"title"}))
    content_type = request.headers.get("content-type", "")
    receiver = FormReceiver(content_type, rules, limits.folder, lambda: check_room(limits, 0))
    try:
        await _feed_body(request, receiver)
        form = receiver.finish()
        yield _read_form(form.files.get("file"), form.files.get("subtitles"), form.fields.get("title", ""))
    finally:
        receiver.discard()


async def _feed_body(request: Request, receiver: FormReceiver) -> None:
    """Pass the body on in large pieces, parsed and written in threads; at most one piece is in memory."""
    piece = bytearray()
    async for data in request.stream():
        piece += data
        if len(piece) >= FEED_BYTES:
            await run_in_threadpool(receiver.feed, bytes(piece))
            piece.clear()
    if piece:
        await run_in_threadpool(receiver.feed, bytes(piece))


def _read_form(file: FilePart | None, subtitles: FilePart | None, title: str) -> Upload:
    if file is None:
        raise BadInput("the form has no field 'file'", remedy="Send the video as `curl -F file=@video.mp4`.")
    filename = clean_filename(file.filename)
    if subtitles is not None and not subtitles.path.name.endswith(SUBTITLE_SUFFIXES):
        raise BadInput("the subtitles are neither .srt nor .vtt", remedy="Convert them to SubRip or WebVTT.")
    return Upload(file, filename, clean_title(title) or clean_title(PurePosixPath(filename).stem) or "Video", subtitles)


def check_room(limits: UploadLimits, expected_bytes: int) -> None:
    """Check that the disk would keep its reserve after so many more bytes.

    Raises:
        DiskFull: it would not.
    """
    free_bytes = shutil.disk_usage(limits.folder).free
    if free_bytes - expected_bytes < limits.min_free_bytes:
        raise DiskFull(
            f"the server has {free_bytes // 2**20} MiB of free disk and keeps {limits.min_free_bytes // 2**20} of them",
            remedy=DISK_REMEDY,
        )


def admit_video(services: Services, upload: Upload) -> tuple[Video, bool]:
    """Probe, store and catalogue the upload; return the video, and whether it is new.

    The same bytes again return the video that is there and keep nothing.

    Raises:
        BadInput: the file cannot be used; the reason and remedy say why.
        TryAgain: a store is unreachable or full.
    """
    info = services.reader.probe(upload.file.path)
    if upload.subtitles is not None and not services.reader.read_subtitles(upload.subtitles.path):
        raise BadInput("the subtitle file holds no cues", remedy="Check that it is valid SubRip or WebVTT.")
    video_id = new_id()
    folder = f"videos/{video_id}/"
    with ExitStack() as undo:
        undo.callback(services.media.delete_prefix, folder)
        new_video = _describe(video_id, folder, upload, info)
        services.media.put_file(new_video.media_key, upload.file.path)
        if upload.subtitles is not None and new_video.subtitles_key is not None:
            services.media.put_file(new_video.subtitles_key, upload.subtitles.path)
        video, is_new = services.catalogue.add_video(new_video)
        if is_new:
            undo.pop_all()
    if is_new:
        services.notify()
    return video, is_new


def _describe(video_id: str, folder: str, upload: Upload, info: MediaInfo) -> NewVideo:
    subtitles = upload.subtitles
    width_px, height_px = info.size_px or (None, None)
    return NewVideo(
        id=video_id,
        tenant=TENANT,
        title=upload.title,
        filename=upload.filename,
        content_hash=upload.file.sha256,
        media_key=f"{folder}original{upload.file.path.suffix}",
        size_bytes=upload.file.size_bytes,
        duration_s=info.duration_s,
        width_px=width_px,
        height_px=height_px,
        has_audio=info.has_audio,
        subtitles_key=f"{folder}subtitles{subtitles.path.suffix}" if subtitles else None,
        warnings=info.warnings,
    )


def purge_video(services: Services, video_id: str) -> None:
    """Remove a video that is being deleted from everywhere; done again after a crash, it finishes the work.

    Rows go last, since they are what a restart goes by. The second sweep takes what a worker or publisher that
    started before the deletion wrote during the first.

    Raises:
        TryAgain: a store is unreachable; the video stays hidden and among ``deleting_videos``.
    """
    for _sweep in range(2):
        services.index.delete_video(video_id)
        services.media.delete_prefix(f"videos/{video_id}/")
    services.catalogue.remove_video(video_id)


def clean_filename(filename: str) -> str:
    r"""Return the bare name of a file as a client sent it: no folders, no control characters, of bounded length.

    >>> clean_filename("C:\\films\\..\\a\x00b.mp4"), clean_filename("../../etc/passwd"), clean_filename("..")
    ('ab.mp4', 'passwd', 'video')
    """
    bare = clean_text(filename.replace("\\", "/").rsplit("/", 1)[-1])
    if bare.strip(". ") == "":
        return "video"
    name = PurePosixPath(bare)
    return name.stem[: MAX_FILENAME_CHARS - len(name.suffix[:10])] + name.suffix[:10]


def clean_title(title: str) -> str:
    r"""Return the title on one line, of bounded length; empty when nothing readable is in it.

    >>> clean_title(" A\n talk\u202e "), clean_title("\t")
    ('A talk', '')
    """
    return clean_text(title)[:MAX_TITLE_CHARS].strip()


def clean_text(text: str) -> str:
    """Return the text in normal form C, without control and direction characters, blanks collapsed."""
    kept = (" " if char.isspace() else char for char in unicodedata.normalize("NFC", text))
    return " ".join("".join(char for char in kept if char in JOINERS or unicodedata.category(char)[0] != "C").split())


def discard_leftovers(folder: Path) -> None:
    """Remove files of uploads that a crash cut off, if any. Call before the server takes requests."""
    for path in folder.glob("*"):
        if path.is_file():
            path.unlink(missing_ok=True)
