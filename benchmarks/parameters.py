"""Chooses constants of the search by cross-validation over videos, on a home that `kinograph eval --home` kept.

    python -m benchmarks.parameters HOME CORPUS rag.relevance.LEXICAL_BONUS=0.8,0.4 [MORE=…]

Searches everything with every combination of the values, and prints the means of each beside the held-out ones: each
video judged with the combination that was best on all other videos. A constant is named by the module that reads it.
A choice is worth making when the held-out figures beat those of the values in use, which are the first of each list.
"""

from __future__ import annotations

import argparse
import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product

import numpy as np

from benchmarks import terminal
from benchmarks.terminal import run_benchmark
from core.errors import BadInput
from evaluation.corpus import Corpus, load_corpus
from evaluation.crossval import Figures, cross_validate, means_of
from evaluation.library import open_library, search_with
from evaluation.metrics import measure_columns
from evaluation.runner import Search, run_corpus
from rag.steps import Steps

MEASURES = ("ndcg_at_10", "recall_at_1", "recall_at_5", "iou_half_at_1", "mean_iou_at_1")
"""The first is what is chosen by, unless --by names another."""

Setting = tuple[float, ...]
"""A value for each of the constants, in their order."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpus", type=terminal.corpus_folder)
    parser.add_argument("grid", nargs="+", type=read_values, metavar="MODULE.CONSTANT=VALUE,VALUE,…")
    parser.add_argument("--by", choices=MEASURES, default=MEASURES[0], help="the measure to choose by")
    parser.add_argument("--modality", help="judge by the queries of this modality alone")
    options = parser.parse_args()
    grid = dict(options.grid)
    corpus = load_corpus(options.corpus)
    queries = tuple(q for q in corpus.queries if options.modality in (None, q.modality))
    terminal.require(queries, f"{options.corpus} asks nothing of that kind", remedy="Leave --modality out.")
    n_videos = len({query.clip for query in queries})
    terminal.require(n_videos > 1, "values are judged on videos left out", remedy="Name a corpus of several.")
    corpus = Corpus(corpus.half, corpus.clips, queries, (), ())
    measures = (options.by, *(measure for measure in MEASURES if measure != options.by))
    with open_library(options.home, corpus.clips) as library:
        search = search_with(library.finder_of(Steps()))
        figures = {
            setting: judge_setting(corpus, search, dict(zip(grid, setting, strict=True)), library.clip_by_id, measures)
            for setting in product(*grid.values())
        }
    show(grid, figures, measures, [query.clip for query in queries])


def read_values(text: str) -> tuple[str, tuple[float, ...]]:
    """Return a constant's name and values.

    >>> read_values("rag.relevance.SHARE_OF_BEST=0.5,0.4")
    ('rag.relevance.SHARE_OF_BEST', (0.5, 0.4))

    Raises:
        BadInput: no module has such a number, or a value is none.
    """
    name, _, values = text.partition("=")
    module, _, constant = name.rpartition(".")
    try:
        held = getattr(importlib.import_module(module), constant)
        numbers = tuple(float(value) for value in values.split(","))
    except (ImportError, AttributeError, ValueError) as error:
        raise BadInput(f"{text!r}: {error}", remedy="Write MODULE.CONSTANT=VALUE,VALUE, as in the example.") from error
    if not isinstance(held, int | float) or not all(map(math.isfinite, numbers)):
        raise BadInput(f"{text!r}: {name} or a value is not a number", remedy="Name a constant that is one.")
    return name, numbers


def judge_setting(
    corpus: Corpus, search: Search, values: Mapping[str, float], clip_by_id: Mapping[str, str], measures: Sequence[str]
) -> Figures:
    """Return each query's measures, (n_queries, n_measures), with the constants set to the values."""
    with constants_set(values):
        outcomes = run_corpus(corpus, search, None, clip_by_id)
    columns = measure_columns([outcome.judgement for outcome in outcomes.queries])
    return np.array([columns[measure] for measure in measures]).T


@contextmanager
def constants_set(values: Mapping[str, float]) -> Iterator[None]:
    """Set module constants for a while; whole numbers stay whole."""
    places = {name: (importlib.import_module(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in values}
    before = {name: getattr(module, constant) for name, (module, constant) in places.items()}
    try:
        for name, (module, constant) in places.items():
            setattr(module, constant, type(before[name])(values[name]))
        yield
    finally:
        for name, (module, constant) in places.items():
            setattr(module, constant, before[name])


def show(
    grid: Mapping[str, Sequence[float]], figures: Mapping[Setting, Figures], measures: Sequence[str], units: list[str]
) -> None:
    print(f"{len(units)} queries; {', '.join(grid)}\n{'values':32} " + " ".join(f"{name:>13}" for name in measures))
    for setting, rows in figures.items():
        print(f"{', '.join(f'{value:g}' for value in setting):32} " + _means(rows))
    held_out = cross_validate(figures, units)
    print(f"{'chosen without the video':32} " + _means(held_out.figures))
    print("chosen most often: " + ", ".join(f"{value:g}" for value in held_out.usual_setting))


def _means(figures: Figures) -> str:
    return " ".join(f"{mean:13.3f}" for mean in means_of(figures))


if __name__ == "__main__":
    run_benchmark(main)
