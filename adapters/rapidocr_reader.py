"""Screen text with RapidOCR (PP-OCRv6 small on ONNX Runtime): detection first, recognition only where boxes stand.

It does not know videos, nor which pictures are worth reading.

Measured on one core: 0.03 s for a 320-pixel picture without text, 0.08 s for a 720p one, 0.1–0.3 s with a few lines,
about 0.1 s more for each further line of a dense page.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adapters.weights import model_files
from core.signals import ImageArray, TextBox

MAX_SIDE_PX = 1280
"""Larger pictures are shrunk first; a line of text that people can read survives that."""
DETECTION_SIDE_PX = 640
"""480 breaks file names on screen recordings apart, 960 finds nothing more and takes twice as long."""
DETECTION_THRESHOLD, UNCLIP_RATIO = 0.5, 1.5
"""Tighter than the defaults (0.3, 1.6): curved sign-writing at 320x180 comes out with two wrong letters, not three."""
MIN_CONFIDENCE = 0.75
"""On 160 keyframes of real footage everything between 0.6 and 0.75 was foliage and ice; real lines read at 0.9."""
MIN_SHORT_CONFIDENCE, MIN_SINGLE_CONFIDENCE = 0.9, 0.98
"""For texts of two letters and of one, which bars, windows and leaves are often taken for."""
STACKED_ASPECT, STACKED_HEIGHT, STACKED_CONFIDENCE = 3.2, 0.12, 0.95
"""A box less than 3.2 times as wide as high, higher than 12 % of the picture and not surely read may hold two touching
lines of a title; it is read again in halves ("BUNKY" becomes "BigBuck", "BUNNY")."""
JOIN_GAP = 0.8
"""Boxes of one line closer than this many line heights are one text."""
MIN_PICTURE_PX = 16


@dataclass(frozen=True, slots=True)
class _Line:
    """A text with its box in pixels."""

    text: str
    confidence: float
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def follows(self, other: _Line) -> bool:
        """Whether this stands in the same line as the other, close to its right."""
        shared = min(self.bottom, other.bottom) - max(self.top, other.top)
        is_level = shared > 0.6 * min(self.height, other.height) and max(self.height, other.height) < 2 * min(
            self.height, other.height
        )
        gap = self.left - other.right
        return is_level and -0.5 * other.height < gap < JOIN_GAP * min(self.height, other.height)


class RapidOcrReader:
    """``core.protocols.ScreenReader`` on RapidOCR with the models inside its package; nothing is downloaded.

    ``threads``: of each of the two networks; 0 lets the machine decide. Calls from several threads are safe.
    """

    name = "rapidocr PP-OCRv6 small"

    def __init__(self, *, threads: int = 0) -> None:
        self._threads = threads
        self._engine: Any = None
        self._lock = threading.Lock()

    def read_text(self, picture: ImageArray) -> list[TextBox]:
        """Return lines of text in reading order; ``picture`` is uint8 (h, w, 3) RGB.

        Raises:
            BadInput: the package with the networks is missing or its bytes are not the known ones.
        """
        if min(picture.shape[:2]) < MIN_PICTURE_PX:
            return []
        bgr = _shrink(picture)
        height_px, width_px = bgr.shape[:2]
        lines = [line for line in _join_lines(self._read_lines(bgr)) if is_readable(line.text, line.confidence)]
        return [
            TextBox(
                line.text,
                round(line.confidence, 4),
                (
                    max(0.0, line.left / width_px),
                    max(0.0, line.top / height_px),
                    min(1.0, line.right / width_px),
                    min(1.0, line.bottom / height_px),
                ),
            )
            for line in order_for_reading(lines)
        ]

    def _read_lines(self, bgr: ImageArray) -> list[_Line]:
        found = self._load()(bgr)
        if found.txts is None:
            return []
        lines: list[_Line] = []
        for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
            left, top = (float(value) for value in np.min(corners, axis=0))
            right, bottom = (float(value) for value in np.max(corners, axis=0))
            line = _Line(_clean(text), float(score), left, top, right, bottom)
            lines += self._unstack(line, bgr) if _may_be_stacked(line, bgr.shape[0]) else [line]
        return lines

    def _unstack(self, line: _Line, bgr: ImageArray) -> list[_Line]:
        """Return the line as two, if both halves read better than the whole."""
        middle = (line.top + line.bottom) / 2
        bounds = ((line.top, middle), (middle, line.bottom))
        columns = slice(max(0, round(line.left)), round(line.right))
        crops = [bgr[max(0, round(top)) : round(bottom), columns] for top, bottom in bounds]
        if min(crop.size for crop in crops) == 0:
            return [line]
        read = self._load().recognize_txt(crops)
        halves = [
            _Line(_clean(text), float(score), line.left, top, line.right, bottom)
            for text, score, (top, bottom) in zip(read.txts, read.scores, bounds, strict=True)
        ]
        is_better = all(half.confidence > line.confidence and len(half.text) > 1 for half in halves)
        return halves if is_better else [line]

    def _load(self) -> Any:
        with self._lock:
            if self._engine is None:
                self._engine = _open_engine(self._threads)
            return self._engine


def _open_engine(threads: int) -> Any:
    detector, recogniser = (file.locate() for file in model_files("PP-OCRv6-small"))
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,
            "Global.text_score": 0.0,  # a title of two touching lines reads badly before it is unstacked
            "Global.max_side_len": MAX_SIDE_PX,
            "Det.model_path": str(detector),
            "Rec.model_path": str(recogniser),
            "Det.limit_type": "max",
            "Det.limit_side_len": DETECTION_SIDE_PX,
            "Det.thresh": DETECTION_THRESHOLD,
            "Det.unclip_ratio": UNCLIP_RATIO,
            "Det.use_dilation": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads or -1,
        }
    )


def _shrink(picture: ImageArray) -> ImageArray:
    """Return the picture as BGR, at most MAX_SIDE_PX long."""
    import cv2

    height_px, width_px = picture.shape[:2]
    scale = MAX_SIDE_PX / max(height_px, width_px)
    if scale < 1:
        size = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return np.ascontiguousarray(picture[:, :, ::-1])


def _clean(text: str) -> str:
    """Return the text with full-width forms folded and white space collapsed.

    >>> _clean(" For  $35\uff0e ")
    'For $35.'
    """
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _may_be_stacked(line: _Line, height_px: int) -> bool:
    is_tall = line.height > STACKED_HEIGHT * height_px
    return is_tall and line.right - line.left < STACKED_ASPECT * line.height and line.confidence < STACKED_CONFIDENCE


def is_readable(text: str, confidence: float) -> bool:
    """Whether the text is more than a shape taken for a letter; single digits and ideographs count, letters do not.

    >>> is_readable("JAGUAR", 0.8), is_readable("LO", 0.82), is_readable("s", 0.99), is_readable("4", 0.99)
    (True, False, False, True)
    """
    letters = [character for character in text if character.isalnum()]
    if not letters or confidence < MIN_CONFIDENCE:
        return False
    if len(letters) == 1 and ((letters[0].isascii() and letters[0].isalpha()) or confidence < MIN_SINGLE_CONFIDENCE):
        return False
    if len(letters) == 2 and confidence < MIN_SHORT_CONFIDENCE:
        return False
    return 2 * len(letters) >= len(text.replace(" ", ""))


def _join_lines(lines: Sequence[_Line]) -> list[_Line]:
    """Return the lines with neighbours that stand close in one line made one."""
    joined: list[_Line] = []
    for line in sorted(lines, key=lambda line: line.left):
        before = next((other for other in joined if line.follows(other)), None)
        if before is None:
            joined.append(line)
            continue
        joined[joined.index(before)] = _Line(
            f"{before.text} {line.text}",
            min(before.confidence, line.confidence),
            before.left,
            min(before.top, line.top),
            max(before.right, line.right),
            max(before.bottom, line.bottom),
        )
    return joined


def order_for_reading(lines: Sequence[_Line]) -> list[_Line]:
    """Return lines top to bottom, and left to right where they share a row."""
    rows: list[list[_Line]] = []
    for line in sorted(lines, key=lambda line: line.top):
        row = rows[-1] if rows else []
        if row and line.top < (row[0].top + row[0].bottom) / 2:
            row.append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.left)]
