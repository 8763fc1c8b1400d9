"""Measures an untrusted media file by demuxing it once: how long it really is, where its keyframes are, what decodes.

Runs only in the decoding child. It decodes no more than a few frames, so damage in the middle shows only later.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av.error
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from adapters.media_open import OpenMedia, open_media, pixel_aspect, read_packets, upright_size
from core.errors import BadInput, TooLarge

MIN_MARK_GAP_S = 1.0
"""Keyframes closer than this to the last one kept are left out: all-intra files have one a frame."""
MAX_TRIAL_PACKETS = 200
"""Packets given to a decoder at a place before it counts as not decodable; frame threads hold back up to 16 frames."""
SEEK_BACK_S = (0.0, 5.0)
"""MPEG-TS seeks beyond the wanted place when that is near the end; then it is approached from further back."""
PLACE_TOLERANCE_S = 0.1
MIN_LOSS_S, MIN_LOSS_SHARE = 1.0, 0.02
"""A header may promise this much more than the packets hold before its owner is warned."""
_CONVERT = "Check that it plays, or convert it to MP4 (H.264, AAC)."


@dataclass
class _Track:
    """What demuxing one stream showed; times count from the origin. ``marks_s`` are places decoding can start at."""

    start_s: float = 0.0
    end_s: float = 0.0
    n_packets: int = 0
    marks_s: list[float] = field(default_factory=list)

    def add(self, time_s: float, duration_s: float, *, is_keyframe: bool) -> None:
        self.start_s = min(self.start_s, time_s) if self.n_packets else time_s
        self.end_s = max(self.end_s, time_s + duration_s)
        self.n_packets += 1
        if is_keyframe and (not self.marks_s or time_s >= self.marks_s[-1] + MIN_MARK_GAP_S):
            self.marks_s.append(max(0.0, time_s))


def probe_media(path: Path, *, max_duration_s: float) -> dict[str, Any]:
    """Return the fields of MediaInfo as JSON values.

    Raises:
        BadInput: not media, or nothing in it decodes. TooLarge: longer than ``max_duration_s``.
    """
    media = open_media(path, n_threads=1)
    with media.container:
        tracks, n_stalls = _measure(media)
        promised_s = media.container.duration / 1e6 if media.container.duration else 0.0
        picture, video_end_s = _decodable_end(path, media.video, tracks)
        sound, audio_end_s = _decodable_end(path, media.audio, tracks)
        if picture is None and sound is None:
            raise BadInput("Nothing in the file can be decoded", remedy=_CONVERT)
        duration_s = max(video_end_s, audio_end_s)
        _check_duration(duration_s, max_duration_s)
        size_px, marks_s = None, list[float]()
        if media.video is not None and isinstance(picture, VideoFrame):
            size_px = upright_size(picture.width, picture.height, pixel_aspect(media.video), picture.rotation)
            marks_s = tracks[media.video.index].marks_s
        return {
            "duration_s": duration_s,
            "size_px": size_px,
            "has_audio": sound is not None,
            "keyframe_times_s": sorted(time_s for time_s in marks_s if time_s < duration_s),
            "warnings": _loss_warnings(duration_s, promised_s, n_stalls) + _stream_warnings(media, picture, sound),
        }


def _check_duration(duration_s: float, max_duration_s: float) -> None:
    if duration_s <= 0:
        raise BadInput("The file is a single instant, not a video or audio file", remedy="Upload a longer one.")
    if duration_s > max_duration_s:
        raise TooLarge(
            f"The file is {duration_s / 3600:.1f} h long; the limit is {max_duration_s / 3600:.1f} h",
            remedy="Split it, or raise KINOGRAPH_MAX_DURATION_S.",
        )


def _measure(media: OpenMedia) -> tuple[dict[int, _Track], int]:
    """Demux everything; return a track by stream index and how many damaged places were skipped."""
    streams = [stream for stream in (media.video, media.audio) if stream is not None]
    tracks = {stream.index: _Track() for stream in streams}
    # Looked up once: an hour holds 300,000 packets, and each makes new fractions of what it is asked for.
    clocks = {stream.index: (float(stream.time_base or 0), _usual_duration_s(stream)) for stream in streams}
    n_stalls = 0
    for packet in read_packets(media.container, *streams):
        if packet is None:
            n_stalls += 1
            continue
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is None or packet.is_discard:
            continue
        index = packet.stream_index
        tick_s, usual_s = clocks[index]
        duration_s = (packet.duration or 0) * tick_s or usual_s
        tracks[index].add(ticks * tick_s - media.origin_s, duration_s, is_keyframe=packet.is_keyframe)
    return tracks, n_stalls


def _usual_duration_s(stream: Stream) -> float:
    if isinstance(stream, VideoStream):
        rate = stream.average_rate or stream.guessed_rate
        return float(1 / rate) if rate else 0.0
    return 0.0


def _decodable_end(path: Path, stream: Stream | None, tracks: dict[int, _Track]) -> tuple[object | None, float]:
    """Return a frame from the stream's start and how far it decodes; (None, 0.0) if it does not.

    The last place is tried; when it does not decode, bisection finds the last one that does.
    """
    if stream is None or not tracks[stream.index].n_packets:
        return None, 0.0
    track = tracks[stream.index]
    marks_s = sorted(track.marks_s) or [max(0.0, track.start_s)]
    frame = next((f for mark_s in marks_s[:3] if (f := _try_decode(path, stream.index, mark_s))), None)
    if frame is None:
        return None, 0.0
    if len(marks_s) < 2 or _try_decode(path, stream.index, marks_s[-1]):
        return frame, track.end_s
    n_good = bisect_right(marks_s, False, key=lambda mark_s: _try_decode(path, stream.index, mark_s) is None)
    return frame, marks_s[min(n_good, len(marks_s) - 1)]


def _try_decode(path: Path, stream_index: int, time_s: float) -> object | None:
    """Return the frame that decodes at the place, or None; the place is approached from further back if need be."""
    for back_s in SEEK_BACK_S:
        media = open_media(path, n_threads=1)
        with media.container:
            stream = media.container.streams[stream_index]
            if stream.time_base is None:
                return None
            target_s = max(0.0, time_s - back_s)
            if target_s > 0:
                try:
                    media.container.seek(int((target_s + media.origin_s) / stream.time_base), stream=stream)
                except av.error.FFmpegError:
                    continue
            frame = _frame_at(media, stream, time_s)
        if frame is not None or target_s == 0:
            return frame
    return None


def _frame_at(media: OpenMedia, stream: Stream, time_s: float) -> object | None:
    """Return the first frame at or after the time, reading on from where the file stands."""
    n_late = 0
    for packet in read_packets(media.container, stream):
        if packet is None:
            continue
        if packet.pts is None or float(packet.pts * packet.time_base) - media.origin_s >= time_s:
            n_late += 1
        if n_late > MAX_TRIAL_PACKETS:
            return None
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue
        for frame in frames:
            if frame.time is None or frame.time - media.origin_s >= time_s - PLACE_TOLERANCE_S:
                return frame
    return None


def _loss_warnings(duration_s: float, promised_s: float, n_stalls: int) -> list[str]:
    if promised_s - duration_s > max(MIN_LOSS_S, MIN_LOSS_SHARE * promised_s):
        loss = f"Only the first {duration_s:.1f} s of {promised_s:.1f} s can be decoded"
        return [f"{loss}; the file is cut off or damaged."]
    return ["Parts of the file are damaged and were skipped."] if n_stalls else []


def _stream_warnings(media: OpenMedia, picture: object | None, sound: object | None) -> list[str]:
    warnings = []
    if media.video is not None and picture is None:
        warnings.append("The pictures cannot be decoded; only the sound is indexed.")
    if media.audio is not None and sound is None:
        warnings.append("The sound cannot be decoded; only the pictures are indexed.")
    return warnings
