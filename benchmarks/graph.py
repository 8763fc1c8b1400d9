"""Measures what the event graph adds, where it takes part in finding in several ways.

    python -m benchmarks.graph HOME CORPUS… [--sample 240] [--out docs/evaluation.md]

HOME is a home in which `kinograph eval --home` indexed the corpora. Every question and moment query is asked of each
way of ``benchmarks.graph_ways``, in one process and without a language model; then the queries that name an order, with
those that ``benchmarks.planning`` makes of generated lectures, with anchors from the graph.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from rich.console import Console

from benchmarks import terminal
from benchmarks.graph_anchors import Choose, EventFit, find_in_order, list_anchors
from benchmarks.graph_search import RememberingPassages, WaySearch, rank_by, search_moments, search_questions
from benchmarks.graph_ways import GraphRankings, Way, list_ways
from benchmarks.lectures import read_lecture
from benchmarks.planning import draw_cases
from benchmarks.terminal import run_benchmark
from core.errors import BadInput
from core.protocols import Question, SearchRequest, TextEncoder
from core.records import Moment
from core.stores import Catalogue
from evaluation.ablation import ALL, COMPARED, COMPARED_OF_QUESTIONS, QuestionVariant, compare_question_groups
from evaluation.corpus import Corpus, MomentQuery, load_corpus
from evaluation.document import write_section
from evaluation.groups import compare_query_groups
from evaluation.join import join_corpora
from evaluation.library import Library, ask_with, open_library
from evaluation.markdown import group_table, head
from evaluation.runner import LIMIT, Outcomes, QueryOutcome, QuestionOutcome, run_corpus, run_question
from evaluation.terminal import count_progress
from rag.answer import Answerer
from rag.plan import plan_query
from rag.search import MomentSearch
from rag.steps import Steps

MAX_LISTED = 10_000

NOTE = """Every question, then every moment query again, with the event graph taking part in ways that a service has
not. *Words + pictures*: by reciprocal rank, what is found by what is said and written, and by pictures alone; *+* and
a ranking of the graph: the same of all that is found and that one, with equal or half the weight. *Events*: of the
entities that the question names, those of most of them first; *mentions*: the evidence that names them; *spelled*:
whatever name or alias stands in the question, recognised or not. *One hop*: other events that mention what the
moments in front mention, those of rare entities first. *Behind the front*: where the leads of a question stand.
*Expansion*: events that may be cited, too, behind all moments. What names a time or an order is taken at its word by
all ways. The first row of a group is what is in use, the others are differences to it, case by case (above zero: the
way helps); of questions of several places only the ways are shown that change anything. cpu (mean): of an answer
whose searches and encoded texts are remembered, so the difference is what the way takes."""

ANCHORS_NOTE = """Queries that name an order, each asked in its own video: shapes right before or after a sentence, as
`benchmarks.planning` makes them of lectures, and what the corpora ask that is planned so. Anchors are what the search
finds for the words of the other happening, or events, by the cosine of their best evidence and the entities that they
share with these words. Of some groups only the ways are shown that change anything there."""

notes = Console(stderr=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpora", type=terminal.corpus_folder, nargs="+", metavar="corpus")
    parser.add_argument("--sample", type=terminal.positive, help="ask only so many queries and questions")
    parser.add_argument(
        "--each", type=terminal.positive, default=16, help="queries of an order and video (default: 16)"
    )
    parser.add_argument("--name", help="what the page calls the library; default: its folders")
    parser.add_argument("--out", type=terminal.page, help="write the figures into this page")
    options = parser.parse_args()
    corpus = join_corpora([load_corpus(folder) for folder in options.corpora])
    corpus = corpus.sample(options.sample) if options.sample else corpus
    cases = [*draw_order(options.corpora, options.each), *list_order(corpus)]
    with open_library(options.home, corpus.clips) as library:
        engines = library.engines
        graph = GraphRankings(engines.catalogue, engines.recogniser)
        facts = {"graph": describe_graph(engines.catalogue), "names": count_named(graph, corpus)}
        outcomes = ask_ways(library, graph, corpus)
        anchored = anchor_ways(library, graph, corpus, cases)
    title = f"{options.name or corpus.half}: the event graph"
    again = terminal.how_again("graph", options.corpora, sample=options.sample, each=options.each, name=options.name)
    section = describe(title, {"again": again, **facts}, outcomes, anchored)
    print(section)
    if options.out:
        write_section(options.out, title, section)


def ask_ways(library: Library, graph: GraphRankings, corpus: Corpus) -> dict[str, Outcomes]:
    """Return the outcomes of each way, with progress shown; nothing found by a search stays nothing for negatives."""
    engines, finder = library.engines, library.finder_of(Steps())
    text = cast(TextEncoder, RememberingPassages(engines.text))
    find, find_moments = search_questions(engines.catalogue, finder), search_moments(finder, LIMIT)
    outcomes: dict[str, Outcomes] = {}
    ways = list_ways(graph)
    with count_progress(notes) as progress:
        task = progress.add_task("Asking", total=len(ways) * len(corpus.questions))
        for way in ways:
            search = WaySearch(engines.catalogue, finder, find, way)
            ask = ask_with(Answerer(engines.catalogue, engines.media, search, way.expander, text, None))
            asked: list[QuestionOutcome] = []
            for case in corpus.questions:
                run_question(case, ask, library.clip_by_id)  # encodes what it quotes, so that no way's times hold that
                asked.append(run_question(case, ask, library.clip_by_id))
                progress.advance(task)
            only = replace(corpus, questions=())

            def look(query: str, limit: int, way: Way = way) -> Sequence[Moment]:
                return rank_by(way, Question(query), find_moments(query))[:limit]

            found = run_corpus(only, look, None, library.clip_by_id) if way.of_moments else Outcomes((), (), ())
            outcomes[way.name] = replace(found, questions=tuple(asked))
    return outcomes


def describe_graph(catalogue: Catalogue) -> str:
    """Return in words how large the graph is, and how much of it joins events."""
    events = catalogue.list_events("default", limit=MAX_LISTED).items
    times = Counter(entity_id for event in events for entity_id in event.participant_ids)
    n_joining = sum(n_events > 1 for n_events in times.values())
    return f"{len(events)} events, {len(times)} entities in them, {n_joining} of these in two events or more"


def count_named(graph: GraphRankings, corpus: Corpus) -> str:
    """Return in words how many questions name what the graph knows."""
    questions = [Question(case.question) for case in corpus.questions]
    several = [Question(case.question) for case in corpus.questions if case.is_multi_hop]
    recognised, spelled = (
        [sum(bool(expander.name_entities(question)) for question in asked) for asked in (questions, several)]
        for expander in (graph.recognising, graph.spelling)
    )
    return (
        f"{recognised[0]} of {len(questions)} questions ({recognised[1]} of {len(several)} of several places) name an "
        f"entity that the recogniser finds, {spelled[0]} ({spelled[1]}) hold a name of one"
    )


def draw_order(folders: Sequence[Path], n_each: int) -> list[MomentQuery]:
    """Return the queries of an order that lectures among the folders give; none of other corpora."""
    cases: list[MomentQuery] = []
    for folder in folders:
        try:
            videos = read_lecture(folder)
        except BadInput:
            continue
        cases += [case for video in videos for case in draw_cases(video, n_each) if case.style in ("after", "before")]
    return cases


def list_order(corpus: Corpus) -> list[MomentQuery]:
    """Return the queries, and questions about places of one clip, that are planned as one happening beside another."""
    asked = [
        MomentQuery(case.question, case.evidence[0].clip, tuple(place.span for place in case.evidence), "", "questions")
        for case in corpus.questions
        if len({place.clip for place in case.evidence}) == 1
    ]
    queries = [replace(query, style="queries") for query in corpus.queries]
    return [case for case in (*asked, *queries) if plan_query(case.query).succession]


def anchor_ways(
    library: Library, graph: GraphRankings, corpus: Corpus, cases: Sequence[MomentQuery]
) -> dict[str, Outcomes]:
    """Return what each way to choose anchors finds, each query within its own video."""
    engines = library.engines
    finder = MomentSearch(engines.catalogue, engines.index, engines.text, engines.visual, engines.lexical)
    text = cast(TextEncoder, RememberingPassages(engines.text))
    fit = EventFit(engines.catalogue, text, graph.spelling)
    outcomes: dict[str, Outcomes] = {}
    for name, choose in list_anchors().items():
        found: list[QueryOutcome] = []
        for video_id, clip in library.clip_by_id.items():

            def look(query: str, limit: int, video_id: str = video_id, choose: Choose = choose) -> Sequence[Moment]:
                return find_in_order(finder, fit, choose, SearchRequest(query, video_ids=(video_id,), limit=limit))

            own = Corpus(corpus.half, corpus.clips, tuple(case for case in cases if case.clip == clip), (), ())
            found += run_corpus(own, look, None, library.clip_by_id).queries
        outcomes[name] = Outcomes(tuple(found), (), ())
    return outcomes


def describe(
    title: str, run: Mapping[str, str], outcomes: Mapping[str, Outcomes], anchored: Mapping[str, Outcomes]
) -> str:
    """Return the section."""
    facts = {"measured": time.strftime("%Y-%m-%d", time.gmtime()), **run}
    blocks = [*head(title, facts), NOTE]
    whole = outcomes[ALL]
    if whole.questions:
        asked = {name: held.questions for name, held in outcomes.items()}
        variants = [v for v in compare_question_groups(asked, whole.n_clips) if is_shown(v)]
        blocks += ["### Questions", group_table(variants, COMPARED_OF_QUESTIONS)]
    searched = {name: held for name, held in outcomes.items() if held.queries}
    if searched:
        moments = [variant for variant in compare_query_groups(searched) if variant.group == "all"]
        blocks += ["### Moments", group_table(moments, COMPARED)]
    if anchored[ALL].queries:
        styles = {outcome.query.style for outcome in anchored[ALL].queries}
        ordered = [variant for variant in compare_query_groups(anchored) if variant.group in {"all", *styles}]
        blocks += ["### Anchors of an order", ANCHORS_NOTE, group_table(ordered, COMPARED)]
    return "\n\n".join(blocks) + "\n"


def is_shown(variant: QuestionVariant) -> bool:
    """Whether a way is shown: in the group of questions of several places, if it changes anything there."""
    return variant.group == "all" or variant.name == ALL or any(d.is_any for d in variant.differences.values())


if __name__ == "__main__":
    run_benchmark(main)
