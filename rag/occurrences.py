"""Occurrences: the times that something is told in a video, and the one that is asked for.

It does not know how moments are found, nor how a query says which time it wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.plans import NO_END_S
from core.records import Modality, Moment, Reason, ReasonKind, Span
from rag.merge import TOUCH_S
from rag.numerals import spell_ordinal
from rag.order import SHARE_OF_OCCURRENCE, keep_sure
from rag.phrases import tells_of

Time = list[Moment]
"""The moments of one occurrence, in time order: what is shown without a break is shown once."""


def put_time_first(moments: Sequence[Moment], ordinal: int, text: str) -> list[Moment]:
    """Return the time asked for of each video, best video first, before all other moments; these as they are.

    Every time says which of how many it is: where there are fewer than asked for, that is to be seen.
    """
    times_by_video = _find_times(moments, text)
    wanted = _pick(times_by_video, ordinal)
    told = {
        moment: _tell(moment, number, len(times))
        for times in times_by_video
        for number, time in enumerate(times, start=1)
        for moment in time
    }
    return [told.get(moment, moment) for moment in (*wanted, *(m for m in moments if m not in wanted))]


def pick_time(moments: Sequence[Moment], ordinal: int, text: str) -> list[Moment]:
    """Return the first (1), second (2) … or last (-1) time of each video that has as many, best video first."""
    return _pick(_find_times(moments, text), ordinal)


def where_missed(moments: Sequence[Moment], ordinal: int, text: str) -> list[tuple[str, Span]]:
    """Return for each video, best first, the stretch in which times may have been missed that count for the ordinal.

    That is what comes before the first or second time, or after the last: a search finds the best of dozens of times,
    not the earliest.
    """
    stretches = []
    for times in _find_times(moments, text):
        at = times[min(max(_place_of(ordinal, times), 0), len(times) - 1)]
        start_s, end_s = (0.0, at[0].span.start_s) if ordinal > 0 else (at[-1].span.end_s, NO_END_S)
        if end_s > start_s:
            stretches.append((at[0].video_id, Span(start_s, end_s)))
    return stretches


def _find_times(moments: Sequence[Moment], text: str) -> list[list[Time]]:
    """Return the times of each video in time order, best video first: of those that fit nearly as well as the best.

    A time is also a moment whose evidence has the words of the text, however little else it has to do with them: the
    first time that a lamp is mentioned need not be about the lamp.
    """
    sure = keep_sure(moments)
    best = max((moment.score for moment in moments), default=0.0)
    telling = [moment for moment in moments if tells_of(text, moment.evidence)]
    fitting = {m.video_id for m in moments if m.score >= SHARE_OF_OCCURRENCE * best or m in telling}
    by_video: dict[str, list[Moment]] = {}
    for moment in moments:
        if moment.video_id in fitting and (moment in sure or moment in telling):
            by_video.setdefault(moment.video_id, []).append(moment)
    return [_part_times(sorted(found, key=lambda moment: moment.span)) for found in by_video.values()]


def _part_times(moments: Sequence[Moment]) -> list[Time]:
    times: list[Time] = []
    for moment in moments:
        if times and _goes_on(times[-1][-1], moment):
            times[-1].append(moment)
        else:
            times.append([moment])
    return times


def _goes_on(moment: Moment, later: Moment) -> bool:
    """Whether two moments are one time: what is seen or read without a break, not what is said twice in a row."""
    is_said = Modality.SPEECH in (moment.modality, later.modality)
    return not is_said and moment.span.gap_s(later.span) <= TOUCH_S


def _pick(times_by_video: Sequence[Sequence[Time]], ordinal: int) -> list[Moment]:
    """Return where the time asked for begins; where the last one ends, which may be all of a video."""
    picked = []
    for times in times_by_video:
        at = _place_of(ordinal, times)
        if 0 <= at < len(times):
            picked.append(times[at][0 if ordinal > 0 else -1])
    return picked


def _place_of(ordinal: int, times: Sequence[Time]) -> int:
    """Return where the ordinal stands among the times, counted from 0; outside of them where there are fewer."""
    return ordinal - 1 if ordinal > 0 else len(times) + ordinal


def _tell(moment: Moment, number: int, n_times: int) -> Moment:
    told = "the only time" if n_times == 1 else f"the {spell_ordinal(number)} of {n_times} times"
    reason = Reason(Modality.METADATA, moment.score, matched=told, kind=ReasonKind.ORDER)
    return replace(moment, reasons=(*moment.reasons, reason))
