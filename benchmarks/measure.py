"""Measures one library: indexed and searched by the real service, and by the afternoon script, on the same machine.

It does not know which libraries are measured, nor how figures are shown.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np

from core.errors import StageFailed
from evaluation.corpus import Corpus, load_corpus
from evaluation.runner import LIMIT, run_corpus
from evaluation.service import index_clips, run_service
from evaluation.summary import Summary, summarise

N_WARM_SEARCHES = 200
"""Enough for a 95th percentile; queries of the corpus are repeated in order."""
N_STARTS = 3
FIRST_MOMENT_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """What the service cost on a library. Bytes are peaks of resident memory, by the module a process runs."""

    took_s: float
    media_s: float
    first_moment_s: float | None
    peak_bytes: dict[str, int]
    search_p50_ms: float
    search_p95_ms: float
    summary: Summary

    @property
    def cost_per_minute_s(self) -> float:
        """Seconds of work per minute of media."""
        return 60 * self.took_s / self.media_s


@dataclass(frozen=True, slots=True)
class ScriptFigures:
    """What the afternoon script cost on the same library; ``figures`` are its scores, named as the service's."""

    took_s: float
    media_s: float
    peak_bytes: int
    figures: dict[str, Any]


def measure_start() -> list[float]:
    """Return the seconds from spawning the service on an empty home until ``/healthz`` answers, N_STARTS times."""
    starts_s = []
    for _ in range(N_STARTS):
        with tempfile.TemporaryDirectory() as home, run_service(Path(home)) as service:
            starts_s.append(service.startup_s)
    return starts_s


def measure_service(corpus: Corpus, on_progress: Callable[[str, float], None]) -> ServiceFigures:
    """Index and search a library with the real service in a temporary home.

    Raises:
        StageFailed: a clip could not be indexed, so that figures would flatter.
    """
    with tempfile.TemporaryDirectory() as home, run_service(Path(home)) as service:
        with FirstMoment(service.client.url, corpus.queries[0].query) as first:
            indexing = index_clips(service, corpus.clips, on_progress)
        if indexing.failures:
            raise StageFailed("index", f"not all was indexed: {indexing.failures}")
        peak_bytes = dict(service.memory.peak_bytes)
        clip_by_id = {video_id: clip for clip, video_id in indexing.id_by_clip.items()}
        summary = summarise(run_corpus(corpus, service.search, None, clip_by_id))
        took_ms = time_searches(corpus, lambda query: service.search(query, LIMIT))
    return ServiceFigures(
        took_s=indexing.took_s,
        media_s=indexing.media_s,
        first_moment_s=first.after_s,
        peak_bytes=peak_bytes,
        search_p50_ms=float(np.percentile(took_ms, 50)),
        search_p95_ms=float(np.percentile(took_ms, 95)),
        summary=summary,
    )


def time_searches(corpus: Corpus, search: Callable[[str], object]) -> list[float]:
    """Return the milliseconds of N_WARM_SEARCHES searches end to end, after one round that warms caches up."""
    queries = [query.query for query in corpus.queries]
    for query in queries[:10]:
        search(query)
    took_ms = []
    for number in range(N_WARM_SEARCHES):
        started_s = time.perf_counter()
        search(queries[number % len(queries)])
        took_ms.append(1000 * (time.perf_counter() - started_s))
    return took_ms


class FirstMoment:
    """Searches again and again from a thread until something is found; ``after_s`` counts from entering."""

    def __init__(self, url: str, query: str) -> None:
        self._url = url
        self._body = {"query": query, "limit": 1, "min_score": 0.0}
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._search, name="first-moment", daemon=True)
        self.after_s: float | None = None

    def __enter__(self) -> Self:
        self._started_s = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_done.set()
        self._thread.join()

    def _search(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60.0) as client:
            is_last = False
            while self.after_s is None and not is_last:
                is_last = self._is_done.wait(FIRST_MOMENT_POLL_S)
                try:
                    response = client.post("/v1/search", json=self._body)
                except httpx.TransportError:
                    continue  # models are loading on a busy machine: that time counts, too
                if response.is_success and response.json()["moments"]:
                    self.after_s = time.perf_counter() - self._started_s


def measure_script(folder: Path) -> ScriptFigures:
    """Run the afternoon script on the library in a process of its own.

    Raises:
        StageFailed: the script failed.
    """
    command = [sys.executable, "-m", "benchmarks.afternoon", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StageFailed("script", done.stderr.strip().splitlines()[-1])
    figures: dict[str, Any] = json.loads(done.stdout)
    cost = figures["indexing"]
    return ScriptFigures(cost["took_s"], cost["media_s"], cost["peak_bytes"], figures)


def make_lecture(generator: Path, minutes: float, folder: Path) -> Corpus:
    """Generate a narrated lecture with exact spans into a folder (needs ffmpeg, espeak-ng and Pillow) and read it.

    Raises:
        StageFailed: the generator failed.
    """
    command = [sys.executable, str(generator), "--minutes", f"{minutes:g}", "--seed", "1", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StageFailed("generate", done.stderr.strip()[-500:], remedy="Install ffmpeg and espeak-ng.")
    return load_corpus(folder)
