"""Opens an untrusted media file with formats and protocols whitelisted, and picks the streams people would watch.

Runs only in the decoding child. It does not know limits of time and memory (``media_child`` sets them).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.container
import av.error
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from core.errors import BadInput

_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,flv,asf,ogg,mp3,aac,wav,w64,flac,"
    "aiff,au,caf,amr,ac3,eac3,dts,ivf,mxf,dv,nut,rm,wv,ape,tta,obu,swf"
)
"""Demuxers of self-contained media. Absent on purpose: concat, hls, dash, sdp, image2: all that name other files."""

MAX_PICTURE_PX = 64 * 2**20
"""8192 x 8192: beyond it one decoded frame takes over 100 MB, a decompression bomb rather than a video."""

MAX_ASPECT = 8.0
"""Pixel aspects beyond this are damage, not anamorphic film; they are ignored."""

MAX_STALLS = 64
"""Damaged places in a row without a packet between them after which reading is given up."""

_AGAIN = "Upload it again in full."
_NOT_MEDIA = "Upload a video or audio file such as MP4, MKV, WebM, MOV, MP3 or WAV."
_SIGNATURES: tuple[tuple[bytes, int, str, str], ...] = (
    (b"ffconcat", 0, "The file is a playlist that points to other files", "Upload the video itself."),
    (b"#EXTM3U", 0, "The file is a playlist that points to other files", "Upload the video itself."),
    (b"v=0", 0, "The file is a description of a network stream", "Upload the video itself."),
    (
        b"PK\x03\x04",
        0,
        "The file is a ZIP archive, not a video or audio file",
        "Unpack it, upload what is inside.",
    ),
    (b"\xff\xd8\xff", 0, "The file is a picture, not a video or audio file", _NOT_MEDIA),
    (b"\x89PNG", 0, "The file is a picture, not a video or audio file", _NOT_MEDIA),
    (b"GIF8", 0, "The file is a picture, not a video or audio file", "Convert it to MP4 first."),
    (b"WEBP", 8, "The file is a picture, not a video or audio file", _NOT_MEDIA),
    (b"%PDF", 0, "The file is a PDF document, not a video or audio file", _NOT_MEDIA),
    (
        b"ftyp",
        4,
        "The file is cut off or damaged: it begins as MP4 but its index is missing",
        "Upload it again in full.",
    ),
    (b"\x1aE\xdf\xa3", 0, "The file is cut off or damaged: only its header can be read", _AGAIN),
)
_STILL_BRANDS = {"avif", "avis", "heic", "heix", "mif1", "msf1"}


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """An open file; ``origin_s`` is the container time that players show as 0. Close with the container."""

    container: av.container.InputContainer
    video: VideoStream | None
    audio: AudioStream | None
    origin_s: float


def open_media(path: Path, *, n_threads: int = 0) -> OpenMedia:
    """Open a media file; the pictures decode on ``n_threads`` threads, 0 meaning one a core.

    Raises:
        BadInput: empty, not media, a playlist, or without any stream that this FFmpeg can decode.
    """
    container = _open_container(path)
    if container.metadata.get("major_brand", "") in _STILL_BRANDS:
        raise BadInput("The file is a picture, not a video or audio file", remedy=_NOT_MEDIA)
    video, audio = _best_video(container), _first_audio(container)
    if video is None and audio is None:
        raise BadInput("The file holds no video or audio that can be decoded", remedy=_NOT_MEDIA)
    if video is not None:
        video.thread_type = "AUTO"
        video.codec_context.thread_count = n_threads
        video.codec_context.options = {"max_pixels": str(MAX_PICTURE_PX)}
    for stream in container.streams:
        if stream not in (video, audio):
            stream.discard = Discard.all
    starts_s = [s.start_time * s.time_base for s in (video, audio) if s and s.start_time is not None and s.time_base]
    container_s = container.start_time / 1e6 if container.start_time is not None else None
    origin_s = container_s if container_s is not None else float(min(starts_s, default=0.0))
    return OpenMedia(container, video, audio, origin_s)


def _open_container(path: Path) -> av.container.InputContainer:
    if path.stat().st_size == 0:
        raise BadInput("The file is empty", remedy="Upload a file with at least one video or audio stream.")
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
    try:
        return av.open(str(path.resolve()), metadata_errors="replace", container_options=options)
    except (av.error.FFmpegError, ValueError) as error:
        reason, remedy = explain_refusal(_head(path))
        raise BadInput(reason, remedy=remedy) from error


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def explain_refusal(head: bytes) -> tuple[str, str]:
    """Return reason and remedy for a file that FFmpeg refused, from its first bytes.

    >>> explain_refusal(b"ffconcat version 1.0")[0]
    'The file is a playlist that points to other files'
    >>> explain_refusal("Liebe Leute".encode())[0]
    'The file is text, not a video or audio file'
    """
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    for signature, offset, reason, remedy in _SIGNATURES:
        if head[offset:].startswith(signature) or (offset == 0 and text.startswith(signature)):
            return reason, remedy
    n_control = sum(byte < 9 for byte in head)
    if head and n_control == 0:
        return "The file is text, not a video or audio file", _NOT_MEDIA
    return "The file is not a video or audio file that can be read", _NOT_MEDIA


def _is_cover(stream: Stream) -> bool:
    still = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    return bool(Disposition(int(stream.disposition)) & still)


def _can_decode(stream: Stream) -> bool:
    return getattr(stream, "codec_context", None) is not None


def _best_video(container: av.container.InputContainer) -> VideoStream | None:
    """The largest picture among the streams marked default, else among all; covers are not videos."""
    streams = [s for s in container.streams.video if _can_decode(s) and not _is_cover(s)]

    def rank(stream: VideoStream) -> tuple[bool, int]:
        is_default = bool(Disposition(int(stream.disposition)) & Disposition.default)
        return is_default, (stream.width or 0) * (stream.height or 0)

    return max(streams, key=rank, default=None)


def _first_audio(container: av.container.InputContainer) -> AudioStream | None:
    streams = [s for s in container.streams.audio if _can_decode(s)]
    return next(
        (s for s in streams if Disposition(int(s.disposition)) & Disposition.default), next(iter(streams), None)
    )


def upright_size(width_px: int, height_px: int, aspect: float, rotation_deg: int) -> tuple[int, int]:
    """Return the size in square pixels as displayed; pixels are only ever stretched, never thrown away.

    >>> upright_size(704, 576, 16 / 11, 0), upright_size(1920, 1080, 1.0, 90)
    ((1024, 576), (1080, 1920))
    """
    if not (math.isfinite(aspect) and 1 / MAX_ASPECT <= aspect <= MAX_ASPECT):
        aspect = 1.0
    width = round(width_px * aspect) if aspect > 1 else width_px
    height = round(height_px / aspect) if aspect < 1 else height_px
    return (height, width) if quarter_turns(rotation_deg) % 2 else (width, height)


def quarter_turns(rotation_deg: int) -> int:
    """Return how many quarter turns counterclockwise make a frame upright, in 0..3.

    >>> quarter_turns(-90), quarter_turns(180), quarter_turns(0)
    (3, 2, 0)
    """
    return round(rotation_deg / 90) % 4


def pixel_aspect(stream: VideoStream) -> float:
    """Return width over height of a pixel, 1.0 where the file does not say."""
    aspect = stream.sample_aspect_ratio
    return float(aspect) if aspect else 1.0


def read_packets(container: av.container.InputContainer, *streams: Stream) -> Iterator[Packet[Any] | None]:
    """Yield the packets of the streams, and None for each damaged place that had to be skipped.

    The last packets are empty ones that flush the decoders.
    """
    n_stalls = 0
    while n_stalls < MAX_STALLS:
        try:
            for packet in container.demux(*streams):
                n_stalls = 0
                if packet.size or packet.pts is None:  # Theora marks a repeated frame by an empty packet with a time
                    yield packet
            return
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            n_stalls += 1
            yield None
