"""The moments that a question needs: what fits it, and what that leads to — the second hop of a question of two.

A found moment names what the question did not: who was meant, when it was, what came of it. Each of its sentences,
asked for together with the question, finds the other place; after multi-hop dense retrieval (Xiong et al., 2021), with
no training. It does not know how an answer is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from core.plans import QueryPlan, TimeWindow
from core.protocols import MomentFinder, Question, SearchRequest
from core.records import Modality, Moment, Reason, ReasonKind
from core.stores import EvidenceCatalogue
from rag.exhibits import timecode
from rag.merge import coincide
from rag.passages import read_around, say_around, show_scenes
from rag.relevance import SHARE_OF_BEST
from rag.steps import ALL_STEPS, Steps

MOMENTS_BY_EFFORT = {"fast": 6, "deep": 14}
"""How many moments an answer may draw on."""

MIN_SCORE_FOR_ANSWERS = 0.2
"""Lower than a search's: a question shares fewer words with its answer, and what is written is checked afterwards."""

FRONT_SHARE, N_FRONT = 0.75, 4
"""Moments in front: up to so many that fit this well beside the best. They stay there, and only they are followed:
what lies below is found by a word or two, and leads anywhere."""

N_FOLLOWED = 3
"""Best of them that are followed."""

N_LEADS = 2
"""Moments that these lead to, which come right behind the front; more crowd out what fits the question itself."""

AGREEMENT = 0.5
"""Share of its fit from another followed moment that a lead gains: what both lead to is what joins them."""

N_SENTENCES = 3
"""Sentences of a moment that are followed, those that say most: what is shown for minutes has dozens."""

N_CONSIDERED = 40
"""Moments that are found for each sentence that is followed, among which those that share its words rise; as many are
kept of all that a moment leads to."""

AROUND_S = 6.0
"""What is said this near a followed moment is no lead: it is the same place."""


class QuestionSearch:
    """Finds the moments of a question."""

    def __init__(self, catalogue: EvidenceCatalogue, finder: MomentFinder, steps: Steps = ALL_STEPS) -> None:
        self._catalogue = catalogue
        self._finder = finder
        self._steps = steps

    def find(self, question: Question) -> tuple[Moment, ...]:
        """Return the moments, best first; what a moment leads to says so in its reasons. None if nothing is relevant.

        A question that names a time, an order or a quotation is taken at its word: nothing is followed.
        """
        request = SearchRequest(
            query=retrieval_query(question),
            tenant=question.tenant,
            video_ids=question.video_ids,
            limit=MOMENTS_BY_EFFORT.get(question.effort, MOMENTS_BY_EFFORT["fast"]),
            min_score=MIN_SCORE_FOR_ANSWERS,
            # One more call of the model, which only who asked for depth should wait for.
            planning="model" if question.effort == "deep" else "fast",
            titles=False,  # a name says nothing that could be cited
        )
        plan = name_options(self._finder.plan(request), question.options)
        found = self._find(replace(request, plan=plan, limit=2 * request.limit))
        best = max((moment.score for moment in found), default=0.0)  # not always the first: "the first time …"
        near = [moment for moment in found if moment.score >= SHARE_OF_BEST * best]
        if plan.time or plan.succession:
            return tuple(keep_distinct(near)[: request.limit])
        read = keep_distinct(self._read_around(near))
        if not self._steps.hops or plan.ordinal or plan.phrases:
            return tuple(read[: request.limit])
        front = take_front(read)
        leads = pool_leads([self._follow(moment, request) for moment in front[:N_FOLLOWED]])
        grown = self._read_around(keep_distinct(leads, front)[: request.limit])
        placed = [*front, *keep_distinct(grown, front)[:N_LEADS]]
        return tuple([*placed, *keep_distinct(read, placed)][: request.limit])

    def place_asked(self, question: Question) -> TimeWindow | None:
        """Return the place in the video of which a question asks what is there, whatever it is: "what is said at 0:40".

        None if it asks for something.
        """
        plan = self._finder.plan(SearchRequest(retrieval_query(question)))
        return plan.time if plan.is_open else None

    def _find(self, request: SearchRequest) -> list[Moment]:
        found = self._finder.find(request)
        return show_scenes(found, self._catalogue) if self._steps.passages else list(found)

    def _read_around(self, moments: Sequence[Moment]) -> list[Moment]:
        return read_around(moments, self._catalogue) if self._steps.passages else list(moments)

    def _follow(self, moment: Moment, request: SearchRequest) -> list[Moment]:
        """Return what the sentences of a moment lead to, best first, beyond what is around them."""
        around = say_around(moment, AROUND_S, self._catalogue)
        said = [item.text for item in around if item.span.overlap_s(moment.span) > 0]
        held = [item.text for item in moment.evidence]
        sentences = sorted(dict.fromkeys(said or held), key=len)[-N_SENTENCES:]
        led_by = " ".join(dict.fromkeys((*sentences, *held)))
        found: list[Moment] = []
        for sentence in sentences:
            plan = QueryPlan(request.query, f"{request.query} {sentence}", led_by=led_by)
            found += self._find(replace(request, plan=plan, limit=N_CONSIDERED))
        elsewhere = [lead for lead in found if not any(coincide(lead, item) for item in around)]
        elsewhere.sort(key=lambda lead: -lead.score)
        why = f"follows “{moment.video_title}” at {timecode(moment.span.start_s)}"
        led = Reason(Modality.METADATA, moment.score, matched=why, kind=ReasonKind.LINK)
        return [replace(lead, reasons=(*lead.reasons, led)) for lead in keep_distinct(elsewhere)[:N_CONSIDERED]]


def take_front(moments: Sequence[Moment]) -> list[Moment]:
    """Return the moments in front of all others: those that fit nearly as well as the first."""
    return list(takewhile(lambda moment: moment.score >= FRONT_SHARE * moments[0].score, moments[:N_FRONT]))


def pool_leads(leads_by_followed: Sequence[Sequence[Moment]]) -> list[Moment]:
    """Return what the followed moments lead to, best first by fit and AGREEMENT, after CombSUM (Fox and Shaw, 1994)."""
    ranked: list[tuple[float, Moment]] = []
    for leads in leads_by_followed:
        others = [other for beside in leads_by_followed if beside is not leads for other in beside]
        for lead in leads:
            agreeing = max((other.score for other in others if coincide(lead, other)), default=0.0)
            ranked.append((lead.score + AGREEMENT * agreeing, lead))
    ranked.sort(key=lambda pair: -pair[0])
    return [lead for _, lead in ranked]


def keep_distinct(moments: Iterable[Moment], known: Sequence[Moment] = ()) -> list[Moment]:
    """Return the moments that are not the same stretch as one known or before them."""
    kept: list[Moment] = []
    for moment in moments:
        if not any(coincide(moment, other) for other in (*known, *kept)):
            kept.append(moment)
    return kept


def name_options(plan: QueryPlan, options: Sequence[str]) -> QueryPlan:
    """Return the plan that looks for the words of the options, too; whatever else it asks for stays the question's.

    One of them is the answer, which may be told where the question's own words are not: of 75 questions with options
    made of each other's answers, drawn four times, the first five moments hold .84 of the places instead of .78 (95 %
    interval of the gain −.06 to .18), and 6 instead of 11 find nothing.

    >>> name_options(QueryPlan("What falls?", "falls"), ["Snow", "In the first minute"]).text
    'falls Snow In the first minute'
    """
    return replace(plan, text=" ".join([plan.text, *options]))


def retrieval_query(question: Question) -> str:
    """Return what to search for: the question, led by the one before it when there is a conversation.

    >>> retrieval_query(Question("And when?", history=(("user", "Who built the mill?"), ("assistant", "Ada."))))
    'Who built the mill? And when?'
    """
    before = [text for role, text in question.history if role == "user"]
    return f"{before[-1]} {question.text}" if before else question.text
