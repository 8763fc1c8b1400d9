"""The command ``python -m benchmarks`` (``make bench``): cost of the service beside the afternoon script, in one run.

    python -m benchmarks [--minutes 10 60] [--corpus DIR] [--generator FILE] [--out FILE]

Generates lectures of each length, takes the corpus too where it lies beside the checkout, and prints minutes to index,
× realtime, peak memory, seconds until the first moment is found, and search times. Only ratios travel between machines.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.measure import (
    ScriptFigures,
    ServiceFigures,
    make_lecture,
    measure_script,
    measure_service,
    measure_start,
)
from benchmarks.terminal import output, run_benchmark
from evaluation.corpus import Corpus, load_corpus
from evaluation.terminal import show_clips

SHARED = Path(__file__).resolve().parents[2] / "shared" / "corpus"
notes = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Row:
    """A library, measured both ways; ``script`` is None where it was left out."""

    name: str
    service: ServiceFigures
    script: ScriptFigures | None


def main() -> int:
    arguments = read_arguments()
    started_load = os.getloadavg()[0]
    with notes.status("Starting the service three times on empty homes"):
        starts_s = measure_start()
    rows = []
    with tempfile.TemporaryDirectory(prefix="kinograph-bench-") as scratch:
        for name, folder, corpus in list_libraries(arguments, Path(scratch)):
            rows.append(measure_library(name, folder, corpus, with_script=arguments.script))
    report = describe(starts_s, rows, started_load)
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    show(starts_s, rows, Console())
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="*", default=[10, 60], help="lengths of generated lectures")
    parser.add_argument("--generator", type=Path, default=SHARED / "tools" / "make_long_video.py")
    parser.add_argument("--corpus", type=Path, default=SHARED / "dev", help="real footage, measured where it exists")
    parser.add_argument("--no-corpus", dest="corpus", action="store_const", const=None)
    parser.add_argument("--no-script", dest="script", action="store_false", help="leave the afternoon script out")
    parser.add_argument("--out", type=output, help="write all figures to this JSON file")
    return parser.parse_args()


def list_libraries(arguments: argparse.Namespace, scratch: Path) -> Iterator[tuple[str, Path, Corpus]]:
    """Yield (name, folder, corpus), each made only when its turn comes; what is not there is said and left out."""
    if arguments.corpus and arguments.corpus.exists():
        corpus = load_corpus(arguments.corpus)
        yield f"{corpus.half}, real", arguments.corpus, corpus
    elif arguments.corpus:
        notes.print(f"No corpus at {arguments.corpus}: left out.")
    if arguments.minutes and not arguments.generator.exists():
        notes.print(f"No generator at {arguments.generator}: lectures left out; name one with --generator.")
        return
    for minutes in arguments.minutes:
        folder = scratch / f"{minutes:g}"
        with notes.status(f"Generating a lecture of {minutes:g} minutes"):
            corpus = make_lecture(arguments.generator, minutes, folder)
        yield f"lecture {minutes:g} min", folder, corpus


def measure_library(name: str, folder: Path, corpus: Corpus, *, with_script: bool) -> Row:
    """Measure a library both ways, one after the other, with progress shown."""
    with show_clips(f"{name}: the service", corpus.clips, notes) as note:
        service = measure_service(corpus, note)
    script = None
    if with_script:
        with notes.status(f"{name}: the afternoon script"):
            script = measure_script(folder)
    return Row(name, service, script)


def growth_of(rows: list[Row]) -> float | None:
    """Return the cost per minute of the longest lecture over that of the shortest, or None with fewer than two."""
    lectures = sorted((row for row in rows if row.name.startswith("lecture")), key=lambda row: row.service.media_s)
    if len(lectures) < 2:
        return None
    return lectures[-1].service.cost_per_minute_s / lectures[0].service.cost_per_minute_s


def describe(starts_s: list[float], rows: list[Row], load: float) -> dict[str, Any]:
    """Return all figures for a JSON file; ``load_before`` tells whether the machine was busy already."""
    return {
        "machine": {"cpus": os.cpu_count(), "processor": platform.processor(), "load_before": load},
        "start_s": starts_s,
        "cost_per_minute_growth": growth_of(rows),
        "libraries": [asdict(row) for row in rows],
    }


def show(starts_s: list[float], rows: list[Row], console: Console) -> None:
    """Print the table, the script's line under the service's."""
    table = Table(box=box.SIMPLE, header_style="bold", padding=(0, 1), pad_edge=False)
    for heading in ("library", "by", "min", "index min", "× real", "found s", "R@1", "nDCG"):
        table.add_column(heading, justify="left" if heading in ("library", "by") else "right", no_wrap=True)
    for row in rows:
        table.add_row(row.name, "service", *_service_cells(row.service))
        if row.script:
            table.add_row("", "script", *_script_cells(row.script))
    console.print(table)
    console.print(f"API start, spawn to /healthz: {statistics.median(starts_s):.2f} s (median of {len(starts_s)})")
    for row in rows:
        served = row.service
        console.print(f"{row.name}: warm search p50 {served.search_p50_ms:.0f} ms, p95 {served.search_p95_ms:.0f} ms")
        peaks = [f"{name} {_mib(size)}" for name, size in sorted(served.peak_bytes.items())]
        peaks += [f"script {_mib(row.script.peak_bytes)}"] if row.script else []
        console.print(f"  peak memory: {', '.join(peaks)}")
    growth = growth_of(rows)
    if growth is not None:
        console.print(f"Cost per minute, longest lecture over shortest: {growth:.2f}")


def _service_cells(figures: ServiceFigures) -> list[str]:
    first = f"{figures.first_moment_s:.0f}" if figures.first_moment_s is not None else "never"
    overall = figures.summary.overall
    scores = [f"{overall.recall_at_1:.3f}", f"{overall.ndcg_at_10:.3f}"] if overall else ["", ""]
    return [*_cost_cells(figures.media_s, figures.took_s), first, *scores]


def _script_cells(figures: ScriptFigures) -> list[str]:
    overall = figures.figures["overall"]
    scores = [f"{overall['recall_at_1']:.3f}", f"{overall['ndcg_at_10']:.3f}"]
    return [*_cost_cells(figures.media_s, figures.took_s), f"{figures.took_s:.0f}", *scores]


def _cost_cells(media_s: float, took_s: float) -> list[str]:
    return [f"{media_s / 60:.1f}", f"{took_s / 60:.1f}", f"{media_s / took_s:.1f}"]


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MiB"


if __name__ == "__main__":
    run_benchmark(main)
