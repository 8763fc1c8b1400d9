"""The command ``python -m evaluation`` (``kinograph eval``): index a corpus, ask all of it, print figures.

It does not know how anything is computed; it wires the rest of the room to a terminal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from core.errors import BadInput
from evaluation.ablation import (
    QuestionVariant,
    Variant,
    list_question_variants,
    list_variants,
    run_ablation,
    run_question_ablation,
)
from evaluation.corpus import Corpus, find_places_beyond, load_corpus
from evaluation.cutoff import ABSENT_EMPTY, CutOff, as_facts, trace_cut_off
from evaluation.details import describe_outcomes
from evaluation.document import describe_choice, describe_library, write_section
from evaluation.homes import choose_home
from evaluation.join import join_corpora
from evaluation.library import open_library
from evaluation.report import as_json, print_summary, question_variant_table, variant_table
from evaluation.runner import Outcomes, run_corpus
from evaluation.service import Indexing, Service, find_clips, index_clips, run_service
from evaluation.summary import summarise
from evaluation.terminal import (
    check_output,
    check_page,
    check_score,
    count_progress,
    run_command,
    settings_with,
    show_clips,
)

app = typer.Typer(add_completion=False)
notes = Console(stderr=True)
"""Progress and remarks; figures alone go to standard output."""


@app.command()
def evaluate(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR…", help="Folders with ground truth: one library.")],
    as_json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    home: Annotated[Path | None, typer.Option(help="Index into this empty or new folder, and keep it.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep the temporary home, and say where it is.")] = False,
    reuse: Annotated[Path | None, typer.Option(help="A home that an earlier run kept: index nothing.")] = None,
    profile: Annotated[str | None, typer.Option(help="offline or standard; default: KINOGRAPH_PROFILE.")] = None,
    details: Annotated[Path | None, typer.Option(help="Write one JSON line a query to this file.")] = None,
    only: Annotated[str | None, typer.Option(help="Clips to use, separated by commas; default: all.")] = None,
    min_score: Annotated[float | None, typer.Option(help="Cut-off instead of the service's own; 0 shows all.")] = None,
    questions: Annotated[bool, typer.Option(help="Ask the questions, too.")] = True,
    sample: Annotated[int | None, typer.Option(min=1, help="Ask only so many queries and questions.")] = None,
    seed: Annotated[int, typer.Option(help="Draws the sample.")] = 0,
    ablation: Annotated[bool, typer.Option(help="Leave out each step of a search in turn; trace the cut-off.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the figures into this Markdown page.")] = None,
    name: Annotated[str | None, typer.Option(help="What the page calls the library; default: its folders.")] = None,
) -> None:
    """Measure search and answers on corpora whose right spans are known."""
    corpus = join_corpora([load_corpus(folder) for folder in folders])
    corpus = corpus.only(only.split(",")) if only else corpus
    corpus = corpus.sample(sample, seed) if sample else corpus
    corpus = corpus if questions else replace(corpus, questions=())
    _check_run(corpus, profile, min_score, details, out)
    with choose_home(home, reuse, keep=keep, tell=_tell) as place:
        with run_service(place.home, profile=profile, min_score=min_score) as service:
            indexing = find_clips(service, corpus.clips) if reuse else _index_shown(service, corpus)
            place.is_indexed = True
            beyond = find_places_beyond(corpus, indexing.duration_by_clip)
            outcomes = _ask_shown(service, corpus, indexing, with_questions=questions)
            facts = _describe_indexing(service, indexing) | {"ground_truth": beyond}
        varied = _vary_shown(place.home, corpus, profile) if ablation else _Varied()
        summary = summarise(outcomes)
        if details:
            details.write_text("".join(f"{line}\n" for line in describe_outcomes(outcomes, _clip_by_id(indexing))))
        if out:
            words = [folder.name for folder in folders]
            words += ["--ablation"] * ablation + ["--no-questions"] * (not questions)
            given = {"--only": only, "--sample": sample, "--seed": seed if sample else None, "--profile": profile}
            words += [f"{option} {value}" for option, value in given.items() if value is not None]
            about = _describe_run(" ".join(words), corpus, profile, facts)
            title = name or corpus.half
            section = describe_library(title, about, summary, varied.searches, varied.cut_off, varied.questions)
            write_section(out, title, section)
    if as_json_:
        more = {
            "ablation": [asdict(variant) for variant in varied.searches],
            "question_ablation": [asdict(variant) for variant in varied.questions],
            "cut_off": varied.cut_off and as_facts(varied.cut_off),
        }
        sys.stdout.write(as_json(summary, facts, more) + "\n")
        return
    console = Console()
    print_summary(summary, console)
    if varied.searches:
        console.print(variant_table(varied.searches))
    if varied.questions:
        console.print(question_variant_table(varied.questions))
    if varied.cut_off:
        absent = varied.cut_off.current[ABSENT_EMPTY]
        console.print(f"Queries whose video is absent, answered with nothing: {absent:.3f}")
        console.print(describe_choice(varied.cut_off), highlight=False)
    _print_indexing(facts, console)


def _check_run(
    corpus: Corpus, profile: str | None, min_score: float | None, details: Path | None, out: Path | None
) -> None:
    """Refuse before any work what would end a run hours later, or make it worthless.

    Raises:
        BadInput: nothing is asked, the service would refuse an option, or a file cannot be written.
    """
    if not (corpus.queries or corpus.questions or corpus.negatives):
        raise BadInput("nothing is asked of these clips", remedy="Name other folders or clips, or ask the questions.")
    settings_with(profile)
    check_score(min_score)
    if details:
        check_output(details)
    if out:
        check_page(out)


def _tell(remark: str) -> None:
    notes.print(remark, markup=False, highlight=False, soft_wrap=True)


def _index_shown(service: Service, corpus: Corpus) -> Indexing:
    with show_clips(f"Indexing {len(corpus.clips)} clips", corpus.clips, notes) as show:
        return index_clips(service, corpus.clips, show)


def _ask_shown(service: Service, corpus: Corpus, indexing: Indexing, *, with_questions: bool) -> Outcomes:
    n_searches = len(corpus.queries) + len(corpus.negatives)
    with count_progress(notes) as progress:
        searches = progress.add_task("Searching", total=n_searches)
        asks = progress.add_task("Asking", total=len(corpus.questions)) if with_questions else None

        def count(kind: str) -> None:
            is_question = kind == "question" and asks is not None
            progress.advance(asks if is_question and asks is not None else searches)

        service.search("warm up", 1)
        ask = service.ask if with_questions else None
        uncut = replace(service, min_score=0.0).search
        return run_corpus(corpus, service.search, ask, _clip_by_id(indexing), search_uncut=uncut, on_done=count)


@dataclass(frozen=True, slots=True)
class _Varied:
    """What leaving steps out showed; all empty where it was not asked for."""

    searches: Sequence[Variant] = ()
    questions: Sequence[QuestionVariant] = ()
    cut_off: CutOff | None = None


def _vary_shown(home: Path, corpus: Corpus, profile: str | None) -> _Varied:
    """Search and ask the home with each variant, and trace its cut-off; the service must have ended."""
    with (
        count_progress(notes) as progress,
        open_library(home, corpus.clips, profile=profile) as library,
    ):
        varying = progress.add_task("Leaving steps out", total=len(list_variants()))
        n_asked = len(list_question_variants()) * bool(corpus.questions)
        asking = progress.add_task("Leaving steps of questions out", total=n_asked)
        tracing = progress.add_task("Tracing the cut-off", total=len(corpus.queries) + len(corpus.negatives))
        variants = run_ablation(
            corpus, library.finder_of, library.clip_by_id, on_done=lambda _: progress.advance(varying)
        )
        questions = run_question_ablation(
            corpus, library.answerer_of, library.clip_by_id, on_done=lambda _: progress.advance(asking)
        )
        cut_off = trace_cut_off(
            corpus, library.finder_of, library.clip_by_id, on_done=lambda _: progress.advance(tracing)
        )
    return _Varied(variants, questions, cut_off)


def _clip_by_id(indexing: Indexing) -> dict[str, str]:
    return {video_id: clip for clip, video_id in indexing.id_by_clip.items()}


def _describe_run(arguments: str, corpus: Corpus, profile: str | None, facts: dict[str, Any]) -> dict[str, str]:
    """Return what a reader must know to run it again; folders by their names, as paths are of one machine."""
    minutes = sum(clip.duration_s for clip in corpus.clips) / 60
    n_missing = len(facts["failures"])
    missing = f" ({n_missing} not indexed)" if n_missing else ""
    n_beyond = len(facts["ground_truth"])
    beyond = f"; places that end after their video: {n_beyond}" if n_beyond else ""
    n_queries, n_negatives, n_questions = len(corpus.queries), len(corpus.negatives), len(corpus.questions)
    return {
        "measured": time.strftime("%Y-%m-%d", time.gmtime()),
        "again": f"`kinograph eval {arguments} --out docs/evaluation.md`",
        "profile": f"{settings_with(profile).profile}, embedded, Kinograph {version('kinograph')}",
        "library": f"{len(corpus.clips)} videos, {minutes:.1f} minutes{missing}",
        "asked": f"{n_queries} moment queries, {n_negatives} negatives, {n_questions} questions{beyond}",
    }


def _describe_indexing(service: Service, indexing: Indexing) -> dict[str, Any]:
    facts = asdict(indexing)
    del facts["id_by_clip"], facts["duration_by_clip"]
    return {
        **facts,
        "realtime_factor": indexing.realtime_factor,
        "startup_s": service.startup_s,
        "peak_bytes": service.memory.peak_bytes,
        "peak_total_bytes": service.memory.peak_total_bytes,
    }


def _print_indexing(facts: dict[str, Any], console: Console) -> None:
    if facts["took_s"]:
        speed = (
            f"{facts['media_s']:.0f} s of media in {facts['took_s']:.0f} s = {facts['realtime_factor']:.1f}× realtime"
        )
        console.print(f"Indexed {speed}; first part searchable after {facts['first_searchable_s'] or 0.0:.1f} s")
    peaks = ", ".join(f"{name} {size / 2**20:.0f} MiB" for name, size in sorted(facts["peak_bytes"].items()))
    console.print(f"API start {facts['startup_s']:.1f} s; peak memory: {peaks}")
    for warning in facts["ground_truth"]:
        console.print(f"Ground truth: {warning}", markup=False)
    for heading, clips in (("Not indexed", facts["failures"]), ("Warnings", facts["warnings"])):
        for name, what in clips.items():
            console.print(f"{heading}: {name}: {what}", markup=False)


def main() -> None:
    """Run the command; an error of ours ends it with its remedy and status 1."""
    run_command(app, notes)


if __name__ == "__main__":
    main()
