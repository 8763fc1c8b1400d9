"""What kind a picture is, by plain statistics: black and white, drawn, a page of text, a screen, a photograph.

``benchmarks.seeing`` tries it; the product does not have it. It does not know how the kinds are put into words, nor
who asks for one.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.signals import FloatArray, ImageArray

KINDS = ("black and white", "drawn", "page of text", "screen", "photograph")

SEEN_SIDE_PX = 480
GREY_STEP = 2.0
"""Mean difference of the channels (of 255) from which a picture is coloured: black-and-white film, encoded in colour,
keeps 0.2 to 0.4."""

FLAT_STEP, SATURATED_STEP = 10, 50
"""A pixel is flat if no channel changes by more within one pixel, and saturated if its channels differ by more."""

PAGE_CHARS, SCREEN_CHARS = 400, 100
"""Characters read on a full page of text, and on a screen that surely is one."""


def kind_shares(picture: ImageArray, n_chars: int) -> FloatArray:
    """Return how far a picture (h, w, 3) with that much text on it is of each of the KINDS: float32 (5,) in [0, 1].

    A page has much text; a screen is flat and has some; what is drawn is flat and saturated (after Ianeva et al.,
    2003); what is none of these is a photograph.

    >>> kind_shares(np.zeros((90, 160, 3), np.uint8), 0).tolist()
    [1.0, 0.0, 0.0, 0.0, 1.0]
    """
    scale = min(1.0, SEEN_SIDE_PX / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    spread = small.max(axis=-1).astype(np.int16) - small.min(axis=-1)
    around = np.ones((3, 3), np.uint8)
    is_flat = (cv2.dilate(small, around) - cv2.erode(small, around)).max(axis=-1) <= FLAT_STEP
    grey = max(0.0, 1 - float(spread.mean()) / GREY_STEP)
    drawn = float((is_flat & (spread > SATURATED_STEP)).mean())
    page = min(1.0, n_chars / PAGE_CHARS)
    screen = float(is_flat.mean()) * min(1.0, n_chars / SCREEN_CHARS)
    return np.array([grey, drawn, page, screen, 1 - max(drawn, page, screen)], np.float32)
