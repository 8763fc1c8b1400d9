"""Passages: a moment with what stands beside it, since an answer often stands next to what a question says.

It does not know how moments were found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.records import Evidence, Modality, Moment, Segment, Span
from core.stores import EvidenceCatalogue

PASSAGE_S = 16.0
"""A moment grows no longer than this: three sentences. 20 s find no more."""

MAX_BREATH_S = 1.5
"""Longer silences end a passage."""


def show_scenes(moments: Sequence[Moment], catalogue: EvidenceCatalogue) -> list[Moment]:
    """Return the moments, those of pictures grown over their whole segment, with all that is said and written there."""
    seen = [moment for moment in moments if moment.modality is Modality.VISUAL]
    if not seen:
        return list(moments)
    segments = catalogue.get_segments([i for moment in seen for i in moment.segment_ids])
    evidence = catalogue.get_evidence([i for segment in segments.values() for i in segment.evidence_ids])
    return [
        _show_scene(moment, segments, evidence) if moment.modality is Modality.VISUAL else moment for moment in moments
    ]


def read_around(moments: Sequence[Moment], catalogue: EvidenceCatalogue) -> list[Moment]:
    """Return the moments, those of speech grown over the sentences that were said right before and after."""
    return [_grow(moment, say_around(moment, PASSAGE_S, catalogue)) for moment in moments]


def say_around(moment: Moment, reach_s: float, catalogue: EvidenceCatalogue) -> list[Evidence]:
    """Return what is said in a moment and within ``reach_s`` of it, in time order."""
    around = Span(max(0.0, moment.span.start_s - reach_s), moment.span.end_s + reach_s)
    return catalogue.list_evidence(moment.video_id, span=around, modality=Modality.SPEECH)


def _show_scene(moment: Moment, segments: Mapping[str, Segment], evidence: Mapping[str, Evidence]) -> Moment:
    own = [segments[i] for i in moment.segment_ids if i in segments]
    if not own or own[0].id != moment.segment_ids[0]:
        return moment
    span = moment.span.cover(own[0].span)
    ids = {i for segment in own for i in segment.evidence_ids}
    held = [item for item in evidence.values() if item.id in ids and item.span.overlap_s(span) > 0]
    return replace(moment, span=span, evidence=tuple(sorted(held, key=lambda item: item.span)))


def _grow(moment: Moment, said: Sequence[Evidence]) -> Moment:
    if moment.modality is not Modality.SPEECH:
        return moment
    span, known = moment.span, {item.id for item in moment.evidence}
    joined: list[Evidence] = []
    for item in said:
        is_beside = item.span.overlap_s(moment.span) > 0 or item.span.gap_s(moment.span) <= MAX_BREATH_S
        if is_beside and span.cover(item.span).duration_s <= PASSAGE_S:
            span = span.cover(item.span)
            joined += [] if item.id in known else [item]
    evidence = sorted((*moment.evidence, *joined), key=lambda item: item.span)
    return replace(moment, span=span, evidence=tuple(evidence)) if joined or span != moment.span else moment
