"""Merging: moments that tell the same stretch of the same video become one.

It does not know how moments were found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from core.records import Evidence, Modality, Moment

SHARED_OF_SHORTER = 0.5
"""Two moments are one when they share at least this much of the shorter."""

TOUCH_S = 0.3
"""Or when they touch, and the same piece of evidence won both (a slide that spans several segments)."""

GOES_ON, MAX_SCENE_S = 0.95, 60.0
"""Or when they touch, and both are pictures that fit nearly equally well: a scene that goes on, up to a minute."""


def merge_moments(moments: Iterable[Moment]) -> list[Moment]:
    """Return the moments, best first as given, each later one folded into a better one that it repeats."""
    kept: list[Moment] = []
    for moment in moments:
        at = next((index for index, better in enumerate(kept) if _repeats(moment, better)), None)
        if at is None:
            kept.append(moment)
        else:
            kept[at] = _fold(kept[at], moment)
    return kept


def coincide(moment: Moment, other: Moment | Evidence) -> bool:
    """Whether a moment is the same stretch of the same video as another one, or as a piece of evidence."""
    shorter_s = min(moment.span.duration_s, other.span.duration_s)
    return moment.video_id == other.video_id and moment.span.overlap_s(other.span) >= SHARED_OF_SHORTER * shorter_s


def _repeats(moment: Moment, better: Moment) -> bool:
    if coincide(moment, better) or _goes_on(moment, better):
        return True
    if moment.video_id != better.video_id:
        return False
    if Modality.VISUAL in (moment.modality, better.modality):
        return False  # what was said meanwhile does not make two pictures one
    share_evidence = {item.id for item in moment.evidence} & {item.id for item in better.evidence}
    return bool(share_evidence) and moment.span.gap_s(better.span) <= TOUCH_S


def _goes_on(moment: Moment, better: Moment) -> bool:
    return (
        moment.video_id == better.video_id
        and moment.modality is Modality.VISUAL is better.modality
        and moment.span.gap_s(better.span) <= TOUCH_S
        and moment.score >= GOES_ON * better.score
        and moment.span.cover(better.span).duration_s <= MAX_SCENE_S
    )


def _fold(better: Moment, moment: Moment) -> Moment:
    """Keep the better moment's span — its seconds were found by the better match — and add the other's reasons.

    A scene that goes on is as long as both.
    """
    modalities = {reason.modality for reason in better.reasons}
    extra = tuple(reason for reason in moment.reasons if reason.modality not in modalities)
    return replace(
        better,
        span=better.span.cover(moment.span) if _goes_on(moment, better) else better.span,
        reasons=better.reasons + extra,
        segment_ids=better.segment_ids + tuple(i for i in moment.segment_ids if i not in better.segment_ids),
    )
