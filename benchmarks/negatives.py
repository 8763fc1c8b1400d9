"""Asks what tells a picture that is rightly found from one that is found for what is not there.

    python -m benchmarks.negatives HOME CORPUS

HOME is a home that `kinograph eval --home` kept. Each query whose best picture is the right one stands against what is
found for queries that nothing matches (*negatives*), and for queries asked without their own video (*absent*), where
the best is a picture, too. A cue is a number that should be higher for what is right. The table of
``docs/decisions/0004`` says how well each tells them apart, alone and added to the fit.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adapters.concepts import CLASS_TEMPLATE, class_names
from benchmarks import terminal
from benchmarks.fusion import with_bonus
from benchmarks.seeing import Library, read_library
from benchmarks.seeing_ways import Looks, Words, coloured, phrases_of, relative_fit, softmax
from benchmarks.terminal import run_benchmark
from core.signals import FloatArray

N_NEAREST = 5
"""Classes nearest to a query, of which a picture of it should show one."""

SHARES = (0.0, 0.1, 0.2, 0.4, 0.8)
"""How much of a cue, in its own standard deviations, is added to the fit in its: the best share is told."""


@dataclass(frozen=True)
class Found:
    """The picture that fits a query best, by its number; ``scores`` (k,) are those of all pictures, 0 if left out."""

    query: str
    picture: int
    scores: FloatArray
    owner: NDArray[np.int64]


Cue = Callable[[Found], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpus", type=terminal.corpus_folder)
    options = parser.parse_args()
    library, words = read_library(terminal.settings_of(options.home), options.corpus)
    right, negatives, absent = find_cases(library, words)
    terminal.require(right and negatives, "no picture is found rightly and none wrongly", remedy=terminal.NAME_ITS_HOME)
    print(f"{len(right)} right pictures, {len(negatives)} of negatives, {len(absent)} of absent queries\n")
    print("| cue | AUC negatives | AUC absent | best with the fit: share | AUC negatives | AUC absent | right lost |")
    print("|---|---|---|---|---|---|---|")
    for name, cue in list_cues(library.looks, words).items():
        told = [np.array([cue(found) for found in group]) for group in (right, negatives, absent)]
        fits = [np.array([found.scores[found.picture] for found in group]) for group in (right, negatives, absent)]
        print(f"| {name} | {separation(told[0], told[1]):.2f} | {separation(told[0], told[2]):.2f} "
              f"| {describe_mixed(fits, told)} |")  # fmt: skip


def find_cases(library: Library, words: Words) -> tuple[list[Found], list[Found], list[Found]]:
    """Return what is rightly found, found for negatives, and found without the query's own video; pictures alone."""
    vectors = coloured(library.looks, words)
    videos = np.array([segment.video_id for segment in library.segments])
    right, negatives, absent = [], [], []
    for query in library.queries:
        is_right = library.right[query.query]
        best = find_picture(library, query.query, vectors @ words.vector(query.query), np.full(len(videos), True))
        if best and is_right[library.owner[best.picture]]:
            right.append(best)
        is_elsewhere = ~np.isin(videos, videos[is_right])
        best = find_picture(library, query.query, vectors @ words.vector(query.query), is_elsewhere)
        absent += [best] if best else []
    for text in library.negatives:
        best = find_picture(library, text, vectors @ words.vector(text), np.full(len(videos), True))
        negatives += [best] if best else []
    return right, negatives, absent


def find_picture(library: Library, query: str, scores: FloatArray, is_asked: NDArray[np.bool_]) -> Found | None:
    """Return the best picture among the segments asked for; None where words fit better."""
    rows = library.said[query].copy()
    rows[:, 3] = 0.0
    said = float(with_bonus(rows)[is_asked].max(initial=0.0))
    held = np.where(is_asked[library.owner], scores, 0.0)
    best = int(held.argmax())
    return Found(query, best, held, library.owner) if held[best] > said else None


def list_cues(looks: Looks, words: Words) -> dict[str, Cue]:
    """Return the cues by name; the first is the fit itself."""
    chances = softmax(looks.views).mean(axis=1)
    sureness = (chances * np.log(chances + 1e-12)).sum(axis=1)
    classes = words.classes(CLASS_TEMPLATE)
    vectors = coloured(looks, words)
    relative = relative_fit(looks, words)
    names = [name.casefold() for name in class_names()]

    def above_next(found: Found) -> float:
        others = found.scores[found.owner != found.owner[found.picture]]
        return float(found.scores[found.picture] - others.max(initial=0.0))

    def deviations(found: Found) -> float:
        return float((found.scores[found.picture] - found.scores.mean()) / found.scores.std())

    def least_phrase(found: Found) -> float:
        return min(float(vectors[found.picture] @ words.vector(phrase)) for phrase in phrases_of(found.query))

    def nearest_classes(found: Found) -> float:
        nearest = np.argsort(-(classes @ words.vector(found.query)))[:N_NEAREST]
        return float(np.log(chances[found.picture, nearest].sum() + 1e-12))

    def named_class(found: Found) -> float:
        """The chance of a class that the query names; of a query that names none, as high as can be."""
        named = [at for at, name in enumerate(names) if name in found.query.casefold()]
        return float(np.log(chances[found.picture, named].sum() + 1e-12)) if named else 0.0

    return {
        "the fit, in use": lambda found: float(found.scores[found.picture]),
        "fit above the next segment's": above_next,
        "fit in standard deviations of all pictures": deviations,
        "fit of the phrase that fits least": least_phrase,
        "fit relative to the best a class could fit": lambda found: float(relative(found.query)[found.picture]),
        "sureness of the classifier (less entropy)": lambda found: float(sureness[found.picture]),
        "chance of the classes nearest to the query": nearest_classes,
        "chance of a class that the query names": named_class,
    }


def separation(higher: NDArray[np.float64], lower: NDArray[np.float64]) -> float:
    """Return the chance that one of the first is above one of the second (AUC), ties by half."""
    apart = higher[:, None] - lower[None]
    return float(np.mean((apart > 0) + 0.5 * (apart == 0)))


def describe_mixed(fits: Sequence[NDArray[np.float64]], told: Sequence[NDArray[np.float64]]) -> str:
    """Return the best share of the cue beside the fit, how well both tell, and what silencing all negatives costs."""
    spread = [float(np.std(np.concatenate(values))) or 1.0 for values in (fits, told)]
    mixed = {
        share: [fit / spread[0] + share * cue / spread[1] for fit, cue in zip(fits, told, strict=True)]
        for share in SHARES
    }
    best = min(mixed, key=lambda share: n_lost(*mixed[share][:2]))
    right, negatives, absent = mixed[best]
    cost = f"{n_lost(right, negatives)} of {len(right)}"
    return f"{best} | {separation(right, negatives):.2f} | {separation(right, absent):.2f} | {cost}"


def n_lost(right: NDArray[np.float64], negatives: NDArray[np.float64]) -> int:
    """Return how many of what is right a floor above all negatives silences, too."""
    return int((right <= negatives.max()).sum())


if __name__ == "__main__":
    run_benchmark(main)
