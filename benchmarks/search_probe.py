"""What a fresh process measures on a built index: ``python -m benchmarks.search_probe FOLDER`` prints it as JSON.

It does not know how the library was made; queries, exact results and scopes lie beside the index.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from adapters.build import TEXT_THREADS_FOR_QUERIES
from adapters.qdrant_edge_index import EdgeSegmentIndex
from adapters.torch_runtime import limit_products
from core.ids import derived_id
from core.records import Span
from core.signals import FloatArray, ImageArray, SparseVector
from core.stores import Scope, SegmentPoint
from rag.relevance import judge
from rag.retrieve import QueryVectors, examine, rank_channels
from rag.search import choose_candidates

PROBES_FILE = "probes-by-scope.npz"
"""Beside the index: what to ask, and what is exact."""

TIE = 1e-5
"""Scores nearer than this are equal: short queries match many segments equally well by words."""
N_WARM_UP = 20
N_SEARCHERS = 2
PUBLISH_EVERY_S = 0.5
"""A part of eight segments each half second: an hour of video in half a minute, more than any machine here indexes."""
PART_SEGMENTS = 8


Best = dict[str, list[str]]
"""Ids of the best ten by channel, and after looking CLOSELY."""
CLOSELY = "closely"


@dataclass(frozen=True, slots=True)
class Probe:
    """A query with its exact results, by the name of the scope."""

    query: QueryVectors
    exact: Mapping[str, Best]


class _CosineScale:
    """A visual encoder whose scores are cosines already."""

    name = "synthetic"
    dimension = 0

    def embed_pictures(self, pictures: Sequence[ImageArray]) -> list[FloatArray]:
        raise NotImplementedError("synthetic pictures have vectors from the start")

    def embed_query(self, text: str) -> FloatArray:
        raise NotImplementedError("synthetic queries have vectors from the start")

    def on_text_scale(self, similarity: FloatArray) -> FloatArray:
        return similarity


def rank_closely(query: QueryVectors, index: Any, scope: Scope) -> Best:
    """Do all of a search but encoding, the catalogue and words."""
    rankings = rank_channels(query, index, scope)
    candidates = examine(query, choose_candidates(rankings), rankings, index, _CosineScale())
    scored = sorted(((judge(item, frozenset()).score, name) for name, item in candidates.items()), reverse=True)
    best = {
        channel.value: _best_ten([(hit.score, hit.segment_id) for hit in ranking])
        for channel, ranking in rankings.items()
    }
    return {**best, CLOSELY: _best_ten(scored)}


def _best_ten(ranking: Sequence[tuple[float, str]]) -> list[str]:
    """Return the ids of the best ten and of whatever scores as well as the tenth."""
    return [name for score, name in ranking if score >= ranking[:10][-1][0] - TIE]


def save_probes(path: Path, probes: Sequence[Probe], scopes: Mapping[str, Scope]) -> None:
    """Write probes and scopes; the arrays of all queries stacked, the rest as JSON."""
    queries = [probe.query for probe in probes]
    rest = {
        "lexical": [asdict(query.lexical) for query in queries],
        "exact": [dict(probe.exact) for probe in probes],
        "scopes": {name: [scope.tenant, scope.video_ids] for name, scope in scopes.items()},
    }
    np.savez(
        path,
        text=np.stack([query.text for query in queries]),
        visual=np.stack([query.visual for query in queries]),
        tokens=np.concatenate([query.tokens for query in queries]),
        bounds=np.cumsum([len(query.tokens) for query in queries])[:-1],
        rest=np.frombuffer(json.dumps(rest).encode(), dtype=np.uint8),
    )


def load_probes(path: Path) -> tuple[list[Probe], dict[str, Scope]]:
    """Return what ``save_probes`` wrote."""
    with np.load(path) as held:
        rest = json.loads(held["rest"].tobytes())
        tokens = np.split(held["tokens"], held["bounds"])
        rows = zip(held["text"], tokens, held["visual"], rest["lexical"], rest["exact"], strict=True)
        probes = [
            Probe(QueryVectors(text, matrix, visual, _sparse(lexical)), exact)
            for text, matrix, visual, lexical, exact in rows
        ]
    return probes, {name: Scope(tenant, tuple(videos)) for name, (tenant, videos) in rest["scopes"].items()}


def _sparse(lexical: dict[str, list[Any]]) -> SparseVector:
    return SparseVector(tuple(lexical["indices"]), tuple(lexical["values"]))


def measure(folder: Path) -> dict[str, Any]:
    """Open the index and return all figures; threads are those of the service."""
    limit_products(TEXT_THREADS_FOR_QUERIES)
    probes, scopes = load_probes(folder / PROBES_FILE)
    dimension = len(probes[0].query.text)
    open_index = partial(
        EdgeSegmentIndex, folder / "index", text_dim=dimension, token_dim=dimension, frame_dim=dimension
    )
    index = open_index(read_ahead=False)
    for probe in probes[:N_WARM_UP]:  # what a process does once is not the index's
        rank_closely(probe.query, index, scopes["all"])
    index.close()
    forget_files(folder / "index")
    index = open_index(read_ahead=False)
    just_opened = time_searches(probes, index, scopes["all"])
    index.close()
    forget_files(folder / "index")
    started = time.perf_counter()
    index = open_index()
    load_s = time.perf_counter() - started
    assert index.reading is not None
    index.reading.wait()
    read_ahead = {"read_ahead_s": time.perf_counter() - started - load_s, "read_ahead_bytes": index.reading.n_bytes}
    for probe in probes[:N_WARM_UP]:
        rank_closely(probe.query, index, scopes["all"])
    times = {name: time_searches(probes, index, scope) for name, scope in scopes.items()}
    times["all, just opened, not read ahead"] = just_opened
    times["all, asked again"] = time_searches(probes, index, scopes["all"])
    memory = psutil.Process().memory_info()
    recall = {name: measure_recall(probes, index, name, scope) for name, scope in scopes.items()}
    times["all, while publishing"] = time_while_publishing(probes, index, scopes["all"])
    index.close()
    return {
        "load_s": load_s,
        **read_ahead,
        "load_average": os.getloadavg()[0],
        "times": times,
        "resident_bytes": memory.rss,
        "mapped_bytes": memory.shared,
        "disk_bytes": sum(file.stat().st_blocks * 512 for file in (folder / "index").rglob("*") if file.is_file()),
        "recall": recall,
    }


def forget_files(folder: Path) -> None:
    """Have the system drop what it holds of the files in memory, as it is after a start of the machine."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def time_searches(probes: Sequence[Probe], index: EdgeSegmentIndex, scope: Scope) -> dict[str, float]:
    """Return the times of one search after another."""
    cpu_s = time.process_time()
    times_s = [_timed(partial(rank_closely, probe.query, index, scope)) for probe in probes]
    return {**_percentiles(times_s), "cpu_ms": 1000 * (time.process_time() - cpu_s) / len(probes)}


def time_while_publishing(probes: Sequence[Probe], index: EdgeSegmentIndex, scope: Scope) -> dict[str, float]:
    """Return the times of searches from several threads while part after part of a new video is published."""
    known = list(index.fetch([name for probe in probes for name in probe.exact["all"][CLOSELY]]).values())
    is_over = threading.Event()

    def publish() -> None:
        for number in range(10**6):
            if is_over.wait(PUBLISH_EVERY_S):
                return
            index.delete_part("published", number)
            index.upsert([_new_point(known[(number + row) % len(known)], number, row) for row in range(PART_SEGMENTS)])

    publisher = threading.Thread(target=publish)
    publisher.start()
    cpu_s = time.process_time()
    with ThreadPoolExecutor(N_SEARCHERS) as pool:
        times_s = list(pool.map(lambda probe: _timed(lambda: rank_closely(probe.query, index, scope)), probes))
    cpu_s = time.process_time() - cpu_s
    is_over.set()
    publisher.join()
    index.delete_video("published")
    return {**_percentiles(times_s), "cpu_ms": 1000 * cpu_s / len(probes)}


def _new_point(point: SegmentPoint, part: int, row: int) -> SegmentPoint:
    """Return the point as one of a new video."""
    number = part * PART_SEGMENTS + row
    segment = replace(
        point.segment,
        id=derived_id("published", part, row),
        video_id="published",
        part=part,
        number=number,
        span=Span(10.0 * number, 10.0 * number + 10),
    )
    return replace(point, segment=segment)


def measure_recall(probes: Sequence[Probe], index: EdgeSegmentIndex, name: str, scope: Scope) -> dict[str, float]:
    """Return the mean share of a scope's exact ten best that is among the ten best, by channel and CLOSELY."""
    shares: dict[str, list[float]] = {}
    for probe in probes:
        found = rank_closely(probe.query, index, scope)
        for channel, wanted in probe.exact[name].items():
            if wanted:
                n_found = len(set(wanted) & set(found.get(channel, ())))
                shares.setdefault(channel, []).append(min(1.0, n_found / min(10, len(wanted))))
    return {channel: float(np.mean(values)) for channel, values in shares.items()}


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _percentiles(times_s: Sequence[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(times_s, [50, 95, 99]) * 1000
    return {"p50_ms": float(p50), "p95_ms": float(p95), "p99_ms": float(p99)}


if __name__ == "__main__":
    json.dump(measure(Path(sys.argv[1])), sys.stdout)
