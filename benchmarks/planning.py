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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

from rich.console import Console

from benchmarks import terminal
from benchmarks.lectures import read_lecture
from benchmarks.terminal import run_benchmark
from core.records import Span
from evaluation.ablation import ALL, COMPARED
from evaluation.corpus import Corpus, MomentQuery, load_corpus
from evaluation.document import write_section
from evaluation.groups import compare_query_groups
from evaluation.join import join_corpora
from evaluation.library import Library, open_library, search_with
from evaluation.markdown import group_table, head
from evaluation.runner import Outcomes, QueryOutcome, Tick, run_corpus
from evaluation.terminal import count_progress
from rag.order import is_inside
from rag.steps import Steps

WITHOUT = "without planning"
MINUTES_S = 600.0
BESIDE_S = 30.0
"""A shape that is drawn within this time of a sentence, or of another shape, stands right beside it."""

_TITLE = re.compile(r"slide titled ")

NOTE = """Queries made from the ground truth, each asked in its own video: a shape of which there are dozens, at a
place, by its order, right beside a sentence or right after a certain time of another; words as spoken or written;
quotations. The first row of a group is all steps, the second the difference without planning, query by query (below
zero: it helps)."""

notes = Console(stderr=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpora", type=terminal.corpus_folder, nargs="+", metavar="corpus")
    parser.add_argument("--each", type=terminal.positive, default=16, help="queries of a kind and video (default: 16)")
    parser.add_argument("--name", help="what the page calls the library; default: its folders")
    parser.add_argument("--out", type=terminal.page, help="write the figures into this page")
    options = parser.parse_args()
    corpus = join_corpora([load_corpus(folder) for folder in options.corpora])
    cases = [
        case for folder in options.corpora for video in read_lecture(folder) for case in draw_cases(video, options.each)
    ]
    with open_library(options.home, corpus.clips) as library, count_progress(notes) as progress:
        task = progress.add_task("Searching", total=2 * len(cases))
        outcomes = {
            name: search_each(library, corpus, cases, steps, lambda _kind: progress.advance(task))
            for name, steps in ((ALL, Steps()), (WITHOUT, Steps().without("planning")))
        }
    title = f"{options.name or corpus.half}: planning"
    again = terminal.how_again("planning", options.corpora, each=options.each, name=options.name)
    section = describe(title, again, outcomes)
    print(section)
    if options.out:
        write_section(options.out, title, section)


@dataclass(frozen=True, slots=True)
class Told:
    """Something that a lecture shows, says or writes, and when; a shape's words are its form alone."""

    words: str
    span: Span
    modality: str


def read_told(video: Mapping[str, Any]) -> list[Told]:
    """Return what a video of a lecture's ground truth tells, in time order: all its shapes, and what is asked of words.

    Words with several right places are left out.
    """
    shapes = [Told(scene["shape"], _span_of(scene), "visual") for scene in video["scenes"] if "shape" in scene]
    words = [
        Told(moment["query"], _span_of(moment), moment["modality"])
        for moment in video["moments"]
        if moment["modality"] != "visual" and "spans" not in moment
    ]
    return sorted([*shapes, *words], key=lambda told: told.span)


def draw_cases(video: Mapping[str, Any], n_each: int) -> list[MomentQuery]:
    """Return at most so many queries of each kind about a video, drawn alike every time; the kind is their style."""
    told, duration_s = read_told(video), float(video["duration"])
    shapes: dict[str, list[Span]] = {}
    for item in told:
        if item.modality == "visual":
            shapes.setdefault(item.words, []).append(item.span)
    kinds = {
        "place": list_places(shapes, duration_s),
        "order": list_order(shapes),
        "after": list_beside(told, is_after=True),
        "before": list_beside(told, is_after=False),
        "sense": list_senses(told),
        "quotation": list_quotations(told),
        "after a time": list_after_times(shapes),
    }
    draw = random.Random(0)
    cases = []
    for kind, listed in kinds.items():
        made = list(listed)
        for query, spans, modality in draw.sample(made, min(n_each, len(made))):
            cases.append(MomentQuery(query, video["video"], tuple(spans), modality, kind))
    return cases


Listed = Iterator[tuple[str, Sequence[Span], str]]
"""Queries, with the spans any of which is right, and the sense of what is right."""


def list_places(shapes: Mapping[str, Sequence[Span]], duration_s: float) -> Listed:
    """Yield shapes at a place in the video, of which there are others elsewhere."""
    places = {
        "in the first ten minutes": Span(0, MINUTES_S),
        "in the last ten minutes": Span(max(0.0, duration_s - MINUTES_S), duration_s),
        "in the second third": Span(duration_s / 3, 2 * duration_s / 3),
        "after the first half of the video": Span(duration_s / 2, duration_s),
    }
    for (words, window), (form, spans) in product(places.items(), shapes.items()):
        inside = [span for span in spans if is_inside(span, window)]
        if 0 < len(inside) < len(spans):
            yield f"a {form} {words}", inside, "visual"


def list_order(shapes: Mapping[str, Sequence[Span]]) -> Listed:
    """Yield shapes by which time it is."""
    for form, which, span in _list_times(shapes):
        yield f"the {which} time a {form} is shown", [span], "visual"


def list_after_times(shapes: Mapping[str, Sequence[Span]]) -> Listed:
    """Yield the shape that is drawn next, by which time of another it follows."""
    drawn = sorted((span, form) for form, spans in shapes.items() for span in spans)
    next_by_span = {earlier: (form, span) for (earlier, _), (span, form) in pairwise(drawn)}
    for form, which, span in _list_times(shapes):
        next_form, next_span = next_by_span.get(span, (form, span))
        if next_form != form and span.gap_s(next_span) <= BESIDE_S:
            yield f"a {next_form} right after the {which} time a {form} is shown", [next_span], "visual"


def _list_times(shapes: Mapping[str, Sequence[Span]]) -> Iterator[tuple[str, str, Span]]:
    for form, spans in shapes.items():
        for number, which in {0: "first", 1: "second", 2: "third", len(spans) - 1: "last"}.items():
            if number < len(spans):
                yield form, which, spans[number]


def list_beside(told: Sequence[Told], *, is_after: bool) -> Listed:
    """Yield shapes by what is said right before or after them."""
    timed = [item for item in told if item.modality != "ocr"]
    for earlier, later in pairwise(timed):
        shape, said = (later, earlier) if is_after else (earlier, later)
        if (shape.modality, said.modality) == ("visual", "speech") and shape.span.gap_s(said.span) <= BESIDE_S:
            yield f"a {shape.words} right {'after' if is_after else 'before'} {said.words}", [shape.span], "visual"


def list_senses(told: Sequence[Told]) -> Listed:
    """Yield what is said and what is written, told as such: each slide shows names that are spoken, too."""
    for item in told:
        if item.modality == "speech":
            yield f"someone says {item.words}", [item.span], "speech"
        elif item.modality == "ocr" and not _TITLE.match(item.words):
            yield f"the slide says {item.words}", [item.span], "ocr"


def list_quotations(told: Sequence[Told]) -> Listed:
    """Yield titles of slides as quotations."""
    for item in told:
        if item.modality == "ocr" and _TITLE.match(item.words):
            yield f'the slide says "{_TITLE.sub("", item.words)}"', [item.span], "ocr"


def _span_of(timed: Mapping[str, Any]) -> Span:
    return Span(timed["start"], timed["end"])


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
    blocks = [*head(title, facts), NOTE, group_table(compare_query_groups(outcomes), COMPARED)]
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    run_benchmark(main)
