"""Asks a system everything a corpus can ask it and keeps how each query, negative and question went.

It sees the system as two callables, so it does not know whether a service, a script or a fake answers.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.records import Answer, Moment
from evaluation.corpus import Corpus, MomentQuery, Place, QuestionCase, count_clips
from evaluation.metrics import Judgement, finds_any, judge_ranking, share_of_places_found

Search = Callable[[str, int], Sequence[Moment]]
"""``search(query, limit)`` returns moments of the whole library, best first."""
Ask = Callable[[str, Sequence[str]], Answer]
"""``ask(question, video_ids)``; no ids means the whole library."""
Tick = Callable[[str], None]
"""Called after each query with its kind: ``moment``, ``negative`` or ``question``."""

LIMIT = 10
"""Results asked for: the deepest measures are recall@10 and nDCG@10."""
EVIDENCE_DEPTH = 5


@dataclass(frozen=True, slots=True)
class QueryOutcome:
    """A moment query, what came back within LIMIT, and how it is judged; ``uncut`` is how without the cut-off."""

    query: MomentQuery
    results: tuple[Moment, ...]
    judgement: Judgement
    took_s: float
    uncut: Judgement | None = None


@dataclass(frozen=True, slots=True)
class NegativeOutcome:
    """A query that nothing matches, and what came back all the same."""

    query: str
    results: tuple[Moment, ...]
    took_s: float


@dataclass(frozen=True, slots=True)
class QuestionOutcome:
    """A question and its answer. Both recalls are shares of the evidence places, in [0, 1].

    ``answer_words`` is the share of the reference answer's words that stand in the answer text; a rough sign only.
    ``cpu_s`` is the processor time that this process took, which is all of it where no service is asked.
    """

    case: QuestionCase
    answer: Answer
    moments_recall: float
    citations_recall: float
    answer_words: float
    took_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Everything that was asked, in the order of the corpus."""

    queries: tuple[QueryOutcome, ...]
    negatives: tuple[NegativeOutcome, ...]
    questions: tuple[QuestionOutcome, ...]

    @property
    def n_clips(self) -> int:
        """How many clips were asked about."""
        return count_clips((o.query for o in self.queries), (o.case for o in self.questions))


def run_corpus(
    corpus: Corpus,
    search: Search,
    ask: Ask | None,
    clip_by_id: Mapping[str, str],
    *,
    search_uncut: Search | None = None,
    on_done: Tick = lambda _kind: None,
) -> Outcomes:
    """Ask every query, negative and (with ``ask``) question; ``clip_by_id`` maps video ids to names of the corpus.

    With ``search_uncut``, a search without relevance cut-off, each query is asked of it, too.
    """
    queries = []
    for query in corpus.queries:
        outcome = run_query(query, search, clip_by_id)
        if search_uncut is not None:
            outcome = replace(outcome, uncut=run_query(query, search_uncut, clip_by_id).judgement)
        queries.append(outcome)
        on_done("moment")
    negatives = []
    for text in corpus.negatives:
        started_s = time.perf_counter()
        moments = tuple(search(text, LIMIT))
        negatives.append(NegativeOutcome(text, moments, time.perf_counter() - started_s))
        on_done("negative")
    questions = []
    for case in corpus.questions if ask else ():
        assert ask is not None
        questions.append(run_question(case, ask, clip_by_id))
        on_done("question")
    return Outcomes(tuple(queries), tuple(negatives), tuple(questions))


def run_query(query: MomentQuery, search: Search, clip_by_id: Mapping[str, str]) -> QueryOutcome:
    """Search for one moment and judge what comes back."""
    started_s = time.perf_counter()
    moments = tuple(search(query.query, LIMIT))[:LIMIT]
    took_s = time.perf_counter() - started_s
    return QueryOutcome(query, moments, judge_ranking(found_of(moments, clip_by_id), query), took_s)


def run_question(case: QuestionCase, ask: Ask, clip_by_id: Mapping[str, str]) -> QuestionOutcome:
    """Ask one question and compare its moments and citations with the evidence it needs."""
    video_ids = [video_id for video_id, clip in clip_by_id.items() if clip == case.asked_of]
    started_s, cpu_started_s = time.perf_counter(), time.process_time()
    answer = ask(case.question, video_ids)
    took_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_started_s
    cited = [Place(clip_by_id.get(citation.video_id, ""), citation.span) for citation in answer.citations]
    return QuestionOutcome(
        case,
        answer,
        moments_recall=share_of_places_found(found_of(answer.moments[:EVIDENCE_DEPTH], clip_by_id), case.evidence),
        citations_recall=share_of_places_found(cited, case.evidence),
        answer_words=share_of_words(case.answer, answer.text),
        took_s=took_s,
        cpu_s=cpu_s,
    )


def found_of(moments: Sequence[Moment], clip_by_id: Mapping[str, str]) -> list[Place]:
    """Return the moments as they are scored; a video that is not of the corpus is a miss."""
    return [Place(clip_by_id.get(moment.video_id, ""), moment.span) for moment in moments]


def share_of_words(reference: str, text: str) -> float:
    """Return the share of the reference's words that stand in the text, whatever their case and order.

    >>> share_of_words("a red boat", "The boat was RED.")
    0.6666666666666666
    """
    wanted = set(re.findall(r"\w+", reference.casefold()))
    said = set(re.findall(r"\w+", text.casefold()))
    return len(wanted & said) / len(wanted) if wanted else 0.0


def hit_ranks(outcome: QueryOutcome, clip_by_id: Mapping[str, str]) -> list[int]:
    """Return the ranks of all results that hit, duplicates included, for error analysis."""
    found = found_of(outcome.results, clip_by_id)
    return [rank for rank, result in enumerate(found, 1) if finds_any(result, outcome.query)]
