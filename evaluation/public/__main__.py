"""The command ``python -m evaluation.public`` (``kinograph eval-public``): run a public set and print its figures.

It does not know how anything is loaded, asked or scored; it wires the rest of the room to a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from adapters.build import TEXT_THREADS_FOR_QUERIES, build_language_model, build_text_encoder
from core.errors import BadInput, NotFound
from core.protocols import LanguageModel
from core.settings import Settings
from evaluation.homes import check_home, is_home, make_home
from evaluation.public.folder import SetFolder
from evaluation.public.judge import judge_answer
from evaluation.public.library import CONDITIONS_NAME, Library, claim_home, fill_library, search_with
from evaluation.public.questions import questions_to_run, run_questions, summarise_questions
from evaluation.public.reasons import count_cases, describe_left_out
from evaluation.public.records import NEEDS_JUDGE, PublicSet, Task
from evaluation.public.searches import cases_to_run, run_searches, summarise_searches
from evaluation.public.sets import SETS, find_set
from evaluation.public.summary import Conditions, Summary, as_json, print_run
from evaluation.service import Service, run_service
from evaluation.terminal import check_output, count_progress, run_command, settings_with

app = typer.Typer(add_completion=False)
notes = Console(stderr=True)
"""Progress and remarks; figures alone go to standard output."""

NO_JUDGE = "set KINOGRAPH_VLM_URL and KINOGRAPH_VLM_MODEL: that model answers, and marks open answers"
INDEX_THEM = "Run without --reuse to index the videos."
REPLACE_THEM = "Put videos into the folder that can be read, and run it again."


@app.command()
def evaluate(
    name: Annotated[str, typer.Argument(metavar="SET", help=f"One of {', '.join(SETS)}.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the set was downloaded to.")],
    home: Annotated[
        Path | None, typer.Option(help="Folder of the library, kept.  [default: FOLDER-kinograph beside it]")
    ] = None,
    reuse: Annotated[bool, typer.Option("--reuse", help="Index nothing: run on what the home holds.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="A trial on the first cases only.")] = None,
    split: Annotated[str | None, typer.Option(help="Part of the name of the annotation file.")] = None,
    with_subtitles: Annotated[
        bool, typer.Option("--with-subtitles/--without-subtitles", help="Give the set's subtitle files.")
    ] = False,
    cut_off: Annotated[bool, typer.Option("--cut-off", help="Search with the service's relevance cut-off.")] = False,
    profile: Annotated[str | None, typer.Option(help="offline or standard; default: KINOGRAPH_PROFILE.")] = None,
    details: Annotated[Path | None, typer.Option(help="Write one JSON line a case to this file.")] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Run a public evaluation set on the folder it was downloaded to (see docs/public-sets.md)."""
    chosen = home or folder.resolve().with_name(f"{folder.resolve().name}-kinograph{'-subtitles' * with_subtitles}")
    wishes = Wishes(reuse=reuse, limit=limit, split=split, with_subtitles=with_subtitles, cut_off=cut_off)
    settings = settings_with(profile)
    if details:
        check_output(details)
    run = run_set(name, folder, chosen, wishes, settings, partial(run_service, profile=profile))
    if details:
        lines = (f"{json.dumps(line, ensure_ascii=False)}\n" for line in run.details)
        details.write_text("".join(lines), encoding="utf-8")
    if as_json_:
        sys.stdout.write(as_json(run.title, run.asked, run.conditions, run.summary) + "\n")
    else:
        print_run(run.title, run.asked, run.conditions, run.summary, Console())


StartService = Callable[[Path], AbstractContextManager[Service]]
"""``start_service(home)``: the service on a home, until the block ends."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a set is to be run, as the options of the command say."""

    reuse: bool = False
    limit: int | None = None
    split: str | None = None
    with_subtitles: bool = False
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A set that was run: under which conditions, its figures, and the details of each case."""

    title: str
    asked: PublicSet
    conditions: Conditions
    summary: Summary
    details: list[dict[str, Any]]


def run_set(
    name: str, folder: Path, home: Path, wishes: Wishes, settings: Settings, start_service: StartService
) -> Run:
    """Load a set, fill the library of the home, search or ask, and sum up."""
    entry = find_set(name)
    asked = entry.load(SetFolder(folder, home=home), wishes.split)
    asked = asked.first(wishes.limit) if wishes.limit else asked
    judge = build_language_model(settings)
    with_subtitles = wishes.with_subtitles
    asked = check_runnable(asked, judge, with_subtitles=with_subtitles)
    if wishes.reuse:
        check_home(home)
    else:
        make_home(home, accepts=lambda folder: is_home(folder) or (folder / CONDITIONS_NAME).is_file())
    claim_home(home, with_subtitles=with_subtitles)
    with start_service(home) as service:
        with _shown("Indexing") as show:
            library = fill_library(
                service, asked.videos, home, with_subtitles=with_subtitles, reuse=wishes.reuse, on_progress=show
            )
        if not count_cases(asked, library.id_by_video, with_judge=judge is not None):
            why = describe_left_out(asked, library.not_indexed, with_judge=judge is not None)
            raise BadInput(f"no case can be run: {why}", remedy=INDEX_THEM if wishes.reuse else REPLACE_THEM)
        summary, details = _ask_all(asked, service, library, settings, judge, cut_off=wishes.cut_off)
    conditions = Conditions(
        "the set's" if with_subtitles else "none given, the service listens",
        wishes.cut_off,
        judge.name if judge and any(question.marking in NEEDS_JUDGE for question in asked.questions) else None,
        library.not_indexed,
    )
    return Run(entry.title, asked, conditions, summary, details)


def _ask_all(
    asked: PublicSet,
    service: Service,
    library: Library,
    settings: Settings,
    judge: LanguageModel | None,
    *,
    cut_off: bool,
) -> tuple[Summary, list[dict[str, Any]]]:
    """Return the figures, and the details of each case."""
    ids = library.id_by_video
    if asked.task is not Task.QUESTIONS:
        with _ticking("Searching", len(cases_to_run(asked, ids))) as tick:
            found = run_searches(asked, search_with(service, cut_off=cut_off), ids, tick)
        return summarise_searches(asked, found), [outcome.describe() for outcome in found]
    marker = partial(judge_answer, judge) if judge else None
    encoder = build_text_encoder(settings, threads=TEXT_THREADS_FOR_QUERIES)
    with _ticking("Asking", len(questions_to_run(asked, ids, with_judge=judge is not None))) as tick:
        answered = run_questions(asked, service.ask, marker, encoder, ids, tick)
    return summarise_questions(asked, answered), [outcome.describe() for outcome in answered]


def check_runnable(asked: PublicSet, judge: LanguageModel | None, *, with_subtitles: bool) -> PublicSet:
    """Return the set with a note on what will not be run.

    Raises:
        NotFound: the folder holds none of the videos.
        BadInput: nothing could be run: rows say too little, or a judge or subtitles are missing.
    """
    present = [video for video in asked.videos if video.path is not None]
    if not present:
        raise NotFound(
            f"none of the {len(asked.videos)} videos of the set is in the folder",
            remedy=f"Put them into it under their names, such as {', '.join(asked.missing[:3])}.",
        )
    if with_subtitles and not any(video.subtitles for video in present):
        raise BadInput(
            "the folder holds no subtitles of these videos", remedy="Download them, or leave the option out."
        )
    if not count_cases(asked, {video.name for video in present}, with_judge=True):
        why = describe_left_out(asked, {}, with_judge=True)
        raise BadInput(f"no case of the set can be run: {why}", remedy="Nothing was indexed; correct the folder first.")
    n_open = 0 if judge else sum(question.marking in NEEDS_JUDGE for question in asked.questions)
    if n_open and n_open == len(asked.questions):
        raise BadInput("all questions of this set need a judge", remedy=f"{NO_JUDGE[0].upper()}{NO_JUDGE[1:]}.")
    told = [f"{n_open} open questions are not asked without a judge; {NO_JUDGE}"] if n_open else []
    if with_subtitles:
        n_held = sum(video.subtitles is not None for video in present)
        told += [f"{n_held} of {len(present)} videos have subtitles in the folder"]
    return replace(asked, notes=(*asked.notes, *told))


@contextmanager
def _shown(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what is to be called with how much is done of how much."""
    with count_progress(notes) as progress:
        task = progress.add_task(what, total=None)
        yield lambda n_done, n_all: progress.update(task, completed=n_done, total=n_all)


@contextmanager
def _ticking(what: str, n_all: int) -> Iterator[Callable[[], None]]:
    """Yield what is to be called after each case."""
    with count_progress(notes) as progress:
        task = progress.add_task(what, total=n_all)
        yield lambda: progress.advance(task)


def main() -> None:
    """Run the command; an error of ours ends it with its remedy and status 1."""
    run_command(app, notes)


if __name__ == "__main__":
    main()
