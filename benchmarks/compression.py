"""The command ``python -m benchmarks.compression HOME CORPUS``: what smaller token vectors cost in finding.

Reads the whole token matrices from the part artifacts of a home where CORPUS is indexed, ranks all segments by MaxSim
for each query of words, and prints for each compression the bytes a segment and how much is lost. It looks at late
interaction alone: no other channel can make up for a loss here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from adapters import build
from adapters.packed_points import pack_point, unpack_points
from benchmarks import terminal
from benchmarks.terminal import run_benchmark
from core.artifact import decode_artifact
from core.records import Modality, Segment
from core.settings import Settings
from core.signals import FloatArray, SegmentVectors, TokenRange
from core.stores import SegmentPoint
from core.token_pooling import pool_tokens
from evaluation.corpus import MomentQuery, load_corpus

notes = Console(stderr=True)
N_BEST = 10


@dataclass(frozen=True, slots=True)
class Item:
    """A segment with words, and the file name of its video."""

    segment: Segment
    vectors: SegmentVectors
    clip: str

    @property
    def tokens(self) -> FloatArray:
        assert self.vectors.text_tokens is not None
        return self.vectors.text_tokens


@dataclass(frozen=True, slots=True)
class Compression:
    """A way to make token matrices smaller; ``bytes_per_number`` is what it stores."""

    name: str
    bytes_per_number: int
    compress: Callable[[Item], FloatArray]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpus", type=terminal.corpus_folder)
    arguments = parser.parse_args()
    settings = terminal.settings_of(arguments.home)
    items = load_items(settings)
    queries = [query for query in load_corpus(arguments.corpus).queries if query.modality != Modality.VISUAL]
    terminal.require(items, f"{arguments.home} holds no segments with tokens", remedy="Index the corpus in it first.")
    clips = {item.clip for item in items}
    terminal.require(
        [query for query in queries if query.clip in clips],
        f"{arguments.home} holds none of the clips that {arguments.corpus} asks words of",
        remedy=terminal.NAME_ITS_HOME,
    )
    encoder = build.build_text_encoder(settings, threads=1)
    asked = [encoder.embed_query_tokens(query.query) for query in track(queries, "Encoding queries", console=notes)]
    is_right = np.array([[_is_right(query, item) for item in items] for query in queries])
    whole = score([item.tokens for item in items], asked)
    table = Table(box=box.SIMPLE, header_style="bold", padding=(0, 1), pad_edge=False)
    for heading in ("tokens", "rows", "kB", "R@1", "R@5", "nDCG@10", "same 10", "score ±"):
        table.add_column(heading, justify="left" if heading == "tokens" else "right", no_wrap=True)
    for option in options():
        matrices = [option.compress(item) for item in items]
        scores = score(matrices, asked)
        n_rows = float(np.mean([len(matrix) for matrix in matrices]))
        kilobytes = n_rows * matrices[0].shape[1] * option.bytes_per_number / 1000
        figures = [*find_rates(scores, is_right), share_of_best(whole, scores), float(np.abs(scores - whole).mean())]
        table.add_row(
            option.name,
            f"{n_rows:.1f}",
            f"{kilobytes:.1f}",
            *(f"{figure:.3f}" for figure in figures[:4]),
            f"{figures[4]:.4f}",
        )
    console = Console()
    console.print(f"{len(items)} segments with words, {len(queries)} queries of words")
    console.print(table)
    return 0


def load_items(settings: Settings) -> list[Item]:
    """Return every segment that has tokens, from the artifacts of the published parts."""
    catalogue, media = build.build_catalogue(settings), build.build_media_store(settings)
    items = []
    for part in catalogue.published_parts():
        artifact = decode_artifact(media.read_bytes(part.artifact_key or ""))
        clip = catalogue.get_video(part.video_id).filename
        pairs = zip(artifact.segments, artifact.vectors, strict=True)
        items += [Item(segment, vectors, clip) for segment, vectors in pairs if vectors.text_tokens is not None]
    catalogue.close()
    return items


def options() -> list[Compression]:
    """Return the ways that are compared, the whole matrix first."""
    pooled = [
        Compression(f"{factor} neighbours", 2, partial(_pool, factor=factor, pool=_neighbours)) for factor in (2, 3, 4)
    ]
    clustered = [
        Compression(f"clusters of {factor} (Ward)", 2, partial(_pool, factor=factor, pool=_clusters))
        for factor in (2, 4)
    ]
    whole = Compression("whole, half precision", 2, lambda item: item.tokens)
    return [whole, Compression("whole, int8 (packed)", 1, _packed), *pooled, *clustered]


def score(matrices: Sequence[FloatArray], asked: Sequence[FloatArray]) -> FloatArray:
    """Return mean MaxSim (queries, segments)."""
    return np.array([[(query @ matrix.T).max(axis=1).mean() for matrix in matrices] for query in asked], np.float32)


def find_rates(scores: FloatArray, is_right: np.ndarray) -> tuple[float, float, float]:
    """Return R@1, R@5 and nDCG@10 of the best right segment, over the queries that have one."""
    known = is_right.any(axis=1)
    order = np.argsort(-scores[known], axis=1)
    ranks = np.take_along_axis(is_right[known], order, axis=1).argmax(axis=1)
    gains = np.where(ranks < N_BEST, 1 / np.log2(ranks + 2), 0.0)
    return float((ranks < 1).mean()), float((ranks < 5).mean()), float(gains.mean())


def share_of_best(whole: FloatArray, scores: FloatArray) -> float:
    """Return how many of the ten best by whole matrices are among the ten best."""
    pairs = zip(np.argsort(-whole, axis=1)[:, :N_BEST], np.argsort(-scores, axis=1)[:, :N_BEST], strict=True)
    return float(np.mean([len(set(a) & set(b)) / len(a) for a, b in pairs]))


def _is_right(query: MomentQuery, item: Item) -> bool:
    return query.clip == item.clip and any(span.overlap_s(item.segment.span) > 0 for span in query.spans)


def _packed(item: Item) -> FloatArray:
    (point,) = unpack_points([pack_point(SegmentPoint(item.segment, "", item.vectors))])
    found = point.vectors.text_tokens
    assert found is not None
    return found


def _pool(item: Item, factor: int, pool: Callable[[FloatArray, int], FloatArray]) -> FloatArray:
    """Pool the rows of each piece of evidence by themselves."""
    ranges: Sequence[TokenRange] = item.vectors.token_ranges
    return np.concatenate([pool(item.tokens[held.start : held.end], factor) for held in ranges])


def _neighbours(rows: FloatArray, factor: int) -> FloatArray:
    return pool_tokens(rows, (), factor)


def _clusters(rows: FloatArray, factor: int) -> FloatArray:
    """Pool by hierarchical clustering, as the paper does."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(rows) < 2:
        return rows
    labels = fcluster(linkage(rows, "ward"), -(-len(rows) // factor), "maxclust")
    sums = np.stack([rows[labels == label].sum(axis=0) for label in np.unique(labels)])
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), dtype=np.float32)


if __name__ == "__main__":
    run_benchmark(main)
