"""Plans the parts of a video: stretches short enough to be searchable soon, cut where decoding can start.

It does not know shots or speech; what crosses a cut is the business of the stages.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from core.records import Span
from core.signals import MediaInfo

FIRST_PART_S = 25.0
"""The first part of a long video is this short, so that something is searchable soon."""

MIN_LAST_SHARE = 1 / 3
"""A last part shorter than this share of the target joins the one before."""

NEAR_SHARES = (0.5, 1.5)
"""A keyframe within these shares of the wanted length is near enough to cut at."""

FAR_SHARE = 3.0
"""Where keyframes are rare a part may grow to this many lengths to end on one; else each part decodes a long run-up."""


def plan_parts(info: MediaInfo, *, target_s: float) -> list[Span]:
    """Return spans that tile ``[0, duration)``, cut at the keyframes nearest to ``target_s`` apart.

    Sound alone can be cut anywhere, and so is video whose keyframes are too far apart.

    >>> audio = MediaInfo(150.0, size_px=None, has_audio=True)
    >>> [(part.start_s, part.end_s) for part in plan_parts(audio, target_s=60.0)]
    [(0.0, 60.0), (60.0, 120.0), (120.0, 150.0)]
    """
    is_long = info.size_px is not None and info.duration_s > 2 * target_s
    wanted_s = min(FIRST_PART_S, target_s) if is_long else target_s
    cuts_s = [0.0]
    while info.duration_s - cuts_s[-1] >= wanted_s * (1 + MIN_LAST_SHARE):
        cut_s = _nearest_cut(info.keyframe_times_s, cuts_s[-1], wanted_s)
        if info.duration_s - cut_s < target_s * MIN_LAST_SHARE:
            break
        cuts_s.append(cut_s)
        wanted_s = target_s
    return [Span(start_s, end_s) for start_s, end_s in zip(cuts_s, [*cuts_s[1:], info.duration_s], strict=True)]


def _nearest_cut(keyframes_s: Sequence[float], start_s: float, wanted_s: float) -> float:
    """Return the keyframe nearest to ``start_s + wanted_s`` that is near, else the next not too far, else the instant.

    >>> _nearest_cut((0.0, 55.0, 70.0), 0.0, 60.0), _nearest_cut((0.0, 130.0), 0.0, 60.0), _nearest_cut((), 0.0, 60.0)
    (55.0, 130.0, 60.0)
    """
    ideal_s = start_s + wanted_s
    first = bisect_left(keyframes_s, start_s + NEAR_SHARES[0] * wanted_s)
    last = bisect_right(keyframes_s, start_s + NEAR_SHARES[1] * wanted_s)
    if first < last:
        return min(keyframes_s[first:last], key=lambda time_s: abs(time_s - ideal_s))
    if last < len(keyframes_s) and keyframes_s[last] <= start_s + FAR_SHARE * wanted_s:
        return keyframes_s[last]
    return ideal_s
