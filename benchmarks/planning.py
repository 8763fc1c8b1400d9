"""Measures what planning gains, by queries of a ground truth that say a place, an order, a sense or a quotation.

    python -m benchmarks.planning HOME CORPUS… [--out docs/evaluation.md]

HOME is a home in which `kinograph eval --home` indexed the corpora, which are generated lectures: there the same shape
is drawn many times, and only the words of place and order say which one is meant. Every query is asked in its own
video, with all steps and without planning.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from pathlib import Path

from rich.console import Console

from benchmarks import terminal
from benchmarks.terminal import run_benchmark
from core.records import Modality, Span
from evaluation.ablation import ALL, COMPARED
from evaluation.corpus import Clip, Corpus, MomentQuery, load_corpus
from evaluation.document import write_section
from evaluation.groups import compare_query_groups
from evaluation.join import join_corpora
from evaluation.library import Library, open_library, search_with
from evaluation.markdown import group_table
from evaluation.runner import Outcomes, QueryOutcome, Tick, run_corpus
from evaluation.terminal import check_page, count_progress
from rag.steps import Steps

WITHOUT = "without planning"
MINUTES_S = 600.0
BESIDE_S = 30.0
"""A shape that is drawn within this time of a sentence stands right beside it."""

_FORM = re.compile(r"circle|square|triangle")
_TITLE = re.compile(r"slide titled ")

NOTE = """Queries made from the ground truth, each asked in its own video: a shape of which there are dozens, at a
place, by its order, or right beside a sentence; words as spoken or written; quotations. The first row of a group is all
steps, the second the difference without planning, query by query (below zero: it helps)."""

notes = Console(stderr=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpora", type=terminal.corpus_folder, nargs="+", metavar="corpus")
    parser.add_argument("--each", type=terminal.positive, default=8, help="queries of a kind and video (default: 8)")
    parser.add_argument("--name", help="what the page calls the library; default: its folders")
    parser.add_argument("--out", type=lambda text: check_page(Path(text)), help="write the figures into this page")
    options = parser.parse_args()
    corpus = join_corpora([load_corpus(folder) for folder in options.corpora])
    cases = [case for clip in corpus.clips for case in draw_cases(corpus, clip, options.each)]
    terminal.require(cases, "nothing is said, written or drawn in these clips", remedy="Name generated lectures.")
    with open_library(options.home, corpus.clips) as library, count_progress(notes) as progress:
        task = progress.add_task("Searching", total=2 * len(cases))
        outcomes = {
            name: search_each(library, corpus, cases, steps, lambda _kind: progress.advance(task))
            for name, steps in ((ALL, Steps()), (WITHOUT, Steps().without("planning")))
        }
    title = f"{options.name or corpus.half}: planning"
    names = " ".join(folder.name for folder in options.corpora)
    again = (
        f"`python -m benchmarks.planning HOME {names} --name '{options.name or corpus.half}' --out docs/evaluation.md`"
    )
    section = describe(title, again, outcomes)
    print(section)
    if options.out:
        write_section(options.out, title, section)


def draw_cases(corpus: Corpus, clip: Clip, n_each: int) -> list[MomentQuery]:
    """Return at most so many queries of each kind about a clip, drawn alike every time; the kind is their style."""
    own = sorted((query for query in corpus.queries if query.clip == clip.name), key=lambda query: query.spans[0])
    draw = random.Random(0)
    cases: list[MomentQuery] = []
    for make in (list_places, list_order, list_beside, list_senses, list_quotations):
        made = list(make(own, clip.duration_s))
        cases += draw.sample(made, min(n_each, len(made)))
    return cases


def list_places(own: Sequence[MomentQuery], duration_s: float) -> Iterator[MomentQuery]:
    """Yield shapes at a place in the video, of which there are others elsewhere."""
    places = {
        "in the first ten minutes": Span(0, MINUTES_S),
        "in the last ten minutes": Span(max(0.0, duration_s - MINUTES_S), duration_s),
        "in the second third": Span(duration_s / 3, 2 * duration_s / 3),
        "after the first half": Span(duration_s / 2, duration_s),
    }
    for (words, window), (form, spans) in product(places.items(), _spans_by_form(own).items()):
        inside = tuple(span for span in spans if window.contains(span.start_s) and span.end_s <= window.end_s)
        if inside and len(inside) < len(spans):
            yield _case(own, f"a {form} {words}", inside, "place")


def list_order(own: Sequence[MomentQuery], _duration_s: float) -> Iterator[MomentQuery]:
    """Yield shapes by which time it is."""
    for form, spans in _spans_by_form(own).items():
        yield _case(own, f"the first time a {form} is shown", spans[:1], "order")
        yield _case(own, f"the last time a {form} is shown", spans[-1:], "order")


def list_beside(own: Sequence[MomentQuery], _duration_s: float) -> Iterator[MomentQuery]:
    """Yield shapes by what is said right before or after them."""
    timed = sorted((query for query in own if query.modality == "speech" or _form_of(query)), key=lambda q: q.spans[0])
    for earlier, later in pairwise(timed):
        if len(earlier.spans) + len(later.spans) > 2 or earlier.spans[0].gap_s(later.spans[0]) > BESIDE_S:
            continue
        if earlier.modality == "speech" and _form_of(later):
            yield _case(own, f"a {_form_of(later)} right after {earlier.query}", later.spans, "after")
        elif _form_of(earlier) and later.modality == "speech":
            yield _case(own, f"a {_form_of(earlier)} right before {later.query}", earlier.spans, "before")


def list_senses(own: Sequence[MomentQuery], _duration_s: float) -> Iterator[MomentQuery]:
    """Yield what is said and what is written, told as such: each slide shows names that are spoken, too."""
    for query in own:
        if query.modality == "speech":
            yield _case(own, f"someone says {query.query}", query.spans, "sense")
        elif query.modality == "ocr" and not _TITLE.match(query.query):
            yield _case(own, f"the slide says {query.query}", query.spans, "sense", modality="ocr")


def list_quotations(own: Sequence[MomentQuery], _duration_s: float) -> Iterator[MomentQuery]:
    """Yield titles of slides as quotations."""
    for query in own:
        if query.modality == "ocr" and _TITLE.match(query.query):
            yield _case(
                own, f'the slide says "{_TITLE.sub("", query.query)}"', query.spans, "quotation", modality="ocr"
            )


def search_each(
    library: Library, corpus: Corpus, cases: Sequence[MomentQuery], steps: Steps, on_done: Tick
) -> Outcomes:
    """Return what each query finds within its own video."""
    finder = library.finder_of(steps)
    found: list[QueryOutcome] = []
    for video_id, clip in library.clip_by_id.items():
        own = Corpus(corpus.half, corpus.clips, tuple(case for case in cases if case.clip == clip), (), ())
        found += run_corpus(
            own, search_with(finder, video_ids=(video_id,)), None, library.clip_by_id, on_done=on_done
        ).queries
    return Outcomes(tuple(found), (), ())


def describe(title: str, again: str, outcomes: dict[str, Outcomes]) -> str:
    """Return the section."""
    facts = {"measured": time.strftime("%Y-%m-%d", time.gmtime()), "again": again}
    return (
        "\n\n".join(
            [
                f"## {title}",
                "\n".join(f"- {name}: {fact}" for name, fact in facts.items()),
                NOTE,
                group_table(compare_query_groups(outcomes), COMPARED),
            ]
        )
        + "\n"
    )


def _spans_by_form(own: Sequence[MomentQuery]) -> dict[str, tuple[Span, ...]]:
    """Return when each form is drawn, in time order, in whatever colour."""
    spans: dict[str, list[Span]] = {}
    for query in own:
        if form := _form_of(query):
            spans.setdefault(form, []).extend(query.spans)
    return {form: tuple(sorted(held)) for form, held in spans.items()}


def _form_of(query: MomentQuery) -> str:
    match = _FORM.search(query.query) if query.modality == Modality.VISUAL else None
    return match.group() if match else ""


def _case(
    own: Sequence[MomentQuery], query: str, spans: tuple[Span, ...], kind: str, *, modality: str = ""
) -> MomentQuery:
    return MomentQuery(query, own[0].clip, spans, modality or "visual", kind)


if __name__ == "__main__":
    run_benchmark(main)
