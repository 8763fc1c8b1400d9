"""Measures on samples that both the speech recogniser and the indexer need: where it is quiet.

It does not know what is voice and what is noise.
"""

from __future__ import annotations

import numpy as np

from core.records import Span
from core.signals import SAMPLE_RATE_HZ, FloatArray

FRAME_S, STEP_S = 0.05, 0.01
"""Loudness is measured over 50 ms, the length of a short stop consonant, every 10 ms."""


def quietest_instant_s(samples: FloatArray, within: Span) -> float:
    """Return the middle of the quietest 50 ms inside the span; the earliest if several are equally quiet.

    Times count from sample 0. The middle of the span if it holds less than 50 ms of samples.

    >>> loud = np.ones(SAMPLE_RATE_HZ, np.float32); loud[8000:8800] = 0.0
    >>> round(quietest_instant_s(loud, Span(0, 1)), 2)
    0.53
    """
    first, last = round(within.start_s * SAMPLE_RATE_HZ), round(within.end_s * SAMPLE_RATE_HZ)
    frame, step = round(FRAME_S * SAMPLE_RATE_HZ), round(STEP_S * SAMPLE_RATE_HZ)
    sound = samples[first:last]
    if len(sound) < frame:
        return within.middle_s
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    starts = np.arange(0, len(sound) - frame + 1, step)
    quietest = int(starts[np.argmin(energy[starts + frame] - energy[starts])])
    return (first + quietest + frame / 2) / SAMPLE_RATE_HZ
