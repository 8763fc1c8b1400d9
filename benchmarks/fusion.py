"""Compares ways to fuse words and pictures, on the vectors of a home that `kinograph eval --home` kept.

    python -m benchmarks.fusion HOME CORPUS

Every scheme ranks all segments of the library by itself; a hit is a segment of the right video that overlaps the right
span by half of the shorter. It prints the table of ``docs/decisions/0004``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from adapters import build
from benchmarks import terminal
from benchmarks.terminal import run_benchmark
from core.records import Modality, Segment, Span, Video
from core.stores import Catalogue, Scope
from evaluation.corpus import MomentQuery, load_corpus
from evaluation.library import list_videos
from rag.fuse import RANK_OFFSET
from rag.retrieve import Candidate, encode_query, examine, rank_channels

Features = NDArray[np.float64]
"""A row a segment: dense cosine, joint MaxSim, share of BM25, best frame's cosine (0 without frames); the MaxSim of the
best modality by itself; then how much of its video there is of what COVERAGES name."""

N_CHANNELS, MODALITY_MAX, N_SCORES = 4, 4, 5

COVERAGES = ("what is said or written", "speech", "screen text", "cuts")
"""Shares of a video's time; keyframes a second, beside the video that has most of them."""

Scheme = Callable[[int], NDArray[np.float64]]
"""The scores of all segments for the query of that number."""

RRF_WEIGHTS = (1.0, 1.0, 0.7, 1.0)

SHIFTS = (0.0, 0.1, 0.2, 0.4, 0.8)
"""How far the weight of a channel follows a video's coverage: at 1, words count nothing where nobody speaks."""

N_FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpus", type=terminal.corpus_folder)
    options = parser.parse_args()
    queries, features, right = collect(options.home, options.corpus)
    terminal.require(
        queries,
        f"{options.home} holds none of the clips that {options.corpus} asks of",
        remedy=terminal.NAME_ITS_HOME,
    )
    folds = fold_by_video(queries)
    terminal.require(len(set(folds)) > 1, "schemes are judged on videos left out", remedy="Name a corpus of several.")
    schemes: Mapping[str, Scheme] = {
        "weighted RRF of four channels": lambda i: rrf(features[i], RRF_WEIGHTS),
        "the same, by each video's coverage, five folds": with_chosen_shift(
            lambda rows, shift: rrf(rows, RRF_WEIGHTS, shift), features, right, folds
        ),
        "sum of z-scores": lambda i: z(words(features[i])) + z(features[i][:, 3]),
        "logistic regression, five folds by video": lambda i: logistic(features, right, folds, i),
        "the better of the two cosines": lambda i: better(features[i], words(features[i])),
        "– words by the dense cosine alone": lambda i: better(features[i], features[i][:, 0]),
        "– words by joint MaxSim alone": lambda i: better(features[i], features[i][:, 1]),
        "– words by the better of these": lambda i: better(features[i], features[i][:, :2].max(axis=1)),
        "– modality-max instead of joint MaxSim": lambda i: better(
            features[i], features[i][:, [0, MODALITY_MAX]].mean(axis=1)
        ),
        **{
            f"– by each video's {name}, five folds": with_chosen_shift(
                partial(by_coverage, column=N_SCORES + number), features, right, folds
            )
            for number, name in enumerate(COVERAGES)
        },
        "the better, with the bonus for own words": lambda i: with_bonus(features[i]),
    }
    print(f"{len(queries)} queries\n{'scheme':48}   R@1   R@5  nDCG  speech R@1  visual R@1")
    for name, score in schemes.items():
        ranks = np.array([first_hit(score(i), right[i]) for i in range(len(queries))])
        by_kind = [np.mean(ranks[[q.modality == kind for q in queries]] == 1) for kind in ("speech", "visual")]
        print(f"{name:48}  {np.mean(ranks == 1):.3f} {np.mean(ranks <= 5):.3f} {gain(ranks).mean():.3f}  "
              f"{by_kind[0]:10.3f}  {by_kind[1]:10.3f}")  # fmt: skip


def collect(home: Path, folder: Path) -> tuple[list[MomentQuery], list[Features], list[NDArray[np.bool_]]]:
    """Return the queries, and for each the features of all segments and which of them are right."""
    settings = terminal.settings_of(home)
    catalogue, index = build.build_catalogue(settings), build.build_index(settings)
    text = build.build_text_encoder(settings, threads=1)
    visual, lexical = build.build_visual_encoder(settings, text, threads=1), build.build_lexical_encoder()
    videos = list_videos(catalogue)
    segments = [segment for video in videos for segment in catalogue.list_segments(video.id)]
    name_by_id = {video.id: video.filename for video in videos}
    queries = [query for query in load_corpus(folder).queries if query.clip in name_by_id.values()]
    covered = cover(videos, segments, catalogue)
    features, right = [], []
    for query in queries:
        vectors = encode_query(query.query, text, visual, lexical)
        rankings = rank_channels(vectors, index, Scope("default"))
        held = examine(vectors, [segment.id for segment in segments], rankings, index, visual)
        rows = [held[segment.id] for segment in segments]
        features.append(
            np.array(
                [
                    [c.dense, c.interaction.joint, c.lexical, c.visual, modality_max(c), *covered[s.video_id]]
                    for s, c in zip(segments, rows, strict=True)
                ]
            )
        )
        right.append(np.array([name_by_id[s.video_id] == query.clip and is_hit(s, query.spans) for s in segments]))
    index.close()
    return queries, features, right


def modality_max(candidate: Candidate) -> float:
    """Return the MaxSim of the best modality, each by its own tokens alone; 0 without any."""
    return max((candidate.joint_among(frozenset({name})) for name in candidate.modalities), default=0.0)


def cover(videos: Sequence[Video], segments: Sequence[Segment], catalogue: Catalogue) -> dict[str, list[float]]:
    """Return how much of each of COVERAGES a video has, in [0, 1]."""
    told = {video.id: catalogue.list_evidence(video.id) for video in videos}
    n_keyframes = Counter(segment.video_id for segment in segments for _ in segment.keyframes)
    cuts = {video.id: n_keyframes[video.id] / (video.duration_s or 1.0) for video in videos}
    most = max(cuts.values(), default=0.0) or 1.0
    senses = ({Modality.SPEECH, Modality.SCREEN}, {Modality.SPEECH}, {Modality.SCREEN})
    return {
        video.id: [
            *(coverage(video, [item.span for item in told[video.id] if item.modality in few]) for few in senses),
            cuts[video.id] / most,
        ]
        for video in videos
    }


def coverage(video: Video, spans: Sequence[Span]) -> float:
    """Return the share of a video's seconds that the spans hold."""
    at = np.arange(0.5, video.duration_s or 1.0)
    return float(np.mean([any(span.contains(time_s) for span in spans) for time_s in at])) if len(at) else 0.0


def is_hit(segment: Segment, spans: tuple[Span, ...]) -> bool:
    return any(segment.span.overlap_s(s) >= 0.5 * min(s.duration_s, segment.span.duration_s) for s in spans)


def words(rows: Features) -> NDArray[np.float64]:
    return np.asarray(rows[:, :2].mean(axis=1))


def better(rows: Features, fit_of_words: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(fit_of_words, rows[:, 3])


def z(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((scores - scores.mean()) / (scores.std() + 1e-6))


def rrf(rows: Features, weights: tuple[float, ...], shift: float = 0.0) -> NDArray[np.float64]:
    """Return the fused reciprocal ranks; ``shift`` moves weight to words where a video has some, else to pictures."""
    ranks = (-rows[:, :N_CHANNELS]).argsort(axis=0).argsort(axis=0) + 1
    fused: NDArray[np.float64] = (np.array(weights) * favour(rows, shift, N_SCORES) / (RANK_OFFSET + ranks)).sum(axis=1)
    return fused


def by_coverage(rows: Features, shift: float, column: int) -> NDArray[np.float64]:
    """Return the better of the two cosines, each weighted by what the segment's video has, as the column says."""
    weights = favour(rows, shift, column)
    return np.maximum(words(rows) * weights[:, 0], rows[:, 3] * weights[:, 3])


def favour(rows: Features, shift: float, column: int) -> NDArray[np.float64]:
    """Return the weight of each of the four channels for each segment, by the coverage of its video in the column."""
    has_words = rows[:, column : column + 1]
    return np.hstack([1 - shift * (1 - has_words)] * 3 + [1 - shift * has_words])


def with_chosen_shift(
    score: Callable[[Features, float], NDArray[np.float64]],
    features: Sequence[Features],
    right: Sequence[NDArray[np.bool_]],
    folds: Sequence[int],
) -> Scheme:
    """Return the scheme that scores each query with the shift that gains most on the other folds."""

    def gains_with(shift: float) -> NDArray[np.float64]:
        pairs = zip(features, right, strict=True)
        return gain(np.array([first_hit(score(rows, shift), is_right) for rows, is_right in pairs]))

    gains = np.array([gains_with(shift) for shift in SHIFTS])
    best = {fold: int(gains[:, [other != fold for other in folds]].mean(axis=1).argmax()) for fold in set(folds)}
    return lambda i: score(features[i], SHIFTS[best[folds[i]]])


def gain(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return nDCG@10 of each query."""
    return np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0.0)


def with_bonus(rows: Features) -> NDArray[np.float64]:
    """Return the scores of ``rag.relevance``."""
    from rag.relevance import LEXICAL_BONUS

    meant = words(rows)
    said = meant + LEXICAL_BONUS * rows[:, 2] * np.maximum(0.0, meant) * (1 - meant)
    return better(rows, said)


def fold_by_video(queries: list[MomentQuery]) -> list[int]:
    """Return the fold of each query; all queries of a video are in one."""
    clips = sorted({query.clip for query in queries})
    fold_by_clip = {clip: number % N_FOLDS for number, clip in enumerate(np.random.default_rng(0).permutation(clips))}
    return [fold_by_clip[query.clip] for query in queries]


def logistic(
    features: list[Features], right: list[NDArray[np.bool_]], folds: list[int], at: int
) -> NDArray[np.float64]:
    """Return the scores of one query by a model fitted on the other folds."""
    if folds[at] not in _FITTED:
        others = [i for i, fold in enumerate(folds) if fold != folds[at]]
        rows, labels = (
            np.vstack([features[i][:, :N_CHANNELS] for i in others]),
            np.concatenate([right[i] for i in others]),
        )
        _FITTED[folds[at]] = LogisticRegression(C=100, max_iter=2000).fit(rows, labels)
    scores: NDArray[np.float64] = _FITTED[folds[at]].decision_function(features[at][:, :N_CHANNELS])
    return scores


_FITTED: dict[int, LogisticRegression] = {}


def first_hit(scores: NDArray[np.float64], is_right: NDArray[np.bool_]) -> int:
    """Return the rank of the first right segment, 999 if there is none."""
    ordered = is_right[np.argsort(-scores)]
    return int(ordered.argmax()) + 1 if ordered.any() else 999


if __name__ == "__main__":
    run_benchmark(main)
