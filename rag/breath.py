"""Breath: a spoken moment too short to follow takes in the silence around it.

It does not know why a moment was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.records import Evidence, Modality, Moment, Span, Video
from core.stores import Catalogue
from rag.ground import SHORT_S

BREATH_S = 1.0
"""A moment shorter than SHORT_S grows towards it, by at most this much a side; see ``docs/decisions/0009``."""


def give_breath(moments: Sequence[Moment], catalogue: Catalogue, window: Span | None) -> list[Moment]:
    """Return the moments, short spoken ones longer; none reaches out of the window asked for, nor of its video."""
    short = {m.video_id for m in moments if _is_short(m)}
    videos = catalogue.get_videos(sorted(short)) if short else {}
    return [
        _widen(moment, videos[moment.video_id], catalogue, window)
        if _is_short(moment) and moment.video_id in videos
        else moment
        for moment in moments
    ]


def _is_short(moment: Moment) -> bool:
    return moment.modality is Modality.SPEECH and moment.span.duration_s < SHORT_S


def _widen(moment: Moment, video: Video, catalogue: Catalogue, window: Span | None) -> Moment:
    span = moment.span
    beside = Span(max(0.0, span.start_s - BREATH_S), span.end_s + BREATH_S)
    spoken = catalogue.list_evidence(video.id, span=beside, modality=Modality.SPEECH)
    within = window or Span(0.0, video.duration_s or span.end_s)
    return replace(moment, span=widen_into_silence(span, spoken, within))


def widen_into_silence(span: Span, spoken: Iterable[Evidence], within: Span) -> Span:
    """Return the span, longer as far as nothing else that is ``spoken`` is in the way.

    >>> said = [Evidence(str(s), "v", 0, Span(s, e), Modality.SPEECH, "…", 1.0, "") for s, e in ((35, 39.8), (40, 41))]
    >>> widen_into_silence(Span(40, 41), said, Span(0, 50)), widen_into_silence(Span(40, 41), said, Span(0, 41.5))
    (Span(start_s=39.8, end_s=42.0), Span(start_s=39.8, end_s=41.5))
    """
    breath_s = min(BREATH_S, (SHORT_S - span.duration_s) / 2)
    start_s, end_s = max(span.start_s - breath_s, within.start_s), min(span.end_s + breath_s, within.end_s)
    for item in spoken:
        if item.span.start_s < span.start_s:
            start_s = max(start_s, item.span.end_s)
        if item.span.end_s > span.end_s:
            end_s = min(end_s, item.span.start_s)
    return Span(min(start_s, span.start_s), max(end_s, span.end_s))
