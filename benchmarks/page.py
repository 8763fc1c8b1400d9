"""Measures how long the page takes to show what it found, in headless Chromium, on a home that `eval --home` kept.

    python -m benchmarks.page HOME CORPUS

The service is started on the home, and every query of the corpus submitted on its page, one after another. The clock
runs in the page, from the submission to the frame that shows the cards; the pictures in them may come later.
Needs Chromium (`apt-get install chromium`).
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.progress import track

from adapters import build
from benchmarks import terminal
from benchmarks.terminal import run_benchmark
from core.errors import BadInput, NotFound, StageFailed
from evaluation.corpus import load_corpus
from evaluation.library import list_videos
from evaluation.service import run_service

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
N_WARM_UP = 10
"""Queries that are in no corpus, so that models are loaded and nothing that is measured was asked before."""

SUBMIT = """query => new Promise((resolve, reject) => {
    const status = document.getElementById("status");
    document.getElementById("query").value = query;
    const submittedMs = performance.now();
    document.getElementById("query-form").requestSubmit();
    setTimeout(() => reject(new Error("nothing came within 60 s")), 60000);
    new MutationObserver((_changes, observer) => {
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve({
            took_ms: performance.now() - submittedMs,
            n_cards: document.getElementById("moments").children.length,
            refused: status.classList.contains("bad") ? status.textContent : "",
        })));
    }).observe(status, { childList: true });
})"""
"""Submits a query; the page changes its status when the cards are there. A task set in a frame runs after its paint."""

notes = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page showed for a query, and how long after it was submitted."""

    took_ms: float
    n_cards: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpus", type=terminal.corpus_folder)
    options = parser.parse_args()
    corpus, settings = load_corpus(options.corpus), terminal.settings_of(options.home)
    with closing(build.build_catalogue(settings)) as catalogue:
        held = {video.filename for video in list_videos(catalogue)}
    terminal.require(
        held & {clip.name for clip in corpus.clips},
        f"{options.home} holds none of the clips that {options.corpus} asks of",
        remedy=terminal.NAME_ITS_HOME,
    )
    if settings.api_key:
        raise BadInput("the page would ask for the API key", remedy="Unset KINOGRAPH_API_KEY.")
    chromium = find_chromium()
    with run_service(options.home) as service:
        shown = measure_page(str(service.http.base_url), [query.query for query in corpus.queries], chromium)
    print(describe(shown))


def find_chromium() -> Path:
    """Return the browser's executable.

    Raises:
        NotFound: none is on the PATH.
    """
    for name in EXECUTABLES:
        if path := shutil.which(name):
            return Path(path)
    raise NotFound("there is no Chromium on the PATH", remedy="Run `apt-get install chromium`.")


def measure_page(url: str, queries: Sequence[str], chromium: Path) -> list[Shown]:
    """Submit every query on the page once, after some others to warm up."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), headless=True, args=FLAGS)
        try:
            page = browser.new_page()
            page.goto(url)
            page.wait_for_selector("body:not([data-library=loading])")
            page.get_by_text("Search", exact=True).click()
            for number in range(N_WARM_UP):
                submit(page, f"to warm up, number {number}")
            return [submit(page, query) for query in track(queries, "Searching on the page", console=notes)]
        finally:
            browser.close()


def submit(page: Page, query: str) -> Shown:
    """Return what the page shows for a query.

    Raises:
        StageFailed: the page shows an error instead.
    """
    outcome = page.evaluate(SUBMIT, query)
    if outcome["refused"]:
        raise StageFailed("search", outcome["refused"])
    return Shown(outcome["took_ms"], outcome["n_cards"])


def describe(shown: Sequence[Shown]) -> str:
    """Return the figures in a line.

    >>> describe([Shown(40.0, 3), Shown(60.0, 0)])
    'From submitting to cards painted, 2 queries: p50 50 ms, p95 59 ms, max 60 ms; 1 showed no card'
    """
    p50, p95, slowest = np.percentile([item.took_ms for item in shown], [50, 95, 100])
    n_empty = sum(not item.n_cards for item in shown)
    return (
        f"From submitting to cards painted, {len(shown)} queries: p50 {p50:.0f} ms, p95 {p95:.0f} ms, "
        f"max {slowest:.0f} ms; {n_empty} showed no card"
    )


if __name__ == "__main__":
    run_benchmark(main)
