"""Why no case of a set can be run: what keeps its cases out, counted.

It does not know how cases are run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from evaluation.public.questions import questions_to_run
from evaluation.public.records import NEEDS_JUDGE, PublicSet, Task
from evaluation.public.searches import cases_to_run

N_SHOWN = 3
"""Reasons of one sort that are written out."""


def count_cases(asked: PublicSet, videos: Collection[str], *, with_judge: bool) -> int:
    """Return how many cases can be run on a library of these videos, named as the set names them."""
    held = dict.fromkeys(videos, "")
    if asked.task is Task.QUESTIONS:
        return len(questions_to_run(asked, held, with_judge=with_judge))
    return len(cases_to_run(asked, held))


def describe_left_out(asked: PublicSet, not_indexed: Mapping[str, str], *, with_judge: bool) -> str:
    """Return what keeps cases out: rows that say too little, videos that are not there, questions without a judge."""
    told = []
    if asked.unusable:
        told.append(f"{len(asked.unusable)} rows say too little ({_list([str(row) for row in asked.unusable])})")
    if asked.missing:
        told.append(f"{len(asked.missing)} videos are missing from the folder ({_list(asked.missing)})")
    for reason, count in Counter(not_indexed.values()).most_common(N_SHOWN):
        names = [name for name, why in not_indexed.items() if why == reason]
        told.append(f"{count} videos: {reason} ({_list(names)})")
    n_open = 0 if with_judge else sum(question.marking in NEEDS_JUDGE for question in asked.questions)
    if n_open:
        told.append(f"{n_open} open questions need a judge")
    return "; ".join(told)


def _list(names: Collection[str]) -> str:
    """Return the first few.

    >>> _list(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    more = f" and {len(names) - N_SHOWN} more" if len(names) > N_SHOWN else ""
    return f"{', '.join([*names][:N_SHOWN])}{more}"
