"""Segments: the retrieval units of a part, cut where neither a sentence nor — if it can be helped — a shot is broken.

It does not know what models produced the evidence, nor how a segment is embedded.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from core.ids import derived_id
from core.records import Evidence, Keyframe, Modality, Segment, Shot, Span

TARGET_S = 7.0
"""A segment closes at the first good cut after this; short ones find the right second, long ones carry context."""

MAX_S = 16.0
"""Longer stretches without any cut are divided evenly."""

MIN_OVERLAP_S = 0.25
"""Evidence or a keyframe that touches a segment for less than this (and less than half of itself) is not part of it."""


def build_segments(
    video_id: str,
    profile: str,
    part_number: int,
    span: Span,
    shots: Sequence[Shot],
    evidence: Sequence[Evidence],
    keyframes: Sequence[Keyframe],
) -> tuple[Segment, ...]:
    """Return the segments of a part in time order; stretches with neither evidence nor keyframe give none.

    Speech may reach a few seconds over the ends of the part (it is cut at a silence, not at a keyframe); the first and
    last segments then reach there too.
    """
    sentences = [item.span for item in evidence if item.modality is Modality.SPEECH]
    whole = _cover_speech(span, sentences)
    cuts = _choose_cuts(whole, [shot.span.start_s for shot in shots], sentences)
    segments: list[Segment] = []
    for start_s, end_s in itertools.pairwise(cuts):
        piece = Span(start_s, end_s)
        inside = [item for item in evidence if _belongs(item, piece)]
        pictures = [keyframe for keyframe in keyframes if _overlaps_enough(keyframe.span, piece)]
        if not inside and not pictures:
            continue
        number = len(segments)
        segments.append(
            Segment(
                id=derived_id(video_id, profile, part_number, "segment", number),
                video_id=video_id,
                part=part_number,
                number=number,
                span=piece,
                evidence_ids=tuple(item.id for item in inside),
                keyframes=tuple(pictures),
                speech_ratio=round(_speech_ratio(piece, sentences), 4),
                screen_chars_per_s=round(_screen_density(piece, inside), 4),
                language=next((item.language for item in inside if item.language), None),
            )
        )
    return tuple(segments)


def _cover_speech(span: Span, sentences: Sequence[Span]) -> Span:
    whole = span
    for sentence in sentences:
        whole = whole.cover(sentence)
    return whole


def _choose_cuts(whole: Span, shot_starts_s: Sequence[float], sentences: Sequence[Span]) -> list[float]:
    """Return cut times from start to end of ``whole``: shot starts and sentence gaps, TARGET_S apart where possible.

    >>> _choose_cuts(Span(0, 20), [9.0], [])
    [0, 9.0, 20]
    >>> _choose_cuts(Span(0, 20), [9.0], [Span(8.0, 12.0)])
    [0, 8.0, 20]
    """
    candidates = sorted(
        {time_s for time_s in shot_starts_s if not _breaks_sentence(time_s, sentences)}
        | {sentence.start_s for sentence in sentences if not _breaks_sentence(sentence.start_s, sentences)}
        | {sentence.end_s for sentence in sentences if not _breaks_sentence(sentence.end_s, sentences)}
    )
    cuts = [whole.start_s]
    for time_s in [*(c for c in candidates if whole.start_s < c < whole.end_s), whole.end_s]:
        following = next((c for c in candidates if c > time_s), whole.end_s)
        is_far_enough = time_s - cuts[-1] >= TARGET_S
        would_grow_too_long = following - cuts[-1] > MAX_S and time_s - cuts[-1] >= TARGET_S / 2
        if time_s == whole.end_s or is_far_enough or would_grow_too_long:
            cuts.extend(_divide(cuts[-1], time_s))
    return _join_short_tail(cuts)


def _breaks_sentence(time_s: float, sentences: Sequence[Span]) -> bool:
    return any(sentence.start_s + 0.05 < time_s < sentence.end_s - 0.05 for sentence in sentences)


def _divide(start_s: float, end_s: float) -> list[float]:
    """Return the cuts after ``start_s`` up to ``end_s``, pieces equal and at most MAX_S long.

    >>> _divide(0.0, 40.0)
    [13.333333333333334, 26.666666666666668, 40.0]
    """
    n_pieces = max(1, -int(-(end_s - start_s) // MAX_S))
    step_s = (end_s - start_s) / n_pieces
    return [*(start_s + step_s * index for index in range(1, n_pieces)), end_s]


def _join_short_tail(cuts: list[float]) -> list[float]:
    if len(cuts) > 2 and cuts[-1] - cuts[-2] < TARGET_S / 3 and cuts[-1] - cuts[-3] <= MAX_S:
        return [*cuts[:-2], cuts[-1]]
    return cuts


def _belongs(item: Evidence, piece: Span) -> bool:
    """A sentence belongs where its middle lies, so it is told once; what is seen belongs wherever it shows."""
    if item.modality is Modality.SPEECH:
        return piece.contains(item.span.middle_s)
    return _overlaps_enough(item.span, piece)


def _overlaps_enough(span: Span, piece: Span) -> bool:
    shared_s = span.overlap_s(piece)
    return shared_s >= MIN_OVERLAP_S or shared_s > span.duration_s / 2


def _speech_ratio(piece: Span, sentences: Sequence[Span]) -> float:
    return min(1.0, sum(sentence.overlap_s(piece) for sentence in sentences) / piece.duration_s)


def _screen_density(piece: Span, inside: Sequence[Evidence]) -> float:
    n_chars = sum(len(item.text) for item in inside if item.modality is Modality.SCREEN)
    return n_chars / piece.duration_s
