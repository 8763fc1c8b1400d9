"""Bootstrap intervals of means over queries, resampled by the video that the queries are about.

Queries about one video succeed and fail together, so videos are drawn, not queries (cluster bootstrap, Davison and
Hinkley, 1997, 3.8); with numpy, as scipy's bootstrap knows no clusters. It does not know what the values measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.records import Span

N_RESAMPLES = 2000
CONFIDENCE = 0.95
FEW_VIDEOS = 8
"""With fewer there is next to nothing to draw from, so stretches of BLOCK_S are drawn instead (block bootstrap)."""
BLOCK_S = 60.0

Interval = tuple[float, float]


def unit_of(clip: str, span: Span, n_clips: int) -> str:
    """Return what is drawn together with a case: its video, or its minute of the video in a library of few.

    >>> unit_of("a.mp4", Span(70, 80), n_clips=25), unit_of("a.mp4", Span(70, 80), n_clips=3)
    ('a.mp4', 'a.mp4 1')
    """
    return clip if n_clips >= FEW_VIDEOS else f"{clip} {int(span.start_s // BLOCK_S)}"


def bootstrap_intervals(columns: Mapping[str, Sequence[float]], units: Sequence[str]) -> dict[str, Interval]:
    """Return the percentile interval of each column's mean; the same values always give the same interval.

    ``units`` names for each value the unit that is drawn; a unit brings all its values each time it is drawn.

    >>> bootstrap_intervals({"hits": [1.0, 1.0, 1.0]}, ["a", "a", "b"])
    {'hits': (1.0, 1.0)}
    """
    names, codes = np.unique(np.asarray(units), return_inverse=True)
    draws = _draws(len(names)).astype(np.float64)
    n_values = draws @ np.bincount(codes, minlength=len(names))
    edges = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    intervals = {}
    for name, values in columns.items():
        sums = np.bincount(codes, weights=np.asarray(values, dtype=np.float64), minlength=len(names))
        low, high = np.quantile(draws @ sums / n_values, edges)
        intervals[name] = (float(low), float(high))
    return intervals


def _draws(n_units: int) -> NDArray[np.int64]:
    """Return how often each unit is drawn in each resample: (N_RESAMPLES, n_units), every row sums to n_units."""
    return np.random.default_rng(0).multinomial(n_units, np.full(n_units, 1 / n_units), size=N_RESAMPLES)
