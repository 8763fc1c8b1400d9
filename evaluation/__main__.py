"""The command ``python -m evaluation`` (``kinograph eval``): index a corpus, ask all of it, print figures.

It does not know how anything is computed; it wires the rest of the room to a terminal.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from core.errors import BadInput, KinographError
from evaluation.corpus import Corpus, load_corpus
from evaluation.report import as_json, describe_outcomes, print_summary, summarise
from evaluation.runner import Outcomes, run_corpus
from evaluation.service import Indexing, Service, find_clips, index_clips, run_service

app = typer.Typer(add_completion=False)
notes = Console(stderr=True)
"""Progress and remarks; figures alone go to standard output."""


@app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A half of the corpus, e.g. ../shared/corpus/dev.")],
    as_json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    home: Annotated[Path | None, typer.Option(help="Index into this empty or new folder, and keep it.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep the temporary home, and say where it is.")] = False,
    reuse: Annotated[Path | None, typer.Option(help="A home that an earlier run kept: index nothing.")] = None,
    profile: Annotated[str | None, typer.Option(help="offline or standard; default: KINOGRAPH_PROFILE.")] = None,
    details: Annotated[Path | None, typer.Option(help="Write one JSON line a query to this file.")] = None,
    only: Annotated[str | None, typer.Option(help="Clips to use, separated by commas; default: all.")] = None,
    min_score: Annotated[float | None, typer.Option(help="Cut-off instead of the service's own; 0 shows all.")] = None,
    questions: Annotated[bool, typer.Option(help="Ask the questions, too.")] = True,
) -> None:
    """Measure search and answers on a corpus whose right spans are known."""
    corpus = load_corpus(folder)
    if only:
        corpus = corpus.only(only.split(","))
    with (
        _choose_home(home, reuse, keep=keep) as chosen,
        run_service(chosen, profile=profile, min_score=min_score) as service,
    ):
        indexing = find_clips(service, corpus.clips) if reuse else _index_shown(service, corpus)
        outcomes = _ask_shown(service, corpus, indexing, with_questions=questions)
        facts = _describe_indexing(service, indexing)
    summary = summarise(outcomes)
    if details:
        details.write_text("".join(f"{line}\n" for line in describe_outcomes(outcomes, _clip_by_id(indexing))))
    if as_json_:
        sys.stdout.write(as_json(summary, facts) + "\n")
        return
    console = Console()
    print_summary(summary, console)
    _print_indexing(facts, console)


@contextmanager
def _choose_home(home: Path | None, reuse: Path | None, *, keep: bool) -> Iterator[Path]:
    """Yield the folder to work in; a temporary one is removed at the end unless it is to be kept."""
    if reuse:
        yield reuse
        return
    if home:
        if home.exists() and any(home.iterdir()):
            raise BadInput(f"{home} is not empty", remedy="Name a new folder, or use --reuse.")
        yield home
        return
    temporary = Path(tempfile.mkdtemp(prefix="kinograph-eval-"))
    try:
        yield temporary
    finally:
        if keep:
            notes.print(f"Kept {temporary}; search it again with --reuse {temporary}", soft_wrap=True)
        else:
            shutil.rmtree(temporary, ignore_errors=True)


def _index_shown(service: Service, corpus: Corpus) -> Indexing:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    share_by_clip: dict[str, float] = {}
    with Progress(*columns, console=notes) as progress:
        task = progress.add_task(f"Indexing {len(corpus.clips)} clips", total=sum(c.duration_s for c in corpus.clips))
        duration_by_clip = {clip.name: clip.duration_s for clip in corpus.clips}

        def show(clip: str, share: float) -> None:
            share_by_clip[clip] = share
            progress.update(task, completed=sum(duration_by_clip[name] * done for name, done in share_by_clip.items()))

        return index_clips(service, corpus.clips, show)


def _ask_shown(service: Service, corpus: Corpus, indexing: Indexing, *, with_questions: bool) -> Outcomes:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    n_searches = len(corpus.queries) + len(corpus.negatives)
    with Progress(*columns, console=notes) as progress:
        searches = progress.add_task("Searching", total=n_searches)
        asks = progress.add_task("Asking", total=len(corpus.questions)) if with_questions else None

        def count(kind: str) -> None:
            is_question = kind == "question" and asks is not None
            progress.advance(asks if is_question and asks is not None else searches)

        service.search("warm up", 1)
        ask = service.ask if with_questions else None
        return run_corpus(corpus, service.search, ask, _clip_by_id(indexing), on_done=count)


def _clip_by_id(indexing: Indexing) -> dict[str, str]:
    return {video_id: clip for clip, video_id in indexing.id_by_clip.items()}


def _describe_indexing(service: Service, indexing: Indexing) -> dict[str, Any]:
    facts = asdict(indexing)
    del facts["id_by_clip"]
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
    for heading, clips in (("Not indexed", facts["failures"]), ("Warnings", facts["warnings"])):
        for name, what in clips.items():
            console.print(f"{heading}: {name}: {what}")


def main() -> None:
    """Run the command; an error of ours ends it with its remedy and status 1."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        app(standalone_mode=True)
    except KinographError as error:
        notes.print(f"[red]{error}[/red]", soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
