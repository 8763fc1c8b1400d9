"""The trade-off of the relevance cut-off: what it silences wrongly against what it rightly answers with nothing.

It does not know how scores come about.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.protocols import SearchRequest
from core.records import Moment
from evaluation.bootstrap import Interval, bootstrap_intervals
from evaluation.corpus import Corpus
from evaluation.crossval import Figures, HeldOut, cross_validate, means_of
from evaluation.library import FinderOf
from evaluation.metrics import judge_ranking
from evaluation.runner import LIMIT, found_of
from rag.relevance import MIN_SCORE
from rag.search import keep_relevant
from rag.steps import Steps

FLOORS = tuple(round(0.02 * number, 2) for number in range(5, 31))
"""Thresholds tried, from 0.1 (next to nothing is cut) to 0.6 (next to everything is)."""

RECALL_LOSS_ALLOWED = 0.02
"""How much recall@5 a cut-off may cost."""

COLUMNS = ("R@1", "R@5", "R@5 lost", "negatives empty", "absent empty")
R1, R5, R5_LOST, EMPTY, ABSENT_EMPTY = range(len(COLUMNS))
"""Columns of the figures of a floor; see ``CutOff``."""


@dataclass(frozen=True, slots=True)
class CutOff:
    """Figures of every floor, (n_floors, 5) by the columns above, and of the floor chosen by cross-validation.

    R5_LOST is against no cut-off at all. EMPTY counts the corpus's negatives. ABSENT_EMPTY counts moment queries asked
    of the library without their video: harder, as other videos may well show something alike. ``held_out`` are the
    figures of each case under the floor chosen without its video (a negative counts as a video of its own), None where
    there are too few videos; ``current`` those of the floor in use.
    """

    floors: tuple[float, ...]
    figures: Figures
    current_floor: float
    current: Figures
    held_out: HeldOut[float] | None
    held_out_intervals: dict[str, Interval]


def trace_cut_off(
    corpus: Corpus,
    finder_of: FinderOf,
    clip_by_id: Mapping[str, str],
    *,
    on_done: Callable[[str], None] = lambda _query: None,
) -> CutOff:
    """Search everything without cut-off and with every floor, and return the figures of each."""
    search = FloorSearch(finder_of)
    units: list[str] = []
    rows: dict[float, list[tuple[float, ...]]] = {floor: [] for floor in search.floors}
    for query in corpus.queries:
        clips = {place.clip for place in query.places}
        others = tuple(video_id for video_id, clip in clip_by_id.items() if clip not in clips)
        uncut, by_floor = search.find(SearchRequest(query.query, limit=LIMIT))
        absent = search.find(SearchRequest(query.query, limit=1, video_ids=others))[1] if others else {}
        uncut_rank = judge_ranking(found_of(uncut, clip_by_id), query).rank or LIMIT + 1
        units.append(query.clip)
        for floor, kept in by_floor.items():
            rank = judge_ranking(found_of(kept, clip_by_id), query).rank or LIMIT + 1
            silent = float(not absent[floor]) if absent else np.nan
            lost = float(uncut_rank <= 5) - float(rank <= 5)
            rows[floor].append((float(rank == 1), float(rank <= 5), lost, np.nan, silent))
        on_done(query.query)
    for text in corpus.negatives:
        units.append(text)
        for floor, kept in search.find(SearchRequest(text, limit=1))[1].items():
            rows[floor].append((np.nan, np.nan, np.nan, float(not kept), np.nan))
        on_done(text)
    return _sum_up({floor: np.array(held) for floor, held in rows.items()}, units, len(clip_by_id))


class FloorSearch:
    """Searches without cut-off and with every floor."""

    def __init__(self, finder_of: FinderOf) -> None:
        self._uncut = finder_of(Steps(cut_off=False))
        self._by_floor = {floor: finder_of(Steps(), floor=floor) for floor in sorted({*FLOORS, MIN_SCORE})}

    @property
    def floors(self) -> tuple[float, ...]:
        return tuple(self._by_floor)

    def find(self, request: SearchRequest) -> tuple[Sequence[Moment], dict[float, Sequence[Moment]]]:
        """Return what is found without cut-off, and by floor.

        A plain query is searched once and cut afterwards. What a plan asks for comes after the cut-off; but where it
        has one part, the floor lets through all or nothing, so that the highest floor with a result tells the rest.
        """
        uncut, plan = self._uncut.find(request), self._uncut.plan(request)
        if plan.is_plain:
            return uncut, {floor: keep_relevant(uncut, None, floor=floor) for floor in self.floors}
        if plan.succession or plan.time:
            return uncut, {floor: self._by_floor[floor].find(request) for floor in self.floors}
        kept = self._by_floor[self.floors[0]].find(request)
        n_kept = bisect_left(self.floors, True, key=lambda floor: not self._by_floor[floor].find(request))
        return uncut, {floor: kept if at < n_kept else () for at, floor in enumerate(self.floors)}


def choose_floor(figures_by_floor: Mapping[float, Figures]) -> float:
    """Return the floor that silences most negatives while recall@5 falls by RECALL_LOSS_ALLOWED at most.

    Of equals the one that loses the least recall@5, and then the highest: it has the most room above the negatives.
    """
    means = {floor: np.nan_to_num(means_of(figures)) for floor, figures in figures_by_floor.items()}
    least = min(mean[R5_LOST] for mean in means.values())
    allowed = max(RECALL_LOSS_ALLOWED, least) + 1e-9
    floors = [floor for floor, mean in means.items() if mean[R5_LOST] <= allowed]
    return max(floors, key=lambda floor: (means[floor][EMPTY], -means[floor][R5_LOST], floor))


def _sum_up(figures_by_floor: Mapping[float, Figures], units: Sequence[str], n_clips: int) -> CutOff:
    tried = {floor: figures_by_floor[floor] for floor in FLOORS}
    held_out = cross_validate(tried, units, choose_floor) if n_clips > 1 and len(set(units)) > 1 else None
    return CutOff(
        floors=FLOORS,
        figures=np.array([means_of(figures) for figures in tried.values()]),
        current_floor=MIN_SCORE,
        current=means_of(figures_by_floor[MIN_SCORE]),
        held_out=held_out,
        held_out_intervals=_intervals(held_out.figures, units) if held_out else {},
    )


def _intervals(figures: Figures, units: Sequence[str]) -> dict[str, Interval]:
    """Return the interval of each column, by its name, over the cases that it applies to."""
    found: dict[str, Interval] = {}
    for column, name in enumerate(COLUMNS):
        held = [at for at in range(len(figures)) if not np.isnan(figures[at, column])]
        if held:
            values = {name: [float(figures[at, column]) for at in held]}
            found |= bootstrap_intervals(values, [units[at] for at in held])
    return found


def as_facts(cut_off: CutOff) -> dict[str, Any]:
    """Return everything as plain numbers by name, for JSON."""

    def named(means: Figures) -> dict[str, float]:
        return {name: round(float(mean), 4) for name, mean in zip(COLUMNS, means, strict=True)}

    held_out = cut_off.held_out
    return {
        "floors": [{"floor": f, **named(row)} for f, row in zip(cut_off.floors, cut_off.figures, strict=True)],
        "current": {"floor": cut_off.current_floor, **named(cut_off.current)},
        "held_out": {
            "floor": held_out.usual_setting,
            "floors": sorted(set(held_out.setting_by_unit.values())),
            **named(held_out.means),
            "intervals": cut_off.held_out_intervals,
        }
        if held_out
        else None,
    }
