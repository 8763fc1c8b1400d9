"""Regions: where in a keyframe evidence is seen, from the boxes that readers and detectors give.

It does not know what is seen there.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.records import Box, Region

N_DECIMALS = 4
"""A tenth of a pixel of a picture of 1280."""


def make_region(time_s: float, boxes: Iterable[Box]) -> Region | None:
    """Return the boxes as a region; None if there is none, or if one is not within the picture: then it is not known.

    >>> make_region(7.0, [(0.25, 0.5, 0.75, 0.66666)])
    Region(time_s=7.0, boxes=((0.25, 0.5, 0.75, 0.6667),))
    >>> make_region(7.0, [(0.25, 0.5, 0.25, 0.6)])
    """
    try:
        return Region(time_s, tuple(_round(box) for box in boxes))
    except ValueError:
        return None


def _round(box: Box) -> Box:
    left, top, right, bottom = (round(float(share), N_DECIMALS) for share in box)
    return left, top, right, bottom
