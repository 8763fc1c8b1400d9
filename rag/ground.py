"""Grounding: from a segment that matches to the seconds that do.

It does not know how candidates were ranked, nor reads any store.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz

from core.records import Evidence, Keyframe, Modality, Span
from core.signals import FloatArray
from rag.clauses import Clause, match_clauses
from rag.late_interaction import best_fits
from rag.merge import TOUCH_S
from rag.retrieve import Candidate

MAX_PAUSE_S = 1.5
"""Longer silences end a spoken moment."""

LOSS_PER_S = 0.005
"""Share of its fit that a second more costs a spoken moment: a part of a long sentence that fits as well as the whole
is better, and a neighbour is taken in when it adds what the query asks for."""

SHORT_S = 3.0
SHORT_LOSS = 0.1
"""Shorter moments are hard to follow: one of no length would lose this share of its fit, one of SHORT_S nothing."""

MIN_GAIN = 0.08
"""What is said makes the moment if it answers this share more of the query than the text on screen beside it does;
else the text, which stays longer, does. The choice of these constants is told in ``docs/decisions/0009``."""

MAX_SENTENCES_BESIDE = 3
MAX_CLAUSES = 8
"""How far from the segment's own sentences a moment may reach, and how long it may be."""

MAX_ANSWER_PAUSE_S = 3.0
N_ANSWERED = 2
MAX_ANSWER_S = 6.0
"""A question takes in what is answered: at most so many clauses, each after at most so long a pause, and ending so soon
after the question. What goes on for longer is a talk, which people look for by itself."""

FITS_TOO = 0.75
"""Share of the best picture's fit from which on another one of the segment shows what is asked for, too."""

SAME_TEXT = 85
"""Percent of likeness from which two texts on screen, one after the other, are the same one going on."""


_FUNCTION_WORD = re.compile(r"an?|and|are|at|by|for|from|in|is|of|on|or|the|to|was|were|with")

Readings = Mapping[str, Sequence[FloatArray]]
"""By piece of evidence, the cosines (q, n) of the query's tokens with the rows of each of its readings."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where exactly a candidate matches: the span to play, the evidence that won, and an instant that shows it."""

    span: Span
    modality: Modality
    evidence: tuple[Evidence, ...]
    time_s: float
    score: float


def ground_text(
    candidate: Candidate,
    evidence_by_id: Mapping[str, Evidence],
    readings_by_evidence: Readings,
    modalities: frozenset[str],
    *,
    query: str = "",
) -> Ground | None:
    """Return the stretch of the best-matching evidence that fits best, with what belongs to it; None if none may.

    The winner is of the candidate; neighbours may be of other segments of the same video, as far as they are among
    ``readings_by_evidence`` (see ``gather_readings``). ``evidence_by_id`` stands in time order. Only evidence of the
    given modalities counts (empty: all).
    """
    own = [
        evidence_by_id[evidence_id]
        for evidence_id in candidate.interaction.by_evidence
        if evidence_id in evidence_by_id and (not modalities or evidence_by_id[evidence_id].modality in modalities)
    ]
    if not own:
        return None
    span, own_read = candidate.segment.span, [item for item in own if item.id in readings_by_evidence]
    if not own_read:  # late interaction is left out, or saw none of it: nothing tells the sentences apart
        return Ground(span, own[0].modality, tuple(own), span.start_s, 0.0)
    video_id = own[0].video_id
    kin = [item for item in evidence_by_id.values() if item.video_id == video_id and item.id in readings_by_evidence]
    said = [item for item in own_read if item.modality is Modality.SPEECH]
    shown = [item for item in own_read if item.modality is not Modality.SPEECH]
    if not shown:
        return _ground_speech(kin, readings_by_evidence, said, None)
    winner = max(shown, key=lambda item: candidate.interaction.by_evidence[item.id])
    text = _ground_shown(kin, winner, candidate.interaction.by_evidence[winner.id], candidate.segment.keyframes)
    if not said or holds_all_words(query, text.evidence):
        return text
    context = np.max([best_fits(readings_by_evidence[item.id]) for item in shown], axis=0)
    speech = _ground_speech(kin, readings_by_evidence, said, context)
    return speech if speech.score >= (1 + MIN_GAIN) * float(context.mean()) else text


def holds_all_words(query: str, shown: Sequence[Evidence]) -> bool:
    """Whether every word that means something in the query stands in the texts: then the texts were meant.

    >>> sign = Evidence("e", "v", 0, Span(0, 9), Modality.SCREEN, "Opened on 4 July 1936", 1.0, "test")
    >>> holds_all_words("July 4, 1936", [sign]), holds_all_words("opened by whom", [sign])
    (True, False)
    """
    wanted = {word for word in re.findall(r"\w+", query.casefold()) if not _FUNCTION_WORD.fullmatch(word)}
    return bool(wanted) and wanted <= {word for item in shown for word in re.findall(r"\w+", item.text.casefold())}


def gather_readings(candidates: Iterable[Candidate]) -> Readings:
    """Return the readings of all evidence of the candidates; evidence in several segments has the same in each."""
    return {key: held for candidate in candidates for key, held in candidate.interaction.readings.items()}


def ground_frames(candidate: Candidate) -> Ground | None:
    """Return the stretch of the segment whose pictures fit, with the instant of the best; None without frames.

    That is the whole segment where pictures that fit as well lie scattered over it; see ``docs/decisions/0005``.
    """
    keyframes, fits = candidate.segment.keyframes, candidate.frames
    if not len(fits) or not keyframes:
        return None
    winner = int(fits.argmax())
    fitting = [number for number, fit in enumerate(fits) if fit >= FITS_TOO * fits[winner] or number == winner]
    first, last = fitting[0], fitting[-1]
    span = candidate.segment.span
    if len(fitting) == last - first + 1:
        span = span.within(keyframes[first].span.cover(keyframes[last].span)) or span
    return Ground(span, Modality.VISUAL, (), keyframes[winner].time_s, float(fits[winner]))


def _ground_speech(
    kin: Sequence[Evidence], readings_by_evidence: Readings, own: Sequence[Evidence], context: FloatArray | None
) -> Ground:
    """Return the run of clauses that fits the query best, with the sentences it is of; it begins or ends in ``own``.

    ``context`` (q,): how well the texts on screen beside it fit each token of the query, which speech need not repeat.
    """
    spoken = [item for item in kin if item.modality is Modality.SPEECH]
    own_ids = {item.id for item in own}
    at = [index for index, item in enumerate(spoken) if item.id in own_ids]
    near = spoken[max(0, at[0] - MAX_SENTENCES_BESIDE) : at[-1] + MAX_SENTENCES_BESIDE + 1]
    clauses = [clause for item in near for clause in match_clauses(item, readings_by_evidence[item.id])]
    clauses.sort(key=lambda clause: clause.span)
    first, last, fit = _choose_run(clauses, own_ids, context)
    last = _hear_answer(clauses, last)
    ids = {clause.evidence_id for clause in clauses[first : last + 1]}
    span = clauses[first].span.cover(clauses[last].span)
    return Ground(span, Modality.SPEECH, tuple(item for item in near if item.id in ids), span.start_s, fit)


def _choose_run(clauses: Sequence[Clause], own_ids: Set[str], context: FloatArray | None) -> tuple[int, int, float]:
    """Return the first and last index of the run that is worth most, holding a clause of ``own_ids``, and its fit."""
    fits = np.stack([clause.fits for clause in clauses])
    if context is not None:
        fits = np.maximum(fits, context)
    best, chosen = -math.inf, (0, 0, 0.0)
    for first in range(len(clauses)):
        together = np.maximum.accumulate(fits[first : first + MAX_CLAUSES], axis=0).mean(axis=1)
        holds_own = False
        for last, fit in enumerate(together.tolist(), start=first):
            if last > first and not _follows(clauses, last, MAX_PAUSE_S):
                break
            holds_own = holds_own or clauses[last].evidence_id in own_ids
            worth = _worth(fit, clauses[last].span.end_s - clauses[first].span.start_s)
            if holds_own and worth > best:
                best, chosen = worth, (first, last, fit)
    return chosen


def _worth(fit: float, duration_s: float) -> float:
    """Return the logarithm of what a moment of this fit and length is worth."""
    shortage = max(0.0, 1 - duration_s / SHORT_S)
    return math.log(max(fit, 0.02)) - LOSS_PER_S * duration_s - SHORT_LOSS * shortage


def _hear_answer(clauses: Sequence[Clause], last: int) -> int:
    """Return the index of the last clause of the answer if the clause ``last`` asks something."""
    asked = clauses[last]
    if not asked.is_question:
        return last
    for after in range(last + 1, min(len(clauses), last + 1 + N_ANSWERED)):
        if not _follows(clauses, after, MAX_ANSWER_PAUSE_S) or clauses[after].is_question:
            break
        if clauses[after].span.end_s - asked.span.end_s > MAX_ANSWER_S:
            break
        last = after
    return last


def _follows(clauses: Sequence[Clause], index: int, max_pause_s: float) -> bool:
    return clauses[index - 1].span.gap_s(clauses[index].span) <= max_pause_s


def _ground_shown(kin: Sequence[Evidence], winner: Evidence, fit: float, keyframes: Sequence[Keyframe]) -> Ground:
    """Return the whole time for which a text is shown: parts of a video are read apart, and each sees its share.

    ``keyframes`` are those of the winner's segment: one of them shows it where no region says which does.
    """
    text = winner.text.casefold()
    alike = [
        item for item in kin if item.modality is winner.modality and fuzz.ratio(item.text.casefold(), text) >= SAME_TEXT
    ]
    at = alike.index(winner)
    span, chosen = winner.span, [winner]
    for item in (*reversed(alike[:at]), *alike[at + 1 :]):
        if item.span.gap_s(span) <= TOUCH_S:
            span = span.cover(item.span)
            chosen.append(item)
    chosen.sort(key=lambda item: item.span)
    region, inside_s = chosen[0].region, (k.time_s for k in keyframes if span.contains(k.time_s))
    shown_s = region.time_s if region else next(inside_s, span.start_s)
    return Ground(span, winner.modality, tuple(chosen), shown_s, fit)
