"""Moments in time: which come before or after which, what happens at a given place.

After a target and an anchor were each searched for, their order in the video decides; it does not know how moments are
found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from math import sqrt

from core.plans import Relation
from core.records import Evidence, Modality, Moment, Reason, ReasonKind, Segment, Span, Video
from rag.exhibits import timecode
from rag.merge import coincide
from rag.phrases import tells_of

HALF_AFTER_S, HALF_SOON_S = 60.0, 10.0
"""Time between two moments that halves how well the one follows the other; "right after" is impatient."""

SHARE_AT_ANY_DISTANCE, SHARE_WHEN_SOON = 0.8, 0.5
"""What remains of a pair's score however far apart the two are: "after the war" may be an hour later, and what fits
better an hour later is not what was "right after" it."""

SHARE_OF_COINCIDENCE = 0.9
"""What remains of a pair's score when both are one moment."""

COVERED_S = 15.0
"""Up to this pause "A then B" is one moment from the beginning of A to the end of B; beyond it is B's."""

MIN_SHARE_INSIDE = 0.3
"""Of the shorter of a segment and the window asked for: what only touches the window is not what happens in it."""

SHARE_OF_OCCURRENCE = 0.8
"""Of the score of a video's best moment: the first time something is seen must be it as surely as the other times."""


def compose_pairs(
    targets: Sequence[Moment], anchors: Sequence[Moment], relation: Relation, *, anchor_words: str, is_close: bool
) -> list[Moment]:
    """Return the targets that stand to an anchor of the same video as the relation says, best first.

    A pair scores the geometric mean of its two, so that both must fit, less the farther they are apart. A moment in
    which both happen counts too: their order within it is not known, but nothing shows it better.
    """
    composed = []
    for target in targets:
        pairs = [
            (sqrt(target.score * anchor.score) * _fit_in_order(target, anchor, relation, is_close=is_close), anchor)
            for anchor in anchors
            if target.video_id == anchor.video_id
        ]
        score, anchor = max(pairs, key=lambda pair: (pair[0], -pair[1].span.start_s), default=(0.0, target))
        if score > 0:
            composed.append(_join(target, anchor, relation, round(score, 4), anchor_words))
    return sorted(composed, key=lambda moment: (-moment.score, moment.video_id, moment.span))


def _fit_in_order(target: Moment, anchor: Moment, relation: Relation, *, is_close: bool) -> float:
    """Return how well two moments of a video follow each other as asked, in [0, 1]; 0 in the wrong order."""
    if coincide(target, anchor):
        return SHARE_OF_COINCIDENCE
    is_before = target.span.middle_s < anchor.span.middle_s
    if is_before is not (relation is Relation.BEFORE):
        return 0.0
    half_s, far = (HALF_SOON_S, SHARE_WHEN_SOON) if is_close else (HALF_AFTER_S, SHARE_AT_ANY_DISTANCE)
    closeness: float = 0.5 ** (target.span.gap_s(anchor.span) / half_s)
    return far + (1 - far) * closeness


def _join(target: Moment, anchor: Moment, relation: Relation, score: float, anchor_words: str) -> Moment:
    if coincide(target, anchor):
        return replace(target, score=score)
    word = "before" if relation is Relation.BEFORE else "after"
    why = f"{word} “{anchor_words}” at {timecode(anchor.span.start_s)}"
    reasons = (*target.reasons, Reason(Modality.METADATA, anchor.score, matched=why, kind=ReasonKind.ORDER))
    if relation is not Relation.THEN or target.span.gap_s(anchor.span) > COVERED_S:
        return replace(target, score=score, reasons=reasons)
    known = {item.id for item in anchor.evidence}
    return replace(
        target,
        score=score,
        span=target.span.cover(anchor.span),
        evidence=(*anchor.evidence, *(item for item in target.evidence if item.id not in known)),
        reasons=reasons,
        thumbnail_time_s=anchor.thumbnail_time_s if anchor.thumbnail_time_s is not None else target.thumbnail_time_s,
        segment_ids=tuple(dict.fromkeys((*anchor.segment_ids, *target.segment_ids))),
    )


def narrow_to_telling(moment: Moment, text: str) -> Moment:
    """Return a spoken moment as short as the sentences in it that have all the words of a text, if any has.

    A word spoken alone is shown with a sentence before or after it; beside the word is that sentence.
    """
    telling = tuple(item for item in moment.evidence if tells_of(text, [item]))
    if moment.modality is not Modality.SPEECH or not telling or len(telling) == len(moment.evidence):
        return moment
    span = reduce(Span.cover, (item.span for item in telling)).within(moment.span)
    return replace(moment, span=span, evidence=telling) if span else moment


def put_first(better: Sequence[Moment], others: Iterable[Moment]) -> list[Moment]:
    """Return the better moments, then those of the others that repeat none of them."""
    return [*better, *(moment for moment in others if not any(coincide(moment, known) for known in better))]


def share_inside(span: Span, window: Span) -> float:
    """Return the shared time of a span and a window, of the shorter of the two.

    >>> share_inside(Span(0, 10), Span(8, 30))
    0.2
    """
    return span.overlap_s(window) / min(span.duration_s, window.duration_s)


def is_inside(span: Span, window: Span) -> bool:
    return share_inside(span, window) >= MIN_SHARE_INSIDE


def keep_sure(moments: Sequence[Moment]) -> list[Moment]:
    """Return the moments, best first as given, that fit nearly as well as the best one of their video."""
    best_by_video: dict[str, float] = {}
    for moment in moments:
        best_by_video[moment.video_id] = max(moment.score, best_by_video.get(moment.video_id, 0.0))
    return [moment for moment in moments if moment.score >= SHARE_OF_OCCURRENCE * best_by_video[moment.video_id]]


def browse(
    video: Video,
    segments: Iterable[Segment],
    evidence: Sequence[Evidence],
    window: Span,
    modalities: frozenset[str],
) -> list[Moment]:
    """Return a moment for each segment of the video in the window, in time order; its score is its share inside.

    With modalities only segments with such evidence, or with pictures if what is to be seen is asked for.
    """
    moments = []
    for segment in segments:
        own = tuple(
            item
            for item in evidence
            if item.id in segment.evidence_ids and item.span.overlap_s(window) > 0 and _counts(item, modalities)
        )
        is_seen = bool(segment.keyframes) and (not modalities or Modality.VISUAL.value in modalities)
        share = share_inside(segment.span, window)
        span = segment.span.within(window)
        if span is None or not (own or is_seen):
            continue
        if not is_inside(segment.span, window) and not any(_is_told_in(span, item) for item in own):
            continue
        modality = own[0].modality if own else Modality.VISUAL
        reason = Reason(modality, round(share, 4), matched=f"at {timecode(span.start_s)}", kind=ReasonKind.PLACE)
        shown_s = min((k.time_s for k in segment.keyframes), key=lambda at_s: abs(at_s - span.middle_s), default=None)
        moments.append(
            Moment(
                video_id=video.id,
                video_title=video.title,
                span=span,
                score=round(share, 4),
                modality=modality,
                evidence=own,
                reasons=(reason,),
                thumbnail_time_s=shown_s,
                segment_ids=(segment.id,),
                is_by_place=True,
                video_revision=video.revision,
            )
        )
    return moments


def name_place(moment: Moment, words: str) -> Moment:
    """Return a moment found by its place, which its reason tells in these words."""
    told = (replace(reason, matched=words) if reason.kind is ReasonKind.PLACE else reason for reason in moment.reasons)
    return replace(moment, reasons=tuple(told))


def keep_nearest(moments: Sequence[Moment], at_s: float, n: int) -> list[Moment]:
    """Return the n moments of a video that are nearest to an instant, in the order given."""
    nearest = sorted(range(len(moments)), key=lambda index: abs(moments[index].span.middle_s - at_s))[:n]
    return [moments[index] for index in sorted(nearest)]


def _is_told_in(span: Span, item: Evidence) -> bool:
    """Whether most of a piece of evidence lies in the span: a word between two pauses is little of its segment."""
    return item.span.overlap_s(span) > item.span.duration_s / 2


def _counts(item: Evidence, modalities: frozenset[str]) -> bool:
    return not modalities or item.modality.value in modalities
