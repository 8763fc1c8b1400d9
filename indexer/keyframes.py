"""Chooses keyframes among the pictures a decoder kept: sharp, not blank, and one for each thing a shot comes to show.

It does not know how pictures are chosen while decoding, nor what a keyframe is used for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from itertools import pairwise

import numpy as np
from PIL import Image

from core.pictures import GRAY_HEIGHT_PX, GRAY_WIDTH_PX, frame_changes, is_blank, sharpness, visible_change
from core.records import Shot, Span
from core.signals import DecodedPart, FloatArray, ImageArray, Picture

MOVING_EVERY_S = 3.0
"""A shot that keeps moving gets a keyframe this often."""

DISTINCT_TILE, NEW_CHANGE = 24.0, 32.0
"""New is what changes one tile by 32 of 255 or two by 24: a word on a slide (50 to 60) or an object that came.

A breathing person, a flicker of the light and a running clock stay below.
"""

OTHER_CHANGE, OTHER_EVERY_S = 8000.0, 2.0
"""When the whole picture has become another one (20 a tile), a shot need not wait for MOVING_EVERY_S."""

STILL_LIVELINESS, CALM_LIVELINESS, AROUND_S = 0.6, 2.0, 0.35
"""Liveliness is how much (of 255) the liveliest block of the thumbnails changes a frame, within this time around a
picture: 0.1 to 0.5 for a slide, 1 to 3 for a talking head or a title over a slow shot, 5 to 50 for action."""

FROZEN_LIVELINESS, FAINT_CHANGE = 0.1, 50.0
"""Where nothing moves at all even thin grey text is told from noise: a short word changes 80, a moved cursor 40. Where
much moves, this is enough to need the keyframe that is due every MOVING_EVERY_S."""

CALM_CHANGE = 4000.0
"""A calm picture needs this visible change (10 a tile): a title that came counts, a head that turned does not."""

BLOCKS_DOWN, BLOCKS_ACROSS = 3, 6

FAINTER = 0.7
"""Half-way through a fade the sharpness of a picture is a quarter."""

SPIKE_RATIO = 3.0
"""A frame change this many times the median one between two keyframes is where the picture changed."""

EDGE_S = 0.08
"""Moving pictures this close to the ends of their shot may be blended with the next one."""


@dataclass(frozen=True)
class KeyframePicture:
    """A keyframe with its picture. ``span`` is the stretch of its shot that it stands for.

    ``jpeg`` holds the bytes to keep; ``rgb`` decodes them once, uint8 (h, w, 3). ``sharpness`` compares only pictures
    of like content.
    """

    time_s: float
    span: Span
    jpeg: bytes = field(repr=False)
    sharpness: float

    @cached_property
    def rgb(self) -> ImageArray:
        return np.asarray(Image.open(BytesIO(self.jpeg)).convert("RGB"))


@dataclass(frozen=True)
class _Candidate:
    picture: Picture
    gray: ImageArray
    sharpness: float
    liveliness: float

    @property
    def time_s(self) -> float:
        return self.picture.time_s

    @property
    def is_still(self) -> bool:
        return self.liveliness <= STILL_LIVELINESS


def choose_keyframes(decoded: DecodedPart, shots: Sequence[Shot]) -> list[KeyframePicture]:
    """Return keyframes in time order; each shot has at least one if a frame of the part decoded.

    The spans of a shot's keyframes tile the shot.
    """
    if not len(decoded.thumbnails):
        return []
    changes = frame_changes(decoded.thumbnails)
    candidates = [_prepare(picture, decoded) for picture in decoded.pictures]
    keyframes: list[KeyframePicture] = []
    for shot in shots:
        inside = [c for c in candidates if shot.span.contains(c.time_s)] or [_stand_in(decoded, shot.span)]
        chosen = _choose_in_shot(inside, shot.span)
        bounds_s = [_change_between(a.time_s, b.time_s, decoded, changes) for a, b in pairwise(chosen)]
        edges_s = [shot.span.start_s, *bounds_s, shot.span.end_s]
        for candidate, start_s, end_s in zip(chosen, edges_s, edges_s[1:], strict=False):
            keyframes.append(
                KeyframePicture(candidate.time_s, Span(start_s, end_s), candidate.picture.jpeg, candidate.sharpness)
            )
    return keyframes


def _choose_in_shot(inside: Sequence[_Candidate], span: Span) -> list[_Candidate]:
    """Return one candidate for each stretch of the shot during which the picture stays the same."""
    seen = [c for c in inside if not is_blank(c.gray)] or inside[:1]
    middle = Span(span.start_s + EDGE_S, span.end_s - EDGE_S) if span.duration_s > 3 * EDGE_S else span
    settled = [c for c in seen if c.is_still or middle.contains(c.time_s)] or seen
    stretches: list[list[_Candidate]] = []
    for candidate in settled:
        if stretches and not _shows_something_new(candidate, stretches[-1]):
            stretches[-1].append(candidate)
        elif stretches and _fades_into(stretches[-1], candidate):
            stretches[-1] = [candidate]
        else:
            stretches.append([candidate])
    return [_best(stretch) for stretch in stretches]


def _shows_something_new(candidate: _Candidate, stretch: Sequence[_Candidate]) -> bool:
    """Whether the candidate differs from the stretch so that it needs a keyframe of its own."""
    gap_s = candidate.time_s - stretch[0].time_s
    if gap_s >= OTHER_EVERY_S and visible_change(stretch[0].gray, candidate.gray) >= OTHER_CHANGE:
        return True
    if candidate.liveliness <= CALM_LIVELINESS and visible_change(stretch[-1].gray, candidate.gray) >= CALM_CHANGE:
        return True
    standing = _best(stretch).gray
    if candidate.is_still and candidate.liveliness > FROZEN_LIVELINESS:
        return visible_change(standing, candidate.gray, above=DISTINCT_TILE) >= NEW_CHANGE
    is_due = candidate.is_still or gap_s >= MOVING_EVERY_S
    return is_due and visible_change(standing, candidate.gray) >= FAINT_CHANGE


def _fades_into(stretch: Sequence[_Candidate], candidate: _Candidate) -> bool:
    """Whether the stretch is only the faint beginning of the still candidate, as of a slide that fades in."""
    is_brief = stretch[-1].time_s - stretch[0].time_s < MOVING_EVERY_S / 2
    is_fainter = max(c.sharpness for c in stretch) < FAINTER * candidate.sharpness
    return candidate.is_still and is_brief and is_fainter and not any(c.is_still for c in stretch)


def _best(stretch: Sequence[_Candidate]) -> _Candidate:
    """Still pictures before moving ones, then the sharpest."""
    return max(stretch, key=lambda c: (c.is_still, c.sharpness))


def _prepare(picture: Picture, decoded: DecodedPart) -> _Candidate:
    image = Image.open(BytesIO(picture.jpeg))
    image.draft("L", (GRAY_WIDTH_PX, GRAY_HEIGHT_PX))  # the JPEG decoder scales by itself, four times faster
    gray = np.asarray(image.convert("L").resize((GRAY_WIDTH_PX, GRAY_HEIGHT_PX), Image.Resampling.BOX))
    return _Candidate(picture, gray, sharpness(gray), _liveliness(picture.time_s, decoded))


def _liveliness(time_s: float, decoded: DecodedPart) -> float:
    """Return how much the liveliest block of the thumbnails usually changes a frame around the instant."""
    first, last = np.searchsorted(decoded.thumbnail_times_s, (time_s - AROUND_S, time_s + AROUND_S))
    around = decoded.thumbnails[max(0, first - 1) : last].astype(np.int16)
    if len(around) < 2:
        return 0.0
    n, height, width, _ = around.shape
    steps = np.abs(np.diff(around, axis=0)).reshape(
        n - 1, BLOCKS_DOWN, height // BLOCKS_DOWN, BLOCKS_ACROSS, width // BLOCKS_ACROSS, 3
    )
    return float(np.median(steps.mean(axis=(2, 4, 5)).max(axis=(1, 2))))


def _change_between(before_s: float, after_s: float, decoded: DecodedPart, changes: FloatArray) -> float:
    """Return when one keyframe's picture gave way to the next: at a jump if there is one, else halfway."""
    first, last = np.searchsorted(decoded.thumbnail_times_s, (before_s, after_s), side="right")
    between = changes[first:last]
    if len(between) and between.max() > SPIKE_RATIO * max(float(np.median(between)), 1e-3):
        return float(decoded.thumbnail_times_s[first + int(between.argmax())])
    return (before_s + after_s) / 2


def _stand_in(decoded: DecodedPart, span: Span) -> _Candidate:
    """Return a candidate for a shot without one: the thumbnail at its middle, small but true."""
    index = min(int(np.searchsorted(decoded.thumbnail_times_s, span.middle_s)), len(decoded.thumbnails) - 1)
    time_s = float(decoded.thumbnail_times_s[index])
    if not span.contains(time_s):
        time_s = math.nextafter(span.middle_s, span.end_s)
    out = BytesIO()
    small = Image.fromarray(decoded.thumbnails[index])
    small.save(out, "JPEG", quality=95)
    gray = np.asarray(small.convert("L").resize((GRAY_WIDTH_PX, GRAY_HEIGHT_PX)))
    return _Candidate(Picture(time_s, out.getvalue()), gray, 0.0, liveliness=0.0)
