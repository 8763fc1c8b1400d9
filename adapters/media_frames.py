"""Decodes the frames of a span once, into thumbnails of all of them and pictures of the few worth keeping.

Runs only in the decoding child. It does not know shots or keyframes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av.error
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from adapters.media_candidates import CandidateChooser, scaled
from adapters.media_open import OpenMedia, open_media, pixel_aspect, quarter_turns, read_packets
from core.records import Span
from core.signals import ImageArray

MIN_FRAME_GAP_S = 1 / 40
"""Streams above 40 frames a second keep every second (or fourth) frame: shots are found as well at half the cost."""
HOLD_S = 0.2
"""When the first frame of a span comes later than this, the one before it still stands there and is taken too."""
SEEK_BACK_S = (0.0, 5.0, 30.0, math.inf)
"""Some containers seek past the wanted keyframe; then an earlier place is tried, and at last the start."""
THUMBNAIL_WIDTH_PX, THUMBNAIL_HEIGHT_PX = 48, 27


@dataclass
class Damage:
    """Places that could not be decoded, as the times they lie after."""

    n_places: int = 0
    first_s: float = 0.0
    last_s: float = 0.0

    def add(self, time_s: float) -> None:
        self.first_s = self.first_s if self.n_places else time_s
        self.last_s = time_s
        self.n_places += 1

    def warnings(self) -> list[str]:
        if not self.n_places:
            return []
        return [f"Damaged pictures between {self.first_s:.1f} s and {self.last_s:.1f} s were skipped."]


def decode_frames(
    path: Path,
    span: Span,
    *,
    n_threads: int,
    give_thumbnail: Callable[[float, ImageArray], None],
    give_picture: Callable[[float, bytes], None],
) -> list[str]:
    """Give every frame's thumbnail and the chosen pictures, in time order; return warnings."""
    media = open_media(path)
    with media.container:
        if media.video is None:
            return []
        aspect = pixel_aspect(media.video)
    damage = Damage()
    chooser = CandidateChooser(give_picture, aspect=aspect)
    scaler = VideoReformatter()
    for time_s, frame in _thin_out(_frames_in_span(path, span, n_threads, damage)):
        thumbnail = _thumbnail(scaler, frame)
        give_thumbnail(time_s, thumbnail)
        chooser.look(time_s, frame, thumbnail)
    chooser.close()
    return damage.warnings()


def _thumbnail(scaler: VideoReformatter, frame: VideoFrame) -> ImageArray:
    turns = quarter_turns(frame.rotation)
    size = (THUMBNAIL_WIDTH_PX, THUMBNAIL_HEIGHT_PX) if turns % 2 == 0 else (THUMBNAIL_HEIGHT_PX, THUMBNAIL_WIDTH_PX)
    small = scaled(scaler, frame, *size, "rgb24")
    return np.ascontiguousarray(np.rot90(small, turns)) if turns else small


def _thin_out(frames: Iterator[tuple[float, VideoFrame]]) -> Iterator[tuple[float, VideoFrame]]:
    """Drop frames that follow the last one within MIN_FRAME_GAP_S, or go back in time."""
    last_s = -np.inf
    for time_s, frame in frames:
        if time_s >= last_s + MIN_FRAME_GAP_S:
            last_s = time_s
            yield time_s, frame


def _frames_in_span(path: Path, span: Span, n_threads: int, damage: Damage) -> Iterator[tuple[float, VideoFrame]]:
    """Yield (time, frame) of the span, first the frame that stands at its start where none begins there."""
    held: VideoFrame | None = None
    is_first = True
    for time_s, frame in _frames_from(path, span.start_s, n_threads, damage):
        if time_s < span.start_s:
            held = frame
            continue
        if is_first and held is not None and time_s > span.start_s + HOLD_S:
            yield span.start_s, held
        is_first, held = False, None
        if time_s >= span.end_s:
            return
        yield time_s, frame
    if is_first and held is not None:
        yield span.start_s, held


def _frames_from(path: Path, start_s: float, n_threads: int, damage: Damage) -> Iterator[tuple[float, VideoFrame]]:
    """Yield frames from the keyframe at or before ``start_s`` to the end of the stream.

    Each attempt opens the file anew: a failed seek leaves some demuxers (a truncated WebM) at the end.
    """
    for back_s in SEEK_BACK_S:
        target_s = max(0.0, start_s - back_s)
        media = open_media(path, n_threads=n_threads)
        with media.container:
            if media.video is None:
                return
            if target_s > 0 and not _seek(media, media.video, target_s):
                continue
            frames = _decode(media, media.video, damage)
            first = next(frames, None)
            if first is not None and (first[0] <= start_s or target_s == 0):
                yield first
                yield from frames
                return
            if target_s == 0:
                return


def _seek(media: OpenMedia, stream: VideoStream, time_s: float) -> bool:
    """Move to the keyframe at or before the time; return False where the file cannot."""
    if stream.time_base is None:
        return False
    try:
        media.container.seek(int((time_s + media.origin_s) / stream.time_base), stream=stream)
    except av.error.FFmpegError:
        return False
    return True


def _decode(media: OpenMedia, stream: VideoStream, damage: Damage) -> Iterator[tuple[float, VideoFrame]]:
    """Yield (time from the origin, frame) in display order; frames without a time follow the last one."""
    usual_gap_s = float(1 / stream.average_rate) if stream.average_rate else 0.04
    last_s = -usual_gap_s
    for packet in read_packets(media.container, stream):
        if packet is None:
            damage.add(max(0.0, last_s))
            continue
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            damage.add(max(0.0, last_s))
            continue
        for frame in frames:
            ticks = frame.pts if frame.pts is not None else frame.dts
            if ticks is None or frame.time_base is None:
                last_s += usual_gap_s
            else:
                last_s = ticks * float(frame.time_base) - media.origin_s  # just as probing computes keyframes
            if frame.is_corrupt:
                damage.add(max(0.0, last_s))
            yield max(0.0, last_s), frame
