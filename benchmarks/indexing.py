"""Leaves out each step of indexing in turn, and measures what searches and questions lose by it.

    python -m benchmarks.indexing HOME CORPUS… [--steps translation,colours] [--out docs/evaluation.md]

HOME is a home in which `kinograph eval --home` indexed the corpora; it stays as it is. In copies of it the clips of the
corpora are indexed again, with all steps and without each, and everything is asked that the corpora ask. Steps of which
the clips show nothing are named and not measured. Prints the section, and with --out writes it into the page, too.
Steps of a search are left out by `kinograph eval --ablation`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from benchmarks import terminal
from benchmarks.indexing_steps import IndexingStep, choose_steps
from benchmarks.reindexing import copy_home, find_videos, load_perception, reindex
from benchmarks.terminal import run_benchmark
from core.records import Video
from core.settings import Settings
from evaluation.ablation import ALL, compare_question_groups
from evaluation.corpus import Corpus, load_corpus
from evaluation.document import write_section
from evaluation.groups import compare_query_groups
from evaluation.indexing_section import describe_indexing
from evaluation.join import join_corpora
from evaluation.library import ask_with, open_library, search_with
from evaluation.runner import Outcomes, run_corpus
from evaluation.summary import summarise
from evaluation.terminal import count_progress
from rag.steps import Steps

notes = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Measured:
    """Outcomes by variant, all steps first; the steps that were left out, and those of which there is nothing here."""

    outcomes: dict[str, Outcomes]
    left_out: Sequence[IndexingStep]
    not_taken: Sequence[IndexingStep]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpora", type=terminal.corpus_folder, nargs="+", metavar="corpus")
    parser.add_argument("--steps", type=choose_steps, default=choose_steps(None), help="names, separated by commas")
    parser.add_argument("--sample", type=terminal.positive, help="ask only so many queries and questions")
    parser.add_argument("--name", help="what the page calls the library; default: its folders")
    parser.add_argument("--out", type=terminal.page, help="write the figures into this Markdown page")
    options = parser.parse_args()
    corpus = join_corpora([load_corpus(folder) for folder in options.corpora])
    settings = terminal.settings_of(options.home)
    videos, n_others = find_videos(settings, {clip.name for clip in corpus.clips})
    terminal.require(videos, f"{options.home} holds none of the clips", remedy=terminal.NAME_ITS_HOME)
    corpus = corpus.only({video.filename for video in videos})
    corpus = corpus.sample(options.sample) if options.sample else corpus
    terminal.require([*corpus.queries, *corpus.questions], "nothing is asked of these clips", remedy="Name others.")
    measured = leave_out_in_turn(settings, corpus, videos, options.steps)
    title = f"{options.name or corpus.half}: steps of indexing"
    library = describe_videos(videos, n_others)
    steps = ",".join(step.name for step in options.steps) if len(options.steps) < len(choose_steps(None)) else None
    again = terminal.how_again("indexing", options.corpora, steps=steps, sample=options.sample, name=options.name)
    section = describe(title, {"again": again, "library": library}, settings.profile, corpus, measured)
    print(section)
    if options.out:
        write_section(options.out, title, section)


def leave_out_in_turn(
    settings: Settings, corpus: Corpus, videos: Sequence[Video], steps: Sequence[IndexingStep]
) -> Measured:
    """Index and ask with all steps, then without each that leaves something in this library, with progress shown."""
    n_parts = sum(video.n_parts or 0 for video in videos)
    n_asked = len(corpus.queries) + len(corpus.negatives) + len(corpus.questions)
    with (
        count_progress(notes) as progress,
        tempfile.TemporaryDirectory(prefix="kinograph-") as folder,
    ):
        indexing = progress.add_task("Indexing", total=n_parts * (1 + len(steps)))
        asking = progress.add_task("Asking", total=n_asked * (1 + len(steps)))

        def on_part() -> None:
            progress.advance(indexing)

        def ask(home: Path) -> Outcomes:
            return ask_home(home, corpus, lambda _kind: progress.advance(asking))

        whole = settings.model_copy(update={"home": Path(folder) / "whole"})
        copy_home(settings.home, whole.home)
        perception = load_perception(whole)
        evidence = reindex(whole, perception, videos, on_part=on_part)
        outcomes = {ALL: ask(whole.home)}
        left_out = [step for step in steps if step.is_taken(perception, evidence)]
        progress.update(indexing, total=n_parts * (1 + len(left_out)))
        progress.update(asking, total=n_asked * (1 + len(left_out)))
        for step in left_out:
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                without = whole.model_copy(update={"home": Path(scratch) / "home"})
                copy_home(whole.home, without.home)
                reindex(without, step.leave_out(perception), videos, recall=step.recall, on_part=on_part)
                outcomes[f"without {step.name}"] = ask(without.home)
    return Measured(outcomes, left_out, [step for step in steps if step not in left_out])


def ask_home(home: Path, corpus: Corpus, on_done: Callable[[str], None]) -> Outcomes:
    """Return what a home answers to everything that a corpus asks."""
    with open_library(home, corpus.clips) as library:
        search, ask = search_with(library.finder_of(Steps())), ask_with(library.answerer_of(Steps()))
        return run_corpus(corpus, search, ask, library.clip_by_id, on_done=on_done)


def describe_videos(videos: Sequence[Video], n_others: int) -> str:
    """Return how many videos were indexed again, and how many stayed beside them."""
    minutes = sum(video.duration_s or 0.0 for video in videos) / 60
    beside = f", beside {n_others} more in the home, where nothing counts as found" if n_others else ""
    return f"{len(videos)} video{'s' * (len(videos) != 1)}, {minutes:.1f} minutes{beside}"


def describe(title: str, run: Mapping[str, str], profile: str, corpus: Corpus, measured: Measured) -> str:
    """Return the section: how it was measured, what the steps are, and what each contributes."""
    n_queries, n_negatives, n_questions = len(corpus.queries), len(corpus.negatives), len(corpus.questions)
    facts = {
        "measured": time.strftime("%Y-%m-%d", time.gmtime()),
        **run,
        "profile": f"{profile}, embedded, Kinograph {version('kinograph')}",
        "asked": f"{n_queries} moment queries, {n_negatives} negatives, {n_questions} questions",
    }
    if measured.not_taken:
        facts["nothing here to leave out"] = "; ".join(f"*{step.name}* ({step.what})" for step in measured.not_taken)
    outcomes = measured.outcomes
    questions = {name: held.questions for name, held in outcomes.items()}
    summaries = {name: summarise(held) for name, held in outcomes.items()}
    return describe_indexing(
        title,
        facts,
        {step.name: step.what for step in measured.left_out},
        compare_query_groups(outcomes),
        compare_question_groups(questions, outcomes[ALL].n_clips),
        {name: summary.negatives for name, summary in summaries.items() if summary.negatives},
    )


if __name__ == "__main__":
    run_benchmark(main)
