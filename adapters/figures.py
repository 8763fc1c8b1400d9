"""Names of plane figures by their outline: circle, square, triangle, star and the like.

It does not know colours, nor what a figure stands on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.signals import FloatArray

MIN_FIT = 0.93
"""Share of region and ideal figure, taken together, that both have in common; an ellipse has .90 of a square."""

MIN_HOLLOW_FIT = 0.88
"""The same for stars and crosses, whose thin tips lose most."""

MIN_FILLED = 0.75
"""Of the outline's inside: a figure may hold text or smaller figures; a letter O or a frame is mostly hole."""

CORNER_TOLERANCE = 0.025
"""Share of the outline's length by which it may bend and still be straight."""

EQUAL, RIGHT = 1.15, 12.0
"""Longest by shortest side of what is still called a square; degrees by which its corners may be off."""

LONGEST = 8.0
"""Longer than wide by more, a rectangle is a line or a bar of decoration."""

CONVEX_NAMES = {3: "triangle", 5: "pentagon", 6: "hexagon", 8: "octagon"}


class Figure(NamedTuple):
    """A figure's name and how well the outline fits it, in [0, 1]."""

    name: str
    fit: float


def name_figure(mask: NDArray[np.bool_]) -> Figure | None:
    """Return the figure that the largest region of a mask (h, w) has the outline of, None if it is none."""
    seen: NDArray[Any] = mask.astype(np.uint8)
    outline = max(cv2.findContours(seen, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=cv2.contourArea)
    filled = cv2.drawContours(np.zeros_like(seen), [outline], -1, 1, cv2.FILLED)
    if len(outline) < 5 or (seen & filled).sum() < MIN_FILLED * filled.sum():
        return None
    ellipse = cv2.fitEllipse(outline)
    corners = cv2.approxPolyDP(outline, CORNER_TOLERANCE * cv2.arcLength(outline, True), True)
    as_ellipse = _overlap(filled, cv2.ellipse(np.zeros_like(filled), ellipse, 1, cv2.FILLED))
    as_polygon = _overlap(filled, cv2.fillPoly(np.zeros_like(filled), [corners], 1))
    if as_ellipse >= max(MIN_FIT, as_polygon):
        return Figure("circle" if max(ellipse[1]) <= EQUAL * min(ellipse[1]) else "oval", as_ellipse)
    name = _name_polygon(corners[:, 0].astype(np.float32))
    is_fit = as_polygon >= (MIN_FIT if cv2.isContourConvex(corners) else MIN_HOLLOW_FIT)
    return Figure(name, as_polygon) if name and is_fit else None


def _overlap(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def _name_polygon(corners: FloatArray) -> str | None:
    """Return the name of a polygon (n, 2), None for one without a name that people would say."""
    n = len(corners)
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    angles = _turns(corners)
    if (angles > 0).all():
        if n == 4:
            return _name_quadrangle(corners, sides, angles)
        is_regular = n == 3 or sides.max() <= 1.5 * sides.min()
        return CONVEX_NAMES.get(n) if is_regular else None
    n_inner = int((angles < 0).sum())
    alternates = bool((np.sign(angles) != np.sign(np.roll(angles, 1))).all())
    if alternates and n >= 8 and sides.max() <= 1.5 * sides.min():
        return "star"
    is_cross = n == 12 and n_inner == 4 and bool((abs(abs(angles) - 90) < RIGHT).all())
    return "cross" if is_cross else None


def _name_quadrangle(corners: FloatArray, sides: FloatArray, angles: FloatArray) -> str | None:
    if (abs(angles - 90) > RIGHT).any():
        return "diamond" if sides.max() <= EQUAL * sides.min() else None
    if sides.max() > EQUAL * sides.min():
        return "rectangle" if sides.max() <= LONGEST * sides.min() else None
    across = abs(corners[2] - corners[0])
    return "diamond" if across.min() < across.max() / 3 else "square"


def _turns(corners: FloatArray) -> FloatArray:
    """Return how many degrees the outline turns at each corner; inner corners are negative."""
    after = np.roll(corners, -1, axis=0) - corners
    before = np.roll(after, 1, axis=0)
    crosses = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turns = np.degrees(np.arctan2(crosses, (before * after).sum(axis=1)))
    return np.asarray(turns if turns.sum() > 0 else -turns, np.float32)
