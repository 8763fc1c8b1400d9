"""Cuts speech out of samples into pieces for a recogniser that hears 30 s at a time, and maps its times back.

It does not know how speech is found or decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.records import Span, Word
from core.signals import SAMPLE_RATE_HZ, FloatArray
from core.sounds import quietest_instant_s

MAX_PIECE_S = 29.0
"""Whisper hears 30 s at a time, and computes 30 s for a shorter piece too; so pieces are filled."""
EDGE_S = 0.3
"""Sound kept on both sides of speech: silero cuts soft first consonants; more would invite phantoms."""
SNAP_S = 0.4
"""A word that begins or ends so close to where the voice does is taken to begin or end there."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Stretches of the samples that are decoded together, in order, joined without what lies between them."""

    stretches: tuple[Span, ...]

    @property
    def duration_s(self) -> float:
        return sum(stretch.duration_s for stretch in self.stretches)

    def place(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Return where a word of the joined sound lies in the samples: inside the stretch that holds its middle.

        So a word that the alignment smears over a removed pause does not seem to last through it.

        >>> piece = Piece((Span(1, 3), Span(10, 12)))
        >>> piece.place(0.5, 1.0), piece.place(1.5, 2.2), piece.place(1.9, 2.5)
        ((1.5, 2.0), (2.5, 3), (10, 10.5))
        """
        middle_s = (start_s + end_s) / 2
        offset_s, last = 0.0, self.stretches[-1]
        for stretch in self.stretches:
            if middle_s < offset_s + stretch.duration_s or stretch is last:
                shift_s = stretch.start_s - offset_s
                start_s = min(max(start_s + shift_s, stretch.start_s), stretch.end_s)
                return start_s, max(start_s, min(end_s + shift_s, stretch.end_s))
            offset_s += stretch.duration_s
        raise ValueError("a piece has at least one stretch")

    def cut_from(self, samples: FloatArray) -> FloatArray:
        return np.concatenate([samples[_sample(s.start_s) : _sample(s.end_s)] for s in self.stretches])


def plan_pieces(speech: Sequence[Span], samples: FloatArray) -> list[Piece]:
    """Return pieces of at most MAX_PIECE_S that hold all speech with EDGE_S around it; long pauses are left out.

    Speech longer than a piece is cut at its quietest instant.

    >>> plan_pieces([Span(1, 2), Span(2.5, 4), Span(9, 10)], np.zeros(16000 * 12, np.float32))
    [Piece(stretches=(Span(start_s=0.7, end_s=4.3), Span(start_s=8.7, end_s=10.3)))]
    """
    duration_s = len(samples) / SAMPLE_RATE_HZ
    padded: list[Span] = []
    for voice in speech:
        wide = Span(max(0.0, voice.start_s - EDGE_S), min(duration_s, voice.end_s + EDGE_S))
        if padded and wide.start_s <= padded[-1].end_s:
            wide = padded.pop().cover(wide)
        padded.append(wide)
    pieces: list[Piece] = []
    for stretch in [part for wide in padded for part in _split_long(wide, samples)]:
        if pieces and pieces[-1].duration_s + stretch.duration_s <= MAX_PIECE_S:
            stretches = (*pieces.pop().stretches, stretch)
        else:
            stretches = (stretch,)
        pieces.append(Piece(stretches))
    return pieces


def _split_long(stretch: Span, samples: FloatArray) -> list[Span]:
    parts = []
    while stretch.duration_s > MAX_PIECE_S:
        latest_s = stretch.start_s + MAX_PIECE_S
        cut_s = quietest_instant_s(samples, Span(latest_s - MAX_PIECE_S / 3, latest_s))
        parts.append(Span(stretch.start_s, cut_s))
        stretch = Span(cut_s, stretch.end_s)
    return [*parts, stretch]


def snap_to_speech(words: Sequence[Word], speech: Sequence[Span]) -> list[Word]:
    """Return the words with starts and ends moved to where the voice is; the alignment is blurred at pauses.

    It smears words into silence, and ends the last one before a pause 0.1-0.3 s early.

    >>> said = snap_to_speech([Word("Hello", 0.0, 1.2), Word("there", 1.2, 1.8)], [Span(0.3, 2.0), Span(5, 6)])
    >>> [(word.start_s, word.end_s) for word in said]
    [(0.3, 1.2), (1.2, 2.0)]
    """
    snapped = []
    for position, word in enumerate(words):
        voiced = [voice for voice in speech if voice.start_s < word.end_s and word.start_s < voice.end_s]
        if not voiced:
            snapped.append(word)
            continue
        onset_s, release_s = voiced[0].start_s, voiced[-1].end_s
        start_s, end_s = max(word.start_s, onset_s), min(word.end_s, release_s)
        is_first = position == 0 or words[position - 1].end_s <= onset_s
        is_last = position + 1 == len(words) or words[position + 1].start_s >= release_s
        if is_first and start_s - onset_s <= SNAP_S:
            start_s = onset_s
        if is_last and release_s - end_s <= SNAP_S:
            end_s = release_s
        snapped.append(Word(word.text, start_s, end_s, word.confidence))
    return snapped


def _sample(time_s: float) -> int:
    return round(time_s * SAMPLE_RATE_HZ)
