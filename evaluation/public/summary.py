"""Figures of a run, by group, with intervals; shown as a table and as JSON.

It does not know how the figures came about.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from evaluation.bootstrap import Interval, bootstrap_intervals
from evaluation.public.records import Groups, PublicSet

Figures = dict[str, float | int | None]
"""Figures by name: shares in [0, 1] unless the name says otherwise; None where it cannot be told."""

N_SHOWN_NAMES = 10


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run of a set measured. ``intervals`` are bootstrap intervals (95 %) of means over cases."""

    n_run: int
    figures: Figures
    intervals: dict[str, Interval] = field(default_factory=dict)
    by_group: dict[str, dict[str, Figures]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a set was run: what belongs beside its figures."""

    subtitles: str
    cut_off: bool
    judge: str | None
    not_indexed: Mapping[str, str]


def mean_figures(values: Mapping[str, Sequence[float]], units: Sequence[str]) -> tuple[Figures, dict[str, Interval]]:
    """Return means over cases and their bootstrap intervals; ``units`` names the video of each case, drawn as one."""
    held = {name: column for name, column in values.items() if column}
    means: Figures = {name: float(np.mean(column)) for name, column in held.items()}
    return means, bootstrap_intervals(held, units) if held else {}


def name_groups(groups: Sequence[Groups]) -> dict[str, dict[str, list[int]]]:
    """Return the cases, by index, of each value of each dimension; values in the order of names, or of numbers.

    >>> name_groups([(("length", "short"),), (("length", "long"),), (("length", "short"),)])
    {'length': {'long': [1], 'short': [0, 2]}}
    """
    members: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, held in enumerate(groups):
        for dimension, value in dict.fromkeys(held):
            members[dimension][value].append(index)
    return {dimension: dict(sorted(held.items(), key=_in_order)) for dimension, held in members.items()}


def _in_order(item: tuple[str, list[int]]) -> tuple[int, str]:
    """Sort lengths in seconds by number, all else by name."""
    return (int(item[0]) if item[0].isdigit() else 0, item[0])


def as_json(title: str, asked: PublicSet, conditions: Conditions, summary: Summary) -> str:
    """Return the run as JSON."""
    return json.dumps(
        {
            "set": asked.name,
            "title": title,
            "task": asked.task.value,
            "n_cases": asked.n_cases,
            "n_run": summary.n_run,
            "n_unusable": len(asked.unusable),
            "n_videos": len(asked.videos),
            "missing_videos": list(asked.missing),
            "not_indexed": dict(conditions.not_indexed),
            "unusable": [str(row) for row in asked.unusable],
            "notes": list(asked.notes),
            "subtitles": conditions.subtitles,
            "cut_off": conditions.cut_off,
            "judge": conditions.judge,
            "figures": summary.figures,
            "intervals": {name: list(interval) for name, interval in summary.intervals.items()},
            "by_group": summary.by_group,
        },
        indent=2,
        ensure_ascii=False,
    )


def print_run(title: str, asked: PublicSet, conditions: Conditions, summary: Summary, console: Console) -> None:
    """Print the figures as tables, and what was left out."""
    console.print(f"[bold]{title}[/bold]: {summary.n_run} of {asked.n_cases} {_cases(asked)} run, subtitles: ", end="")
    console.print(conditions.subtitles + (f", judge: {conditions.judge}" if conditions.judge else ""), markup=False)
    table = Table("figure", "value", "95 % interval", box=box.SIMPLE)
    for name, figure in summary.figures.items():
        bounds = summary.intervals.get(name)
        table.add_row(name, _show(figure), f"{bounds[0]:.3f} – {bounds[1]:.3f}" if bounds else "")
    console.print(table)
    for dimension, held in summary.by_group.items():
        names = list(dict.fromkeys(name for figures in held.values() for name in figures))
        groups = Table(dimension, *names, box=box.SIMPLE)
        for value, group in held.items():
            groups.add_row(value, *(_show(group.get(name)) for name in names))
        console.print(groups)
    _print_left_out("Videos missing from the folder", asked.missing, console)
    not_indexed = [f"{name} ({reason})" for name, reason in conditions.not_indexed.items()]
    _print_left_out("Videos that could not be indexed", not_indexed, console)
    _print_left_out("Rows of the set that say too little", [str(row) for row in asked.unusable], console)
    for note in asked.notes:
        console.print(f"Note: {note}", markup=False)


def _print_left_out(heading: str, names: Sequence[str], console: Console) -> None:
    if names:
        more = f" and {len(names) - N_SHOWN_NAMES} more" if len(names) > N_SHOWN_NAMES else ""
        console.print(f"{heading}: {len(names)}: {'; '.join(names[:N_SHOWN_NAMES])}{more}", markup=False)


def _cases(asked: PublicSet) -> str:
    return "questions" if asked.questions else "queries"


def _show(value: float | int | None) -> str:
    return "–" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"
