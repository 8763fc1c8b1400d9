"""How cues of ``benchmarks.negatives`` are judged."""

from __future__ import annotations

import numpy as np

from benchmarks.negatives import n_lost, separation


def test_separation_is_the_chance_of_being_above() -> None:
    assert separation(np.array([2.0, 1.0]), np.array([1.0, 0.0])) == 0.875


def test_a_floor_above_all_negatives_silences_what_is_no_higher() -> None:
    assert n_lost(np.array([0.1, 0.3, 0.5]), np.array([0.2, 0.3])) == 2
