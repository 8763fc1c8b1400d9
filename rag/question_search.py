"""The moments that a question needs: what fits it, and what that leads to — the second hop of a question of two.

A found moment names what the question did not: who was meant, when it was, what came of it. Each of its sentences,
asked for together with the question, finds the other place; after multi-hop dense retrieval (Xiong et al., 2021), with
no training. It does not know how an answer is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.plans import QueryPlan
from core.protocols import MomentFinder, Question, SearchRequest
from core.records import Modality, Moment, Reason
from core.stores import EvidenceCatalogue
from rag.exhibits import timecode
from rag.merge import coincide
from rag.passages import read_around, say_around
from rag.relevance import SHARE_OF_BEST
from rag.steps import ALL_STEPS, Steps

MOMENTS_BY_EFFORT = {"fast": 6, "deep": 14}
"""How many moments an answer may draw on."""

MIN_SCORE_FOR_ANSWERS = 0.2
"""Lower than a search's: a question shares fewer words with its answer, and what is written is checked afterwards."""

N_FOLLOWED = 2
"""Best moments that are followed. They stay in front; the first that each leads to comes next, then the others."""

N_LEADS = 2
"""Moments kept of what each leads to; one finds less on lectures, three find no more."""

N_SENTENCES = 6
"""Sentences that are followed, those that say most."""

HEARD_AROUND_S = 6.0
"""How far around a moment sentences are taken: names often stand in the one before. None of them is a lead itself."""


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
        )
        plan = self._finder.plan(request)
        found = self._finder.find(replace(request, plan=plan))
        best = max((moment.score for moment in found), default=0.0)  # not always the first: "the first time …"
        near = [moment for moment in found if moment.score >= SHARE_OF_BEST * best]
        if plan.time or plan.succession:
            return tuple(near)
        read = keep_distinct(self._read_around(near))
        is_followed = self._steps.hops and not (plan.ordinal or plan.phrases)
        followed = read[: N_FOLLOWED if is_followed else 0]
        leads = [self._follow(moment, followed, request) for moment in followed]
        return tuple(put_leads(read, leads)[: request.limit])

    def _read_around(self, moments: Sequence[Moment]) -> list[Moment]:
        return read_around(moments, self._catalogue) if self._steps.passages else list(moments)

    def _follow(self, moment: Moment, known: Sequence[Moment], request: SearchRequest) -> list[Moment]:
        """Return what the sentences of a moment lead to, best first, beyond what is known and themselves."""
        said = say_around(moment, HEARD_AROUND_S, self._catalogue)
        limit = request.limit + N_FOLLOWED + len(said)
        found: list[Moment] = []
        for sentence in sorted(said, key=lambda item: -len(item.text))[:N_SENTENCES]:
            text = f"{request.query} {sentence.text}"
            found += self._finder.find(replace(request, plan=QueryPlan(text, text), limit=limit))
        elsewhere = [lead for lead in found if not any(coincide(lead, item) for item in said)]
        elsewhere.sort(key=lambda lead: -lead.score)
        why = f"follows “{moment.video_title}” at {timecode(moment.span.start_s)}"
        leads = [
            replace(lead, reasons=(*lead.reasons, Reason(Modality.METADATA, moment.score, matched=why)))
            for lead in self._read_around(elsewhere)
        ]
        return keep_distinct(leads, known)[:N_LEADS]


def put_leads(moments: Sequence[Moment], leads: Sequence[Sequence[Moment]]) -> list[Moment]:
    """Return the moments that were followed, the first new one of each lead, then the others; each stretch once."""
    placed = list(moments[: len(leads)])
    for lead in leads:
        placed += keep_distinct(lead, placed)[:1]
    rest = (*moments[len(leads) :], *(moment for lead in leads for moment in lead))
    return [*placed, *keep_distinct(rest, placed)]


def keep_distinct(moments: Iterable[Moment], known: Sequence[Moment] = ()) -> list[Moment]:
    """Return the moments that are not the same stretch as one known or before them."""
    kept: list[Moment] = []
    for moment in moments:
        if not any(coincide(moment, other) for other in (*known, *kept)):
            kept.append(moment)
    return kept


def retrieval_query(question: Question) -> str:
    """Return what to search for: the question, led by the one before it when there is a conversation.

    >>> retrieval_query(Question("And when?", history=(("user", "Who built the mill?"), ("assistant", "Ada."))))
    'Who built the mill? And when?'
    """
    before = [text for role, text in question.history if role == "user"]
    return f"{before[-1]} {question.text}" if before else question.text
