"""Chooses, while frames stream by, the few worth keeping as pictures: settled, sharp, unlike the last one kept.

Runs only in the decoding child. It does not know shots; the indexer chooses keyframes among what is kept here.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from PIL import Image

from adapters.media_open import quarter_turns, upright_size
from core.pictures import GRAY_HEIGHT_PX, GRAY_WIDTH_PX, sharpness, visible_change
from core.signals import ImageArray

MAX_SIDE_PX = 1280
JPEG_QUALITY = 90

LOOK_EVERY_S = 0.2
"""How often a frame is compared with the last one kept; a comparison costs 0.6 ms at 1080p."""
WINDOW_S = 1.0
"""Of the frames that differ within this time, the sharpest is kept."""
SHARPER = 1.05
"""A later frame must be this much sharper to be preferred; of equals the first is kept."""
SETTLE_S = 0.08
"""After what looks like a cut, the first frames are often blended or badly compressed."""
MIN_GAP_S = 0.25
"""Never more than four pictures a second of one shot."""
FAINT_AFTER_S = 2.0
"""After this long a faint change (a moved cursor, a blink) is enough."""

CUT_CHANGE, CUT_RATIO = 8.0, 3.0
"""A thumbnail change that looks like a cut: absolute (of 255), and against the usual change of late."""
STRONG_CHANGE = 40.0
"""A visible change (core.pictures) this large is enough at any time: half a short word of text."""


def scaled(scaler: VideoReformatter, frame: VideoFrame, width_px: int, height_px: int, pixels: str) -> ImageArray:
    """Return the frame as uint8 (h, w, 3) for ``rgb24`` or (h, w) for ``gray``; one scaler a size, it keeps its tables.

    AREA costs 0.3 ms a 720p frame more than the fastest and does not alias; threads would fight the decoder's.
    """
    array = scaler.reformat(frame, width_px, height_px, pixels, interpolation="AREA", threads=1).to_ndarray()
    return np.asarray(array, np.uint8)


class CandidateChooser:
    """Takes every frame in order through ``look``, then ``close``; gives each picture kept to ``keep``."""

    def __init__(self, keep: Callable[[float, bytes], None], *, aspect: float) -> None:
        self._keep = keep
        self._aspect = aspect
        self._to_gray, self._to_rgb = VideoReformatter(), VideoReformatter()
        self._thumbnail: ImageArray | None = None
        self._usual_change = 0.0
        self._next_look_s = self._settled_s = -np.inf
        self._kept_s = self._cut_s = -np.inf
        self._kept_gray: ImageArray | None = None
        self._window_s: float | None = None
        self._best: tuple[float, float, VideoFrame, ImageArray] | None = None

    def look(self, time_s: float, frame: VideoFrame, thumbnail: ImageArray) -> None:
        """Consider a frame; ``thumbnail`` is its uint8 (27, 48, 3) picture."""
        if self._looks_like_cut(thumbnail) and time_s >= self._settled_s:
            self._close_window()
            self._cut_s = time_s
            self._next_look_s = self._settled_s = time_s + SETTLE_S
        if time_s < self._next_look_s:
            return
        self._next_look_s = time_s + LOOK_EVERY_S
        gray = scaled(self._to_gray, frame, GRAY_WIDTH_PX, GRAY_HEIGHT_PX, "gray")
        if self._is_new(time_s, gray):
            score = sharpness(gray)
            self._window_s = time_s if self._window_s is None else self._window_s
            if self._best is None or score > SHARPER * self._best[0]:
                self._best = (score, time_s, frame, gray)
        if self._window_s is not None and time_s >= self._window_s + WINDOW_S:
            self._close_window()

    def close(self) -> None:
        """Keep what is still under consideration."""
        self._close_window()

    def _looks_like_cut(self, thumbnail: ImageArray) -> bool:
        before, self._thumbnail = self._thumbnail, thumbnail
        if before is None:
            return False
        difference = np.maximum(before, thumbnail) - np.minimum(before, thumbnail)
        change = float(difference.mean())
        is_cut = change > max(CUT_CHANGE, CUT_RATIO * self._usual_change)
        self._usual_change += 0.2 * (min(change, 2 * self._usual_change + 1) - self._usual_change)
        return is_cut

    def _is_new(self, time_s: float, gray: ImageArray) -> bool:
        if self._kept_gray is None:
            return True
        change = visible_change(self._kept_gray, gray)
        return change >= STRONG_CHANGE or (change > 0 and time_s - self._kept_s >= FAINT_AFTER_S)

    def _close_window(self) -> None:
        best, self._best, self._window_s = self._best, None, None
        if best is None or (best[1] < self._kept_s + MIN_GAP_S and self._kept_s >= self._cut_s):
            return
        _, self._kept_s, frame, self._kept_gray = best
        self._keep(self._kept_s, self._encode(frame))

    def _encode(self, frame: VideoFrame) -> bytes:
        """Return the frame as JPEG: upright, square pixels, longest side at most MAX_SIDE_PX."""
        width_px, height_px = upright_size(frame.width, frame.height, self._aspect, 0)
        scale = min(1.0, MAX_SIDE_PX / max(width_px, height_px))
        size = max(1, round(width_px * scale)), max(1, round(height_px * scale))
        rgb = scaled(self._to_rgb, frame, *size, "rgb24")
        out = BytesIO()
        Image.fromarray(np.rot90(rgb, quarter_turns(frame.rotation))).save(out, "JPEG", quality=JPEG_QUALITY)
        return out.getvalue()
