"""Turns the cuts that a detector finds into shots that tile a part.

It does not know how cuts are found, nor what the shots show.
"""

from __future__ import annotations

from itertools import pairwise

from core.protocols import ShotDetector
from core.records import Shot, Span
from core.signals import DecodedPart

MIN_SHOT_S = 0.1
"""A shot of two or three frames is a flash or a damaged frame; it joins the one before."""


def detect_shots(decoded: DecodedPart, span: Span, detector: ShotDetector) -> list[Shot]:
    """Return shots that tile the span in time order, at least one.

    Where a part begins without a cut its first shot continues the last one of the part before: ``starts_at_cut`` is
    False, except at the start of the video.
    """
    cuts_s = [float(decoded.thumbnail_times_s[index]) for index in _find_cuts(decoded, detector)]
    starts_s = [span.start_s]
    for cut_s in cuts_s:
        if cut_s >= starts_s[-1] + MIN_SHOT_S and cut_s <= span.end_s - MIN_SHOT_S:
            starts_s.append(cut_s)
    return [
        Shot(Span(start_s, end_s), starts_at_cut=start_s > span.start_s or span.start_s == 0)
        for start_s, end_s in pairwise([*starts_s, span.end_s])
    ]


def _find_cuts(decoded: DecodedPart, detector: ShotDetector) -> list[int]:
    return detector.find_cuts(decoded.thumbnails) if len(decoded.thumbnails) > 1 else []
