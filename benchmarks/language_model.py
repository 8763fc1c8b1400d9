"""Measures what a language model changes: searches that it plans, and answers that it writes.

    KINOGRAPH_VLM_URL=… KINOGRAPH_VLM_MODEL=… python -m benchmarks.language_model HOME CORPUS… [--sample N] [--out PAGE]

HOME is a home in which `kinograph eval --home` indexed the corpora. Every query is searched for as rules read it, with
the model's words for each sense beside, and with its words for another query; every question is answered by the model,
by the model without the event graph, and by quotes without it. The model is asked each thing once.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console

from adapters import build
from benchmarks import terminal
from benchmarks.terminal import run_benchmark
from core.errors import KinographError
from core.protocols import LanguageModel, Message, SearchRequest
from core.records import Answer
from core.settings import Settings
from evaluation.ablation import ALL, COMPARED, COMPARED_OF_QUESTIONS, compare_question_groups
from evaluation.corpus import Corpus, count_clips, load_corpus
from evaluation.document import write_section
from evaluation.groups import compare_query_groups
from evaluation.join import join_corpora
from evaluation.library import Library, ask_with, open_library, search_with
from evaluation.markdown import group_table, head
from evaluation.runner import Outcomes, QuestionOutcome, Tick, run_corpus
from evaluation.terminal import count_progress
from rag.steps import Steps

RETOLD = "with the model's words"
FAILED = "the model failed"
MISTAKEN = "with words for another query"
WITHOUT_GRAPH = "without graph"
QUOTED = "quoted, without a model"

SEARCHES_NOTE = """Searches: the first row of a group is a query as rules read it, the others the difference with the
model's words for each sense beside (above zero: the model helps), and with its words for the query before, as a check
that a poor model does little harm."""

QUESTIONS_NOTE = """Questions: the first row is answers that the model writes, the others the difference without the
event graph, and of quotes that no model wrote."""

notes = Console(stderr=True)


class Recollecting:
    """Stands before a language model and asks it the same thing once."""

    def __init__(self, model: LanguageModel) -> None:
        self.name = model.name
        self._model = model
        self._replies: dict[tuple[Message, ...], str] = {}

    def complete(self, messages: Sequence[Message], *, schema: dict[str, Any] | None = None) -> str:
        """See ``core.protocols.LanguageModel``; errors are not remembered."""
        asked = tuple(messages)
        if asked not in self._replies:
            self._replies[asked] = self._model.complete(messages, schema=schema)
        return self._replies[asked]


class Mistaken:
    """A model that answers each time what it should have answered the time before: what a search must withstand."""

    def __init__(self, model: LanguageModel) -> None:
        self.name = model.name
        self._model = model
        self._due = ""

    def complete(self, messages: Sequence[Message], *, schema: dict[str, Any] | None = None) -> str:
        """See ``core.protocols.LanguageModel``; the first answer is empty."""
        reply, self._due = self._due, self._model.complete(messages, schema=schema)
        return reply


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=terminal.home)
    parser.add_argument("corpora", type=terminal.corpus_folder, nargs="+", metavar="corpus")
    parser.add_argument("--sample", type=terminal.positive, help="ask only so many queries and questions")
    parser.add_argument("--name", help="what the page calls the library; default: its folders")
    parser.add_argument("--out", type=terminal.page, help="write the figures into this page")
    options = parser.parse_args()
    corpus = join_corpora([load_corpus(folder) for folder in options.corpora])
    corpus = corpus.sample(options.sample) if options.sample else corpus
    settings = terminal.settings_of(options.home)
    built = build.build_language_model(settings)
    terminal.require(built, "no language model is configured", remedy="Set KINOGRAPH_VLM_URL and KINOGRAPH_VLM_MODEL.")
    assert built is not None
    model = Recollecting(built)
    with count_progress(notes) as progress:
        n_asked = 3 * (len(corpus.queries) + len(corpus.negatives)) + 3 * len(corpus.questions)
        task = progress.add_task("Asking", total=n_asked)
        searches, answers, n_planned = ask_all(settings, corpus, model, lambda _kind: progress.advance(task))
    title = f"{options.name or corpus.half}: with a language model"
    facts = {
        "measured": time.strftime("%Y-%m-%d", time.gmtime()),
        "again": terminal.how_again("language_model", options.corpora, sample=options.sample, name=options.name),
        "model": f"{model.name}; it planned {n_planned} of {len(corpus.queries) + len(corpus.negatives)} searches",
    }
    section = describe(title, facts, searches, answers)
    print(section)
    if options.out:
        write_section(options.out, title, section)


def ask_all(
    settings: Settings, corpus: Corpus, model: LanguageModel, on_done: Tick
) -> tuple[dict[str, Outcomes], dict[str, tuple[QuestionOutcome, ...]], int]:
    """Return how each search and each question went, by the name of the variant, and how many searches were planned.

    A search that the model was of no help with is planned by rules, so it counts among both.
    """
    sought = replace(corpus, questions=())
    asked = replace(corpus, queries=(), negatives=())
    with open_library(settings.home, corpus.clips, model_of=lambda _settings: model) as library:
        finder = library.finder_of(Steps())
        searches = {
            name: run_corpus(sought, search_with(finder, planning=planning), None, library.clip_by_id, on_done=on_done)
            for name, planning in ((ALL, "fast"), (RETOLD, "model"))
        }
        texts = [*(query.query for query in corpus.queries), *corpus.negatives]
        plans = [finder.plan(SearchRequest(text, planning="model")) for text in texts]
        answers = {
            name: ask_each(asked, library, steps, on_done)
            for name, steps in ((ALL, Steps()), (WITHOUT_GRAPH, Steps().without("graph")))
        }
    with open_library(settings.home, corpus.clips, model_of=lambda _settings: Mistaken(model)) as library:
        search = search_with(library.finder_of(Steps()), planning="model")
        searches[MISTAKEN] = run_corpus(sought, search, None, library.clip_by_id, on_done=on_done)
    with open_library(settings.home, corpus.clips, model_of=lambda _settings: None) as library:
        answers[QUOTED] = ask_each(asked, library, Steps(), on_done)
    n_planned = sum(plan.by_sense is not None for plan in plans)
    return searches, answers, n_planned


def ask_each(corpus: Corpus, library: Library, steps: Steps, on_done: Tick) -> tuple[QuestionOutcome, ...]:
    """Return how each question of the corpus went; an error of the model is no answer, and finds nothing."""
    ask = ask_with(library.answerer_of(steps))

    def ask_once(question: str, video_ids: Sequence[str]) -> Answer:
        try:
            return ask(question, video_ids)
        except KinographError as error:
            return Answer("", (), (), FAILED, hint=str(error))

    search = search_with(library.finder_of(steps))
    return run_corpus(corpus, search, ask_once, library.clip_by_id, on_done=on_done).questions


def describe(
    title: str,
    facts: Mapping[str, str],
    searches: Mapping[str, Outcomes],
    answers: Mapping[str, Sequence[QuestionOutcome]],
) -> str:
    """Return the section."""
    blocks = head(title, facts)
    whole = searches[ALL]
    if whole.queries:
        blocks += [SEARCHES_NOTE, group_table(compare_query_groups(searches), COMPARED)]
    if whole.negatives:
        empty = ", ".join(
            f"{name} {sum(not outcome.results for outcome in outcomes.negatives)}"
            for name, outcomes in searches.items()
        )
        blocks.append(f"Negatives answered with nothing, of {len(whole.negatives)}: {empty}.")
    if answers[ALL]:
        n_clips = count_clips((o.query for o in whole.queries), (o.case for o in answers[ALL]))
        reasons = {name: [outcome.answer.abstained for outcome in outcomes] for name, outcomes in answers.items()}
        n_abstained = ", ".join(
            f"{name} {sum(reason is not None for reason in given)}"
            + (f" ({n_failed} by an error of the model)" if (n_failed := given.count(FAILED)) else "")
            for name, given in reasons.items()
        )
        table = group_table(compare_question_groups(answers, n_clips), COMPARED_OF_QUESTIONS)
        blocks += [QUESTIONS_NOTE, table, f"Abstained, of {len(answers[ALL])}: {n_abstained}."]
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    run_benchmark(main)
