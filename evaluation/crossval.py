"""Cross-validation over videos: a parameter is chosen on all videos but one and judged on the one left out.

It is how parameters of retrieval are chosen, so that a figure never flatters the videos that a value was picked on. It
does not know what is chosen nor what the figures mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Setting = TypeVar("Setting", bound=Hashable)
Figures = NDArray[np.float64]
"""(n_cases, n_figures): how each query went; NaN where a figure says nothing about a case."""


@dataclass(frozen=True, slots=True)
class HeldOut(Generic[Setting]):
    """What was chosen without each unit, and each case's figures under the setting chosen without its unit."""

    setting_by_unit: dict[str, Setting]
    figures: Figures

    @property
    def usual_setting(self) -> Setting:
        """The setting chosen most often."""
        return Counter(self.setting_by_unit.values()).most_common(1)[0][0]

    @property
    def means(self) -> NDArray[np.float64]:
        """The mean of each figure over the cases it applies to."""
        return means_of(self.figures)


def best_mean(figures_by_setting: Mapping[Setting, Figures]) -> Setting:
    """Return the setting whose first figure is the highest on average; of equals the one given first.

    >>> best_mean({"low": np.array([[0.0], [1.0]]), "high": np.array([[1.0], [1.0]])})
    'high'
    """
    return max(figures_by_setting, key=lambda setting: float(means_of(figures_by_setting[setting])[0]))


def cross_validate(
    figures_by_setting: Mapping[Setting, Figures],
    units: Sequence[str],
    choose: Callable[[Mapping[Setting, Figures]], Setting] = best_mean,
) -> HeldOut[Setting]:
    """Return what leaving each unit out in turn gives; ``units`` names the video of each case.

    ``choose`` sees the figures of the cases that are not left out, and picks a setting by them alone.

    Raises:
        ValueError: fewer than two units, so that nothing is left to choose on.
    """
    if len(set(units)) < 2:
        raise ValueError("leaving one out needs at least two units")
    named = np.asarray(units)
    setting_by_unit: dict[str, Setting] = {}
    held_out = np.full_like(next(iter(figures_by_setting.values())), np.nan)
    for unit in dict.fromkeys(units):
        is_left_out = named == unit
        chosen = choose({setting: figures[~is_left_out] for setting, figures in figures_by_setting.items()})
        setting_by_unit[unit] = chosen
        held_out[is_left_out] = figures_by_setting[chosen][is_left_out]
    return HeldOut(setting_by_unit, held_out)


def means_of(figures: Figures) -> NDArray[np.float64]:
    """Return the mean of each column without its NaNs; NaN for a column that is all NaN.

    >>> means_of(np.array([[1.0, np.nan], [0.0, np.nan]]))
    array([0.5, nan])
    """
    n_held = (~np.isnan(figures)).sum(axis=0)
    means: NDArray[np.float64] = np.where(n_held > 0, np.nansum(figures, axis=0) / np.maximum(n_held, 1), np.nan)
    return means
