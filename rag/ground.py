"""Grounding: from a segment that matches to the seconds that do.

It does not know how candidates were ranked, nor reads any store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.records import Evidence, Modality, Span
from rag.retrieve import Candidate

SHARE_OF_BEST_EVIDENCE = 0.6
"""A neighbouring sentence is part of the moment when it matches nearly as well as the winning one."""

MAX_PAUSE_S = 1.5
"""Longer silences end a spoken moment."""

MIN_SPOKEN_S = 5.0
"""Shorter spoken moments take in the better neighbour: an answer needs its question to be understood."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where exactly a candidate matches: the span to play, the evidence or the instant that won."""

    span: Span
    modality: Modality
    evidence: tuple[Evidence, ...]
    time_s: float
    score: float


def ground_text(
    candidate: Candidate,
    evidence_by_id: Mapping[str, Evidence],
    score_by_evidence: Mapping[str, float],
    modalities: frozenset[str],
) -> Ground | None:
    """Return the span of the best-matching evidence and of neighbours that belong to it; None if none may.

    The winner is of the candidate; neighbours may be of other segments of the same video, as far as they are among
    ``score_by_evidence``. Only evidence of the given modalities counts (empty: all).
    """
    own = [
        evidence_by_id[evidence_id]
        for evidence_id in candidate.interaction.by_evidence
        if evidence_id in evidence_by_id and (not modalities or evidence_by_id[evidence_id].modality in modalities)
    ]
    if not own:
        return None
    winner = max(own, key=lambda item: candidate.interaction.by_evidence[item.id])
    scored = (evidence_by_id[evidence_id] for evidence_id in score_by_evidence if evidence_id in evidence_by_id)
    kin = [item for item in scored if item.video_id == winner.video_id and item.modality is winner.modality]
    kin.sort(key=lambda item: (item.span, item.id))
    chosen = _grow(kin, score_by_evidence, winner)
    span = winner.span
    for item in chosen:
        span = span.cover(item.span)
    return Ground(span, winner.modality, tuple(chosen), span.start_s, score_by_evidence[winner.id])


def ground_frames(candidate: Candidate) -> Ground | None:
    """Return the whole segment, with the instant of its best keyframe; None without frames.

    A picture's vector tells which scene fits but not which second of it; see
    ``docs/decisions/0005``.
    """
    keyframes = candidate.segment.keyframes
    if not len(candidate.frames) or not keyframes:
        return None
    winner = int(candidate.frames.argmax())
    return Ground(
        candidate.segment.span, Modality.VISUAL, (), keyframes[winner].time_s, float(candidate.frames[winner])
    )


def _grow(kin: Sequence[Evidence], score_by_evidence: Mapping[str, float], winner: Evidence) -> list[Evidence]:
    """Return the run around the winner whose members match nearly as well, and more if it is too short to follow."""
    first = last = next(index for index, item in enumerate(kin) if item.id == winner.id)
    floor = score_by_evidence[winner.id] * SHARE_OF_BEST_EVIDENCE
    while True:
        is_short = winner.modality is Modality.SPEECH and kin[last].span.end_s - kin[first].span.start_s < MIN_SPOKEN_S
        neighbours = [
            (score_by_evidence[kin[at].id], at)
            for at, beside in ((first - 1, first), (last + 1, last))
            if 0 <= at < len(kin) and kin[at].span.gap_s(kin[beside].span) <= MAX_PAUSE_S
        ]
        score, at = max(neighbours, default=(-1.0, -1))
        if at < 0 or not (is_short or score >= floor):
            return list(kin[first : last + 1])
        first, last = min(first, at), max(last, at)
