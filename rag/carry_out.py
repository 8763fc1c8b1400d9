"""Carries out what a plan asks for beyond its words: a place in the video, an order of happenings, which time.

It does not know how moments are found: ``PartSearch`` finds those of one part of a plan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from core.plans import QueryPlan, Relation, Succession, TimeWindow
from core.protocols import SearchRequest
from core.records import Moment, Span, Video
from rag.occurrences import pick_time, put_time_first, where_missed
from rag.order import compose_pairs, is_inside, keep_nearest, keep_sure, name_place, narrow_to_telling, put_first
from rag.phrases import likeness

Place = tuple[str, Span]
"""A video by id, and the stretch of it to look in."""

N_ANCHORS = 3
"""Best anchors around which the target is looked for closely; a fourth best is hardly what was meant."""

BESIDE_S = 45.0
"""How far from an anchor its target is looked for closely, and what "what happens next" shows."""

NEXT_S = 20.0

MAX_LOOKS = 4
"""How often an earlier time is looked for than the first that was found; each time all that are best are found."""


class PartSearch(Protocol):
    """Finds the moments of one part of a plan; implemented by ``rag.search``."""

    def find_part(self, plan: QueryPlan, request: SearchRequest, places: Sequence[Place] = ()) -> list[Moment]:
        """Return the relevant moments for the plan's text, phrases and intent, best first; only in places if given."""
        ...

    def best_videos(self, plan: QueryPlan, request: SearchRequest) -> list[Video]:
        """Return the videos in which a place is worth looking for, best first."""
        ...

    def browse(self, place: Place, plan: QueryPlan, request: SearchRequest) -> list[Moment]:
        """Return what is there, whatever it is, in time order."""
        ...


def carry_out(plan: QueryPlan, request: SearchRequest, search: PartSearch) -> list[Moment]:
    """Return the moments that a plan asks for, best first."""
    moments = _find_times(plan, request, search)
    if plan.succession is not None and not _is_said(plan, moments):
        composed = _keep_in_time(_find_succession(plan.succession, request, search), plan, request, search)
        moments = put_first(composed, moments) if composed else moments
    return put_time_first(moments, plan.ordinal, plan.text) if plan.ordinal else moments


def _find_times(plan: QueryPlan, request: SearchRequest, search: PartSearch) -> list[Moment]:
    """Return the moments in the plan's window; of which one time is asked for, until no earlier or later is missed.

    Nothing more is looked for where a place or an order is asked for, too.
    """
    moments = _find_in_time(plan, request, search)
    if plan.ordinal is None or plan.time is not None or plan.succession is not None or request.time is not None:
        return moments
    for _ in range(MAX_LOOKS):
        places = where_missed(moments, plan.ordinal, plan.text)[:N_ANCHORS]
        found = put_first(moments, search.find_part(plan, request, places) if places else ())
        if len(found) == len(moments):
            break
        moments = found
    return moments


def _find_in_time(plan: QueryPlan, request: SearchRequest, search: PartSearch) -> list[Moment]:
    """Return the moments in the plan's window; those of its words as they stand where these may mean no place."""
    if plan.time is None:
        return search.find_part(plan, request)
    found = _find_in_window(plan, plan.time, request, search)
    if found or plan.time.is_strict or plan.is_open:
        return found
    return search.find_part(replace(plan, text=plan.query, time=None, is_open=False), request)


def _find_in_window(plan: QueryPlan, window: TimeWindow, request: SearchRequest, search: PartSearch) -> list[Moment]:
    span = window.in_any_video
    if span is not None and not plan.is_open:
        shared = span if request.time is None else span.within(request.time)
        found = search.find_part(plan, replace(request, time=shared)) if shared else []
        return _keep_long_enough(found, plan, window, request, search)
    videos = search.best_videos(plan, request)
    places = _places(window, videos, request)
    if plan.is_open:
        focus_s = {video.id: window.focus_s(video.duration_s) for video in videos if video.duration_s}
        n_each = math.ceil(request.limit / max(1, len(places)))
        browsed = ((video_id, search.browse((video_id, span), plan, request)) for video_id, span in places)
        nearest = [moment for id_, moments in browsed for moment in keep_nearest(moments, focus_s[id_], n_each)]
        return [name_place(moment, window.words) for moment in nearest]
    return search.find_part(plan, request, places) if places else []


def _keep_long_enough(
    found: list[Moment], plan: QueryPlan, window: TimeWindow, request: SearchRequest, search: PartSearch
) -> list[Moment]:
    """Return the moments of the videos that have the instant that the window names, if it names one."""
    if window.named is None or not found:
        return found
    ids = tuple(dict.fromkeys(moment.video_id for moment in found))
    videos = search.best_videos(plan, replace(request, video_ids=ids))
    held = {video_id for video_id, _ in _places(window, videos, request)}
    return [moment for moment in found if moment.video_id in held]


def _keep_in_time(
    composed: Sequence[Moment], plan: QueryPlan, request: SearchRequest, search: PartSearch
) -> list[Moment]:
    """Return the moments of a succession that lie where the plan, and its target, strictly want them."""
    kept, windows = list(composed), _strict_windows(plan)
    if not kept or not windows:
        return kept
    ids = tuple(dict.fromkeys(moment.video_id for moment in kept))
    videos = search.best_videos(plan, replace(request, video_ids=ids))
    for window in windows:
        span_by_video = dict(_places(window, videos, request))
        kept = [m for m in kept if m.video_id in span_by_video and is_inside(m.span, span_by_video[m.video_id])]
    return kept


def _strict_windows(plan: QueryPlan) -> list[TimeWindow]:
    """Return the places that bind what is found; in "A in the first minute, then B" that is A's alone."""
    succession = plan.succession
    if succession is None:
        return []
    is_of_anchor = succession.relation is Relation.THEN and succession.anchor.time is not None
    windows = (None if is_of_anchor else plan.time, succession.target.time)
    return [window for window in windows if window is not None and window.is_strict]


def _places(window: TimeWindow, videos: Sequence[Video], request: SearchRequest) -> list[Place]:
    places = []
    for video in videos:
        span = window.within(video.duration_s) if video.duration_s else None
        if span is not None and request.time is not None:
            span = span.within(request.time)
        if span is not None:
            places.append((video.id, span))
    return places


def _is_said(plan: QueryPlan, moments: Sequence[Moment]) -> bool:
    """Whether the words of order stand in the evidence itself: "after the war" is then a quotation, no wish."""
    if plan.succession is None or plan.succession.relation is Relation.EITHER or not moments:
        return False
    text = " ".join(item.text for item in moments[0].evidence)
    return likeness(f"{plan.succession.relation.value} {plan.succession.anchor.text}", text) == 1.0


def _find_succession(succession: Succession, request: SearchRequest, search: PartSearch) -> list[Moment]:
    """Return the targets that stand to an anchor as asked; none if either is not relevant."""
    anchors = _find_anchors(succession.anchor, request, search)
    if not anchors:
        return []
    if succession.relation in (Relation.AFTER, Relation.BEFORE):
        anchors = [narrow_to_telling(anchor, succession.anchor.text) for anchor in anchors]
    if succession.relation is Relation.EITHER:
        return _take_turns(_find_in_time(succession.target, request, search), anchors)
    is_asked = succession.target.is_open or _is_question(succession.target)
    if is_asked and succession.is_close:
        return _find_next(succession, anchors, request, search)
    beside = [place for anchor in anchors[:N_ANCHORS] if (place := _beside(anchor, succession.relation, BESIDE_S))]
    targets: list[Moment] = []
    if not succession.target.is_open:
        near = [m for place in beside for m in keep_sure(search.find_part(succession.target, request, [place]))]
        targets = put_first(near, keep_sure(_find_in_time(succession.target, request, search)))
    words = succession.anchor.text
    composed = compose_pairs(targets, anchors, succession.relation, anchor_words=words, is_close=succession.is_close)
    return composed or (_find_next(succession, anchors, request, search) if is_asked else [])


def _find_anchors(plan: QueryPlan, request: SearchRequest, search: PartSearch) -> list[Moment]:
    """Return the moments that fit nearly as well as the best of their video, or the one time of them that is meant."""
    moments = _find_times(plan, request, search)
    return pick_time(moments, plan.ordinal, plan.text) if plan.ordinal else keep_sure(moments)


def _find_next(
    succession: Succession, anchors: Sequence[Moment], request: SearchRequest, search: PartSearch
) -> list[Moment]:
    """Return for each of the best anchors what stands next to it, whatever it is, and the anchor, to see that it does.

    "Which photo is shown right after the storm" wants that one, not another that looks more like a photo.
    """
    relation, words = succession.relation, succession.anchor.text
    found: list[Moment] = []
    for anchor in anchors[:N_ANCHORS]:
        shown = _browse_beside(anchor, succession, request, search)
        alike = [replace(moment, score=anchor.score, is_by_place=False) for moment in shown]
        nearest = compose_pairs(alike, [anchor], relation, anchor_words=words, is_close=True)
        found = put_first(found, [*nearest[:1], anchor, *nearest[1:]] if nearest else [])
    return found


def _browse_beside(anchor: Moment, succession: Succession, request: SearchRequest, search: PartSearch) -> list[Moment]:
    """Return what is near an anchor, on the side asked for; after a pause, what is farther from it."""
    for length_s in (NEXT_S, BESIDE_S):
        place = _beside(anchor, succession.relation, length_s)
        shown = search.browse(place, succession.target, request) if place else []
        if shown:
            return shown
    return []


def _take_turns(moments: Sequence[Moment], others: Sequence[Moment]) -> list[Moment]:
    """Return the best of each, then all the rest by score: an answer needs both."""
    if not moments or not others:
        return []
    best = put_first(moments[:1], others[:1])
    return put_first(best, sorted([*moments[1:], *others[1:]], key=lambda moment: -moment.score))


def _beside(anchor: Moment, relation: Relation, length_s: float) -> Place | None:
    if relation is Relation.BEFORE:
        start_s, end_s = max(0.0, anchor.span.start_s - length_s), anchor.span.start_s
    else:
        start_s, end_s = anchor.span.end_s, anchor.span.end_s + length_s
    return (anchor.video_id, Span(start_s, end_s)) if end_s > start_s else None


def _is_question(plan: QueryPlan) -> bool:
    return plan.text.casefold().startswith(("what ", "who ", "which ", "where ", "how "))
