"""The command ``python -m benchmarks.search_scale`` (``make bench-search``): search at library size, embedded.

    python -m benchmarks.search_scale [--sizes 10000 100000] [--queries 200] [--folder DIR] [--out FILE]

Builds a synthetic library of each size in the embedded index, then opens it in a fresh process and prints the times
of the whole retrieval without query encoding (all channels, and the candidates looked at closely), with filters and
while a video is being published; memory, disk, load time, and how much of the exact result is found. Query encoding is
apart. A large library takes long: it is kept where --folder says, and measured again without being built again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from adapters import build
from adapters.build import TEXT_THREADS_FOR_QUERIES
from adapters.qdrant_edge_index import EdgeSegmentIndex
from adapters.torch_runtime import limit_products
from benchmarks.exact_index import ExactIndex
from benchmarks.search_probe import PROBES_FILE, Probe, rank_closely, save_probes
from benchmarks.synthetic_library import DIM, MAIN_TENANT, SyntheticLibrary, SyntheticQuery
from benchmarks.terminal import output, positive, run_benchmark
from core.settings import read_settings
from core.stores import Scope
from rag.retrieve import encode_query

BATCH = 250
N_PROBED_VIDEOS = 20
N_ENCODED_TO_WARM_UP, N_ENCODED = 10, 100
notes = Console(stderr=True)


def main() -> None:
    arguments = read_arguments()
    reports = []
    with tempfile.TemporaryDirectory(prefix="kinograph-bench-") as scratch:
        for size in arguments.sizes:
            folder = (arguments.folder or Path(scratch)) / str(size)
            build_library(size, arguments.queries, folder)
            built = json.loads((folder / "built.json").read_text())
            reports.append({"size": size, **built, **measure_apart(folder)})
            show(reports[-1], Console())
    encoding = measure_encoding() if arguments.encoding else None
    if encoding:
        Console().print(
            f"Query encoding, apart: p50 {encoding['p50_ms']:.0f} ms, p95 {encoding['p95_ms']:.0f} ms, "
            f"cpu {encoding['cpu_ms']:.0f} ms, load average {encoding['load_average']:.1f}"
        )
    if arguments.out:
        arguments.out.write_text(json.dumps({"encoding": encoding, "libraries": reports}, indent=1) + "\n")


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", type=positive, nargs="*", default=[10_000], help="segments, e.g. 10000 100000 1000000"
    )
    parser.add_argument("--queries", type=positive, default=200)
    parser.add_argument("--folder", type=Path, help="keep the libraries here (1,000,000 segments: 35 GB)")
    parser.add_argument("--no-encoding", dest="encoding", action="store_false", help="leave query encoding out")
    parser.add_argument("--out", type=output, help="write all figures to this JSON file")
    return parser.parse_args()


def build_library(size: int, n_queries: int, folder: Path) -> None:
    """Fill an index in the folder as a rebuild does, and beside it write what to ask and what is exact, if not there.

    The two are made at once, by two processes, each of which makes the points for itself.
    """
    built_file, probes_file = folder / "built.json", folder / PROBES_FILE
    if not built_file.exists():
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as beside:
        ranking = None if probes_file.exists() else beside.submit(rank_exactly, size, n_queries, probes_file)
        if not built_file.exists():
            built_file.write_text(json.dumps({"build_s": fill_index(SyntheticLibrary(size), folder / "index")}))
        if ranking is not None:
            with notes.status("Ranking exactly"):
                ranking.result()


def fill_index(library: SyntheticLibrary, folder: Path) -> float:
    """Return the seconds that writing took, without making the points."""
    started, making_s = time.perf_counter(), 0.0
    index = EdgeSegmentIndex(folder, text_dim=DIM, token_dim=DIM, frame_dim=DIM, recreate=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, speed_estimate_period=300) as progress:
        task = progress.add_task(f"Building {library.n_segments:,} segments", total=library.n_segments)
        for numbers in _batches(library):
            making = time.perf_counter()
            points = library.points(numbers)
            making_s += time.perf_counter() - making
            index.upsert(points)
            progress.advance(task, len(numbers))
    index.close()
    return time.perf_counter() - started - making_s


def rank_exactly(size: int, n_queries: int, probes_file: Path) -> None:
    """Write the queries with their exact results, and the scopes to ask them in."""
    library = SyntheticLibrary(size)
    queries = library.queries(_targets(library, n_queries))
    scopes = _scopes(library)
    exact = ExactIndex(library, queries, scopes.values())
    for numbers in _batches(library):
        exact.add(numbers, library.points(numbers))
    save_probes(probes_file, [_probe(query, exact, scopes) for query in queries], scopes)


def _batches(library: SyntheticLibrary) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    for first in range(0, library.n_segments, BATCH):
        yield np.arange(first, min(first + BATCH, library.n_segments))


def _targets(library: SyntheticLibrary, n_queries: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return segments of the main tenant, spread over the library."""
    numbers = np.linspace(0, library.n_segments - 1, 2 * n_queries).astype(np.int64)
    own = [
        number
        for number in numbers.tolist()
        if library.tenant_of(int(library.video_of(np.array([number]))[0])) == MAIN_TENANT
    ]
    return np.array(own[:: max(1, len(own) // n_queries)][:n_queries])


def _probe(query: SyntheticQuery, exact: ExactIndex, scopes: Mapping[str, Scope]) -> Probe:
    return Probe(query.vectors, {name: rank_closely(query.vectors, exact, scope) for name, scope in scopes.items()})


def _scopes(library: SyntheticLibrary) -> dict[str, Scope]:
    """Return the scopes to measure: the whole of the main tenant, some of its videos, one, and a small tenant."""
    videos = range(len(library.video_ids))
    own = [library.video_ids[video] for video in videos if library.tenant_of(video) == MAIN_TENANT]
    other = next((library.tenant_of(video) for video in videos if library.tenant_of(video) != MAIN_TENANT), "nobody")
    return {
        "all": Scope(MAIN_TENANT),
        f"{N_PROBED_VIDEOS} videos": Scope(
            MAIN_TENANT, tuple(own[:: max(1, len(own) // N_PROBED_VIDEOS)][:N_PROBED_VIDEOS])
        ),
        "one video": Scope(MAIN_TENANT, (own[len(own) // 2],)),
        "small tenant": Scope(other),
    }


def measure_apart(folder: Path) -> dict[str, Any]:
    """Return what a fresh process measures on the index, so that nothing of the building counts as its memory."""
    command = [sys.executable, "-m", "benchmarks.search_probe", str(folder)]
    with notes.status("Searching"):
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(output))


def measure_encoding() -> dict[str, float]:
    """Return the times of encoding a query for all channels, pictures too, as a search does; the models are loaded."""
    limit_products(TEXT_THREADS_FOR_QUERIES)
    settings = read_settings()
    text = build.build_text_encoder(settings, threads=TEXT_THREADS_FOR_QUERIES)
    visual = build.build_visual_encoder(settings, text, threads=TEXT_THREADS_FOR_QUERIES)
    lexical = build.build_lexical_encoder()
    words = ["heron", "kitchen", "harbour", "lecture", "violin", "bicycle", "snow", "market", "engine", "garden"]
    times_s, cpu_s = [], []
    for number in range(N_ENCODED_TO_WARM_UP + N_ENCODED):
        query = f"a {words[number % 10]} beside the {words[number // 10 % 10]} at {number}"
        started, started_cpu_s = time.perf_counter(), time.process_time()
        encode_query(query, text=text, visual=visual, lexical=lexical)
        times_s.append(time.perf_counter() - started)
        cpu_s.append(time.process_time() - started_cpu_s)
    p50, p95 = np.percentile(times_s[N_ENCODED_TO_WARM_UP:], [50, 95]) * 1000
    return {
        "p50_ms": float(p50),
        "p95_ms": float(p95),
        "cpu_ms": 1000 * float(np.mean(cpu_s[N_ENCODED_TO_WARM_UP:])),
        "load_average": os.getloadavg()[0],
    }


def show(report: dict[str, Any], console: Console) -> None:
    """Print one size: a line of costs, a table of times, a line of recall."""
    size, mib = report["size"], 2**20
    each_ms = 1000 * report["build_s"] / size
    console.print(
        f"[bold]{size:,} segments[/bold]: built in {report['build_s']:.0f} s ({each_ms:.2f} ms each), "
        f"{report['disk_bytes'] / mib:,.0f} MiB on disk, opened in {report['load_s']:.2f} s, "
        f"{report['read_ahead_bytes'] / mib:,.0f} MiB read ahead {report['read_ahead_s']:.1f} s later, "
        f"resident {report['resident_bytes'] / mib:,.0f} MiB "
        f"({report['mapped_bytes'] / mib:,.0f} MiB of it mapped files), "
        f"load average {report['load_average']:.1f}",
        soft_wrap=True,
    )
    table = _figures_table("searched", "p50 ms", "p95 ms", "p99 ms", "cpu ms")
    for name, times in report["times"].items():
        table.add_row(name, *(f"{times[key]:.1f}" for key in ("p50_ms", "p95_ms", "p99_ms", "cpu_ms")))
    console.print(table)
    channels = list(report["recall"]["all"])
    table = _figures_table("recall@10 of exact", *channels)
    for name, shares in report["recall"].items():
        table.add_row(name, *(f"{shares[channel]:.3f}" if channel in shares else "–" for channel in channels))
    console.print(table)


def _figures_table(name: str, *figures: str) -> Table:
    table = Table(name, box=box.SIMPLE, header_style="bold", padding=(0, 1), pad_edge=False)
    for figure in figures:
        table.add_column(figure, justify="right")
    return table


if __name__ == "__main__":
    run_benchmark(main)
