"""Measures on small gray pictures that both the decoder and the indexer need: what changed, and what is sharp.

It does not know where a picture came from, nor which change matters to whom.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.signals import FloatArray, ImageArray

GRAY_WIDTH_PX, GRAY_HEIGHT_PX = 320, 180
"""Small enough to compare in 0.1 ms, large enough that one line of 24-pixel text on a 1080p slide is 4 pixels high."""

N_TILES = 20
"""Tiles a side, each 16 x 9 pixels: a new line of text fills several, a moving cursor one or two."""

TILE_NOISE = 8.0
"""A tile that differs by more (of 255) shows something new: thrice what compression noise does."""

MAX_BLANK_SPREAD = 6.0
SEEN_CONTRAST, MIN_SEEN_PX = 24, 20
"""Blank: nearly all pixels within 6 grey levels, and fewer than 20 stand out by 24, less than a word of small text."""


def tile_changes(before: ImageArray, after: ImageArray) -> FloatArray:
    """Return the mean absolute difference of each tile, float32 (20, 20) in [0, 255].

    Both are uint8 (180, 320) gray; the aspect of the video does not matter.

    >>> black = np.zeros((180, 320), np.uint8)
    >>> line = black.copy(); line[0:9, 0:32] = 100
    >>> changes = tile_changes(black, line)
    >>> int((changes > 0).sum()), float(changes.max())
    (2, 100.0)
    """
    difference = np.maximum(before, after) - np.minimum(before, after)
    tiles = difference.reshape(N_TILES, GRAY_HEIGHT_PX // N_TILES, N_TILES, GRAY_WIDTH_PX // N_TILES)
    changes: FloatArray = tiles.mean(axis=(1, 3), dtype=np.float32)
    return changes


def sharpness(gray: ImageArray) -> float:
    """Return the variance of the Laplacian of a gray picture (Pech-Pacheco et al., 2000); 0.0 for a flat one.

    Comparable only between pictures of the same size and content.

    >>> sharpness(np.full((180, 320), 7, np.uint8))
    0.0
    """
    g = gray.astype(np.int16)
    laplacian = 4 * g[1:-1, 1:-1] - g[:-2, 1:-1] - g[2:, 1:-1] - g[1:-1, :-2] - g[1:-1, 2:]
    return float(laplacian.var(dtype=np.float32))


def visible_change(before: ImageArray, after: ImageArray, *, above: float = TILE_NOISE) -> float:
    """Return the sum of the tile changes above a level; 0.0 for pictures that differ by less everywhere.

    Of a 720p slide: about 270 for a new line of text, 80 for a word of four letters, 40 for a moved cursor.
    """
    changes = tile_changes(before, after)
    return float(changes[changes > above].sum())


def is_blank(gray: ImageArray) -> bool:
    """Whether hardly anything can be seen: black, white, or one plain tone, give or take compression noise.

    >>> picture = np.full((180, 320), 240, np.uint8)
    >>> picture[0, :5] = 0
    >>> is_blank(picture)
    True
    >>> picture[50:54, 10:30] = 0  # a short word on a white slide
    >>> is_blank(picture)
    False
    """
    low, median, high = np.percentile(gray[::3, ::3], (1, 50, 99))
    n_seen = int((np.abs(gray.astype(np.int16) - median) > SEEN_CONTRAST).sum())
    return bool(high - low <= MAX_BLANK_SPREAD and n_seen < MIN_SEEN_PX)


def frame_changes(thumbnails: ImageArray) -> NDArray[np.float32]:
    """Return the mean absolute difference of each thumbnail from the one before, float32 (n,); the first is 0.

    >>> frame_changes(np.array([0, 0, 8], np.uint8).reshape(3, 1, 1, 1)).tolist()
    [0.0, 0.0, 8.0]
    """
    n = len(thumbnails)
    changes = np.zeros(n, np.float32)
    flat = thumbnails.reshape(n, -1)
    for start in range(1, n, 1024):
        before, after = flat[start - 1 : min(start + 1023, n - 1)], flat[start : start + 1024]
        difference = np.maximum(before, after) - np.minimum(before, after)
        changes[start : start + len(after)] = difference.mean(axis=1, dtype=np.float32)
    return changes
