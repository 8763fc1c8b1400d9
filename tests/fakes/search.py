"""Fakes of what finds moments and answers questions: they remember what they were asked and say what they were given.

They do not know any ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from core.plans import QueryPlan
from core.protocols import Question, SearchRequest
from core.records import Answer, Moment


@dataclass
class FakeMomentFinder:
    """Returns the moments set on it, those that the request's scope allows; or raises the error set on it.

    ``floor`` is its own cut-off, where the request has none.
    """

    moments: tuple[Moment, ...] = ()
    floor: float = 0.0
    error: Exception | None = None
    planner: Callable[[str], QueryPlan] = lambda query: QueryPlan(query, query)
    requests: list[SearchRequest] = field(default_factory=list)

    def plan(self, request: SearchRequest) -> QueryPlan:
        return self.planner(request.query)

    def find(self, request: SearchRequest) -> tuple[Moment, ...]:
        self.requests.append(request)
        if self.error:
            raise self.error
        allowed = [
            moment
            for moment in self.moments
            if (not request.video_ids or moment.video_id in request.video_ids)
            and (not request.modalities or moment.modality in request.modalities)
            and (request.time is None or request.time.overlap_s(moment.span) > 0)
            and moment.score >= (self.floor if request.min_score is None else request.min_score)
        ]
        if request.group_by == "video":
            best: dict[str, Moment] = {}
            for moment in allowed:
                best.setdefault(moment.video_id, moment)
            allowed = list(best.values())
        return tuple(allowed[: request.limit])


@dataclass
class FakeQuestionAnswerer:
    """Returns the answer set on it, word by word when streaming; or raises the error set on it after a first step."""

    reply: Answer = field(default_factory=lambda: Answer("", (), (), abstained="nothing is known"))
    error: Exception | None = None
    questions: list[Question] = field(default_factory=list)
    is_closed: bool = False

    def answer(self, question: Question) -> Answer:
        self.questions.append(question)
        if self.error:
            raise self.error
        return self.reply

    def stream(self, question: Question) -> Iterator[dict[str, Any] | Answer]:
        self.questions.append(question)
        try:
            yield {"step": "retrieve", "n_moments": len(self.reply.moments)}
            if self.error:
                raise self.error
            for word in self.reply.text.split(" "):
                yield {"delta": word + " "}
            yield self.reply
        finally:
            self.is_closed = True
