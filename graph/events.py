"""Events: neighbouring segments that speak of the same thing become something that happens over a span.

After AVA (2505.00254), which merges neighbouring descriptions while they stay similar. It does not know entities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.ids import derived_id
from core.records import Event, Evidence, Modality, Segment, Span
from core.signals import FloatArray

MIN_SIMILARITY = 0.45
"""Cosine of the next segment with the mean of the event so far, below which something new begins."""

MAX_EVENT_S = 60.0
"""Longer stretches are cut: an event that spans a lecture helps nobody find anything."""

MAX_GAP_S = 10.0
"""Segments farther apart belong to different events."""

MAX_SUMMARY_CHARS = 200


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive segments of one event, with the evidence they hold."""

    segments: tuple[Segment, ...]
    evidence: tuple[Evidence, ...]


def merge_into_events(
    video_id: str,
    segments: Sequence[Segment],
    evidence_by_id: Mapping[str, Evidence],
    vector_by_segment: Mapping[str, FloatArray],
) -> list[Event]:
    """Return the events of a video in time order; stretches without evidence in words give none.

    The summary is the richest sentence among the evidence, quoted, never invented.
    """
    runs = _merge_similar([s for s in segments if s.id in vector_by_segment and s.evidence_ids], vector_by_segment)
    events: list[Event] = []
    for run in runs:
        ids = dict.fromkeys(i for segment in run for i in segment.evidence_ids if i in evidence_by_id)
        held = tuple(evidence_by_id[i] for i in ids)
        if held:
            events.append(_to_event(video_id, len(events), _Run(tuple(run), held)))
    return events


def _merge_similar(segments: Sequence[Segment], vector_by_segment: Mapping[str, FloatArray]) -> list[list[Segment]]:
    runs: list[list[Segment]] = []
    total = np.zeros(0, dtype=np.float32)
    for segment in sorted(segments, key=lambda segment: segment.span):
        vector = vector_by_segment[segment.id].astype(np.float32)
        if runs and _continues(runs[-1], segment, vector, total):
            runs[-1].append(segment)
            total = total + vector
        else:
            runs.append([segment])
            total = vector
    return runs


def _continues(run: Sequence[Segment], segment: Segment, vector: FloatArray, total: FloatArray) -> bool:
    span = run[0].span.cover(run[-1].span)
    if segment.span.gap_s(span) > MAX_GAP_S or span.cover(segment.span).duration_s > MAX_EVENT_S:
        return False
    norm = float(np.linalg.norm(total)) * float(np.linalg.norm(vector))
    return norm > 0 and float(total @ vector) / norm >= MIN_SIMILARITY


def _to_event(video_id: str, number: int, run: _Run) -> Event:
    span: Span = run.segments[0].span
    for segment in run.segments[1:]:
        span = span.cover(segment.span)
    return Event(
        id=derived_id(video_id, "event", number),
        video_id=video_id,
        number=number,
        span=span,
        summary=_summarise(run.evidence),
        evidence_ids=tuple(item.id for item in run.evidence),
        segment_ids=tuple(segment.id for segment in run.segments),
    )


_RANK = {Modality.CAPTION: 0, Modality.SPEECH: 1, Modality.SCREEN: 2, Modality.OBJECT: 3}


def _summarise(evidence: Sequence[Evidence]) -> str:
    """Return the most telling evidence: of the best kind there is, the one with most different words, cut to length."""
    best_kind = min(_RANK.get(item.modality, 9) for item in evidence)
    kin = [item for item in evidence if _RANK.get(item.modality, 9) == best_kind]
    chosen = max(kin, key=lambda item: (len(set(item.text.casefold().split())), -item.span.start_s))
    text = " ".join(chosen.text.split())
    return text if len(text) <= MAX_SUMMARY_CHARS else text[: MAX_SUMMARY_CHARS - 1].rsplit(" ", 1)[0] + "…"
