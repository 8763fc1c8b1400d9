"""Drawn shapes: flat-coloured figures on a flat ground, as in diagrams, charts and animations, found without a model.

A picture is cut into regions of one colour each; a region that stands on another one and has the outline of a figure
is one. Photographs and film have next to no such regions. It does not know when a shape is shown, nor how it moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from adapters.colour_names import name_colour, to_oklab
from adapters.figures import Figure, name_figure
from core.signals import DetectedObject, FloatArray, ImageArray

SEEN_SIDE_PX = 480
"""Pictures are looked at in this size: a shape is large, and compression noise is averaged away."""

FLAT_STEP = 10
"""A pixel is flat if no channel changes by more (of 255) within one pixel around it; noise of flat ground does not."""

MIN_DRAWN_SHARE = 0.8
"""Share of a drawn picture that is flat: the rest are edges and text. Film, talk and slides that reach it (48 of 285
keyframes of the development corpus) have no shape that passes what follows."""

MIN_AREA, MAX_AREA = 0.003, 0.5
"""Of the picture: smaller things are letters and bullets, larger ones the ground or a panel of it."""

MIN_CONTRAST, SAME_COLOUR = 0.1, 0.05
"""Oklab distance of a shape from its ground, which panels of a program's window do not have; and within the ground."""

MIN_AROUND = 0.6
"""Share of the flat pixels around a shape that have the colour of its ground; others are where its colour bleeds."""

AROUND_PX, BLEED_PX = 8, 3
"""A shape's ground is looked for within the first distance of it, beyond the second."""


class _Drawing(NamedTuple):
    """A picture in Oklab (h, w, 3), the flat region of each pixel (0: none), and the regions as OpenCV lists them."""

    colours: FloatArray
    labels: NDArray[np.int32]
    regions: NDArray[np.int32]


class DrawnShapeDetector:
    """Finds figures of one colour: label "red square", setting "on a blue background"."""

    name = "drawn-shapes-1"

    def detect_objects(self, picture: ImageArray) -> list[DetectedObject]:
        """Return the shapes, most certain first; none for pictures that are not drawn."""
        drawing = _read_drawing(picture)
        return sorted(_find_shapes(drawing), key=lambda item: -item.confidence) if drawing else []


def _read_drawing(picture: ImageArray) -> _Drawing | None:
    """Return the picture's flat regions; None if it is not drawn."""
    scale = SEEN_SIDE_PX / max(picture.shape[:2])
    size = tuple(max(3, round(side * scale)) for side in picture.shape[1::-1])
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    change = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(axis=2)
    flat = (change <= FLAT_STEP).astype(np.uint8)
    if flat.mean() < MIN_DRAWN_SHARE:
        return None
    _, labels, regions, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
    return _Drawing(to_oklab(small), np.asarray(labels, np.int32), np.asarray(regions, np.int32))


def _find_shapes(drawing: _Drawing) -> Iterator[DetectedObject]:
    height, width = drawing.labels.shape
    for number, (left, top, wide, high, area) in enumerate(drawing.regions.tolist()):
        right, bottom = left + wide, top + high
        is_whole = min(left, top, width - right, height - bottom) >= AROUND_PX
        if number == 0 or not is_whole or not MIN_AREA <= area / (width * height) <= MAX_AREA:
            continue
        window = (slice(top - AROUND_PX, bottom + AROUND_PX), slice(left - AROUND_PX, right + AROUND_PX))
        seen = _tell_shape(drawing.colours[window], drawing.labels[window], number)
        if seen is None:
            continue
        figure, own, ground = seen[0], name_colour(seen[1]), name_colour(seen[2])
        if own != ground:
            yield DetectedObject(
                label=f"{own} {figure.name}",
                confidence=round(figure.fit, 4),
                box=(left / width, top / height, right / width, bottom / height),
                setting=f"on {'an' if ground == 'orange' else 'a'} {ground} background",
            )


def _tell_shape(
    colours: FloatArray, labels: NDArray[np.int32], number: int
) -> tuple[Figure, FloatArray, FloatArray] | None:
    """Return the figure of a region in its window, its colour and its ground's; None if it is no figure on a ground."""
    region = labels == number
    hull = cv2.convexHull(np.argwhere(region)[:, ::-1].astype(np.int32))
    inside = cv2.fillConvexPoly(np.zeros(region.shape, np.uint8), hull, 1)
    outside = cv2.dilate(inside, np.ones((2 * BLEED_PX + 1,) * 2, np.uint8)) == 0
    around = colours[outside & (labels > 0)]
    if not len(around):
        return None
    own, ground = np.median(colours[region], axis=0), np.median(around, axis=0)
    is_ground = np.linalg.norm(around - ground, axis=1) < SAME_COLOUR
    if float(np.linalg.norm(own - ground)) < MIN_CONTRAST or is_ground.mean() < MIN_AROUND:
        return None
    # The edge is where the colour is nearer to the shape's than to the ground's.
    is_own = np.linalg.norm(colours - own, axis=2) < np.linalg.norm(colours - ground, axis=2)
    figure = name_figure(is_own)
    return (figure, own, ground) if figure is not None else None
