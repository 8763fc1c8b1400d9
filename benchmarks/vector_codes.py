"""The command ``python -m benchmarks.vector_codes``: ways to rank many dense vectors in the embedded engine, compared.

Writes the synthetic library's text vectors (or the means of its frames) with each kind of code, with and without a
graph, and prints what settling costs a vector, what a ranking of 200 costs, and how much of the exact one it holds.
Times are CPU times, so a busy machine moves them less.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import qdrant_edge as engine
from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.synthetic_library import DIM, SyntheticLibrary
from benchmarks.terminal import positive, run_benchmark
from core.signals import FloatArray

LIMIT = 200
BATCH = 500
notes = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Way:
    """How vectors are stored and ranked; ``m`` 0 is a scan, ``oversampling`` None takes no codes."""

    name: str
    code: Any
    oversampling: float | None = None
    m: int = 0
    ef_construct: int = 80
    ef: int | None = None
    datatype: engine.VectorStorageDatatype = engine.VectorStorageDatatype.Float32


def ways() -> list[Way]:
    bits, pinned, types = engine.TurboQuantBitSize, engine.Memory.Pinned, engine.VectorStorageDatatype
    encoding, asked = engine.BinaryQuantizationEncoding, engine.BinaryQuantizationQueryEncoding.Scalar8Bits
    one, two = (
        engine.BinaryQuantizationConfig(encoding=size, query_encoding=asked, memory=pinned)
        for size in (encoding.OneBit, encoding.TwoBits)
    )
    turbo_two, turbo_four = (
        engine.TurboQuantQuantizationConfig(bits=size, memory=pinned) for size in (bits.Bits2, bits.Bits4)
    )
    return [
        Way("single precision", None),
        Way("half precision", None, datatype=types.Float16),
        Way("binary, 1 bit, x8", one, 8.0),
        Way("binary, 2 bits, x8", two, 8.0),
        Way("int8, x2", engine.ScalarQuantizationConfig(type=engine.ScalarType.Int8, memory=pinned), 2.0),
        Way("2 bits, x4", turbo_two, 4.0),
        Way("4 bits, x1", turbo_four, 1.0),
        Way("4 bits, x2", turbo_four, 2.0),
        Way("2 bits, graph m 16, ef 800, x4", turbo_two, 4.0, m=16, ef=800),
        Way("4 bits, graph m 16, ef 400, x2", turbo_four, 2.0, m=16, ef=400),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=positive, default=50_000)
    parser.add_argument("--queries", type=positive, default=150)
    parser.add_argument("--channel", choices=("text", "frame_mean"), default="text")
    arguments = parser.parse_args()
    library = SyntheticLibrary(arguments.segments)
    starts = track(range(0, arguments.segments, BATCH), "Making vectors", console=notes)
    vectors = np.concatenate(
        [_rows(library, start, min(start + BATCH, arguments.segments), arguments.channel) for start in starts]
    )
    targets = np.linspace(0, arguments.segments - 1, arguments.queries).astype(np.int64)
    queries = [query.vectors for query in library.queries(targets)]
    asked = np.stack([query.text if arguments.channel == "text" else query.visual_mean for query in queries])
    exact = np.argsort(-(asked @ vectors.T), axis=1)[:, :LIMIT]
    table = Table(box=box.SIMPLE, header_style="bold", padding=(0, 1), pad_edge=False)
    for heading in ("codes", "settle ms", "rank ms", "of 10", f"of {LIMIT}"):
        table.add_column(heading, justify="left" if heading == "codes" else "right")
    for way in track(ways(), "Ranking", console=notes):
        table.add_row(way.name, *measure(way, vectors, asked, exact))
    Console().print(table)


def measure(way: Way, vectors: FloatArray, asked: FloatArray, exact: np.ndarray) -> tuple[str, str, str, str]:
    """Return CPU ms a vector to settle, CPU ms a ranking, and the shares of the exact 10 and LIMIT that it finds."""
    with tempfile.TemporaryDirectory(prefix="kinograph-bench-") as folder:
        shard = _write(way, vectors, folder)
        settling_s = time.process_time()
        shard.optimize()
        settling_s = time.process_time() - settling_s
        quantization = engine.QuantizationSearchParams(rescore=True, oversampling=way.oversampling)
        params = engine.SearchParams(hnsw_ef=way.ef, quantization=quantization if way.oversampling else None)
        ranking_s = time.process_time()
        found = [
            [
                hit.id
                for hit in shard.query(
                    engine.QueryRequest(
                        limit=LIMIT,
                        query=engine.Query.Nearest(vector.tolist(), "text"),
                        params=params,
                    )
                )
            ]
            for vector in asked
        ]
        ranking_s = time.process_time() - ranking_s
        shard.close()
    shares = [
        np.mean(
            [len(set(ids[:rank]) & set(best[:rank].tolist())) / rank for ids, best in zip(found, exact, strict=True)]
        )
        for rank in (10, LIMIT)
    ]
    settle_ms, rank_ms = 1000 * settling_s / len(vectors), 1000 * ranking_s / len(asked)
    return f"{settle_ms:.3f}", f"{rank_ms:.2f}", f"{shares[0]:.3f}", f"{shares[1]:.3f}"


def _write(way: Way, vectors: FloatArray, folder: str) -> engine.EdgeShard:
    params = engine.EdgeVectorParams(DIM, engine.Distance.Cosine, datatype=way.datatype, quantization_config=way.code)
    config = engine.EdgeConfig(
        vectors={"text": params},
        hnsw_config=engine.HnswIndexConfig(m=way.m, ef_construct=way.ef_construct, full_scan_threshold=100),
        optimizers=engine.EdgeOptimizersConfig(indexing_threshold=1000, default_segment_number=1),
    )
    shard = engine.EdgeShard.create(folder, config)
    for start in range(0, len(vectors), BATCH):
        rows = enumerate(vectors[start : start + BATCH], start)
        points = [engine.Point(number, {"text": vector.tolist()}, {}) for number, vector in rows]
        shard.update(engine.UpdateOperation.upsert_points(points))
    shard.flush()
    return shard


def _rows(library: SyntheticLibrary, start: int, end: int, channel: str) -> FloatArray:
    rows = [getattr(point.vectors, channel) for point in library.points(np.arange(start, end))]
    return np.stack([row for row in rows if row is not None])


if __name__ == "__main__":
    run_benchmark(main)
