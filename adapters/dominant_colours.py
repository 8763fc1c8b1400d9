"""How much of a picture has which colour, by the words that people use for colours of things.

It does not know what has the colour, nor how the words are embedded.
"""

from __future__ import annotations

import cv2
import numpy as np

from core.signals import FloatArray, ImageArray

COLOURS = {
    "black": (20, 20, 20), "white": (240, 240, 240), "grey": (128, 128, 128), "red": (200, 30, 30),
    "orange": (240, 140, 30), "yellow": (235, 215, 60), "golden": (210, 160, 50), "green": (60, 150, 60),
    "turquoise": (60, 190, 190), "blue": (40, 80, 190), "purple": (120, 50, 160), "pink": (240, 160, 190),
    "brown": (110, 70, 40),
}  # fmt: skip
"""Their usual sRGB. The nearest in sRGB found a little more than the nearest in Oklab (``docs/decisions/0008``)."""

SEEN_PX = 32
_PALETTE = np.array(list(COLOURS.values()), np.float32)


def colour_shares(picture: ImageArray) -> FloatArray:
    """Return the share of the picture (h, w, 3) nearest to each of the COLOURS, float32 (13,), in sum 1.

    >>> flag = np.zeros((60, 90, 3), np.uint8)
    >>> flag[:, 30:] = 255
    >>> {name: round(float(share), 2) for name, share in zip(COLOURS, colour_shares(flag)) if share}
    {'black': 0.34, 'white': 0.66}
    """
    small = cv2.resize(picture, (SEEN_PX, SEEN_PX), interpolation=cv2.INTER_AREA).reshape(-1, 1, 3)
    nearest = ((small.astype(np.float32) - _PALETTE) ** 2).sum(axis=-1).argmin(axis=-1)
    return np.asarray(np.bincount(nearest, minlength=len(COLOURS)) / len(nearest), np.float32)
