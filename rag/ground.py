"""Grounding: from a segment that matches to the seconds that do.

It does not know how candidates were ranked, nor reads any store.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz

from core.records import Evidence, Modality, Span
from core.signals import FloatArray
from rag.clauses import Clause, match_clauses
from rag.merge import TOUCH_S
from rag.retrieve import Candidate

MAX_PAUSE_S = 1.5
"""Longer silences end a spoken moment."""

LOSS_PER_S = 0.005
"""Share of its fit that a second more costs a spoken moment: half a sentence that fits as well as the whole is better,
and a neighbour is taken in when it adds what the query asks for."""

SHORT_S = 3.0
SHORT_LOSS = 0.2
"""Shorter moments are hard to follow: one of no length would lose this share of its fit, one of SHORT_S nothing.

Chosen on dev over a grid of 288 settings (32 spoken queries): IoU >= .5 of .688 against .438 for the best sentence
alone, .594 for sentences grown to 5 s; of the settings around this one none falls below .625."""

MAX_CLAUSES_BESIDE = 6
"""How far from the best sentence its moment may reach, in clauses on either side."""

MAX_ANSWER_PAUSE_S = 3.0
N_ANSWERED = 2
"""A question takes in what is answered: at most so many clauses, each after at most so long a pause."""

SAME_TEXT = 85
"""Percent of likeness from which two texts on screen, one after the other, are the same one going on."""


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
    readings_by_evidence: Mapping[str, Sequence[FloatArray]],
    modalities: frozenset[str],
) -> Ground | None:
    """Return the stretch of the best-matching evidence that fits best, with what belongs to it; None if none may.

    The winner is of the candidate; neighbours may be of other segments of the same video, as far as they are among
    ``readings_by_evidence`` (see ``gather_readings``). Only evidence of the given modalities counts (empty: all).
    """
    own = [
        evidence_by_id[evidence_id]
        for evidence_id in candidate.interaction.by_evidence
        if evidence_id in evidence_by_id and (not modalities or evidence_by_id[evidence_id].modality in modalities)
    ]
    if not own:
        return None
    winner = max(own, key=lambda item: candidate.interaction.by_evidence[item.id])
    if winner.id not in readings_by_evidence:  # late interaction is left out: nothing tells the sentences apart
        return Ground(candidate.segment.span, winner.modality, tuple(own), candidate.segment.span.start_s, 0.0)
    held = (evidence_by_id[evidence_id] for evidence_id in readings_by_evidence if evidence_id in evidence_by_id)
    kin = [item for item in held if item.video_id == winner.video_id and item.modality is winner.modality]
    kin.sort(key=lambda item: (item.span, item.id))
    if winner.modality is Modality.SPEECH:
        span, chosen = _ground_speech(kin, readings_by_evidence, winner)
    else:
        span, chosen = _ground_shown(kin, winner)
    return Ground(span, winner.modality, chosen, span.start_s, candidate.interaction.by_evidence[winner.id])


def gather_readings(candidates: Iterable[Candidate]) -> dict[str, tuple[FloatArray, ...]]:
    """Return the readings of all evidence of the candidates; evidence in several segments has the same in each."""
    return {key: held for candidate in candidates for key, held in candidate.interaction.readings.items()}


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


def _ground_speech(
    kin: Sequence[Evidence], readings_by_evidence: Mapping[str, Sequence[FloatArray]], winner: Evidence
) -> tuple[Span, tuple[Evidence, ...]]:
    """Return the run of clauses around the winner that fits the query best, and the sentences it is of."""
    clauses = _clauses_around(kin, readings_by_evidence, winner)
    first, last = _choose_run(clauses, winner.id)
    last = _hear_answer(clauses, last)
    ids = {clause.evidence_id for clause in clauses[first : last + 1]}
    span = clauses[first].span.cover(clauses[last].span)
    return span, tuple(item for item in kin if item.id in ids)


def _clauses_around(
    kin: Sequence[Evidence], readings_by_evidence: Mapping[str, Sequence[FloatArray]], winner: Evidence
) -> list[Clause]:
    """Return the winner's clauses with those that may belong to them, in time order."""
    at = next(index for index, item in enumerate(kin) if item.id == winner.id)
    near = kin[max(0, at - MAX_CLAUSES_BESIDE) : at + MAX_CLAUSES_BESIDE + 1]
    clauses = [clause for item in near for clause in match_clauses(item, readings_by_evidence[item.id])]
    return sorted(clauses, key=lambda clause: clause.span)


def _choose_run(clauses: Sequence[Clause], winner_id: str) -> tuple[int, int]:
    """Return the first and last index of the run that fits best; it holds at least one clause of the winner."""
    own = [index for index, clause in enumerate(clauses) if clause.evidence_id == winner_id]
    earliest = own[0]
    while earliest > max(0, own[0] - MAX_CLAUSES_BESIDE) and _follows(clauses, earliest, MAX_PAUSE_S):
        earliest -= 1
    best, chosen = -math.inf, (own[0], own[-1])
    for first in range(earliest, own[-1] + 1):
        fits = clauses[first].fits
        for last in range(first, min(len(clauses), own[-1] + MAX_CLAUSES_BESIDE + 1)):
            if last > first and not _follows(clauses, last, MAX_PAUSE_S):
                break
            fits = np.maximum(fits, clauses[last].fits)
            worth = _worth(float(fits.mean()), clauses[last].span.end_s - clauses[first].span.start_s)
            if last >= own[0] and worth > best:
                best, chosen = worth, (first, last)
    return chosen


def _worth(fit: float, duration_s: float) -> float:
    """Return the logarithm of what a moment of this fit and length is worth."""
    shortage = max(0.0, 1 - duration_s / SHORT_S)
    return math.log(max(fit, 0.02)) - LOSS_PER_S * duration_s - SHORT_LOSS * shortage


def _hear_answer(clauses: Sequence[Clause], last: int) -> int:
    """Return the index of the last clause of the answer if the clause ``last`` asks something."""
    if not clauses[last].is_question:
        return last
    for after in range(last + 1, min(len(clauses), last + 1 + N_ANSWERED)):
        if not _follows(clauses, after, MAX_ANSWER_PAUSE_S) or clauses[after].is_question:
            break
        last = after
    return last


def _follows(clauses: Sequence[Clause], index: int, max_pause_s: float) -> bool:
    return clauses[index - 1].span.gap_s(clauses[index].span) <= max_pause_s


def _ground_shown(kin: Sequence[Evidence], winner: Evidence) -> tuple[Span, tuple[Evidence, ...]]:
    """Return the whole time for which a text is shown: parts of a video are read apart, and each sees its share."""
    at = next(index for index, item in enumerate(kin) if item.id == winner.id)
    chosen = [winner]
    for way in (reversed(kin[:at]), kin[at + 1 :]):
        span = winner.span
        for item in way:
            if item.span.gap_s(span) > TOUCH_S:
                continue
            if fuzz.ratio(item.text.casefold(), winner.text.casefold()) >= SAME_TEXT:
                chosen.append(item)
                span = span.cover(item.span)
    span = winner.span
    for item in chosen:
        span = span.cover(item.span)
    return span, tuple(sorted(chosen, key=lambda item: item.span))
