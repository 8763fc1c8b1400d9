"""Questions and their answers as JSON.

It does not know how answers are written.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from api.schemas.base import MAX_OPTION_CHARS, MAX_OPTIONS, MAX_QUESTION_CHARS, Body, NonBlank, VideoIds, View
from api.schemas.search import MomentView
from core.protocols import Question
from core.records import Answer, Citation, Modality


class TurnBody(Body):
    """An earlier turn of the conversation."""

    role: Literal["user", "assistant"]
    content: str = Field(max_length=MAX_QUESTION_CHARS)


class AskBody(Body):
    """A question about the library."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"question": "What does the speaker say about caches?"}]})

    question: Annotated[str, NonBlank, Field(max_length=MAX_QUESTION_CHARS)]
    videos: VideoIds = Field(default_factory=list)
    history: list[TurnBody] = Field(default_factory=list, max_length=50, description="Earlier turns, oldest first.")
    effort: Literal["fast", "deep"] = Field(
        default="fast",
        description="`deep` rests the answer on more moments, and lets the language model rewrite the search for each "
        "sense; without a configured model only the former, and `hint` says that there is none.",
    )
    options: list[Annotated[str, Field(max_length=MAX_OPTION_CHARS)]] = Field(
        default_factory=list,
        max_length=MAX_OPTIONS,
        description="Answers to choose from: the answer is one of them, in words. Not read for times and quotations.",
    )
    stream: bool = Field(
        default=False,
        description="Answer as events: `step`s, `delta`s, then `answer` (this object) or `error` (a problem).",
    )

    def to_question(self, tenant: str) -> Question:
        return Question(
            text=self.question,
            tenant=tenant,
            video_ids=tuple(dict.fromkeys(self.videos)),
            history=tuple((turn.role, turn.content) for turn in self.history),
            effort=self.effort,
            options=tuple(self.options),
        )


class CitationView(View):
    """What a marker in the answer stands for: where to seek and the words it rests on."""

    marker: str = Field(examples=["[1]"])
    video_id: str
    video_title: str
    start_s: float
    end_s: float
    quote: str
    modality: Modality
    evidence_id: str | None
    is_supported: bool = Field(description="Whether the evidence was found to say what the answer claims.")

    @classmethod
    def of(cls, citation: Citation) -> Self:
        return cls(
            marker=citation.marker,
            video_id=citation.video_id,
            video_title=citation.video_title,
            start_s=citation.span.start_s,
            end_s=citation.span.end_s,
            quote=citation.quote,
            modality=citation.modality,
            evidence_id=citation.evidence_id,
            is_supported=citation.is_supported,
        )


class AnswerView(View):
    """An answer with its citations, or the reason why there is none."""

    answer: str
    citations: list[CitationView]
    moments: list[MomentView]
    abstained: str | None = Field(description="Why the question is not answered; null when it is.")
    produced_by: str
    hint: str = Field(description="What would make answers better, e.g. which model to configure.")
    trace: list[dict[str, Any]] = Field(description="What each step did.")

    @classmethod
    def of(cls, answer: Answer) -> Self:
        return cls(
            answer=answer.text,
            citations=[CitationView.of(citation) for citation in answer.citations],
            moments=[MomentView.of(moment) for moment in answer.moments],
            abstained=answer.abstained,
            produced_by=answer.produced_by,
            hint=answer.hint,
            trace=list(answer.trace),
        )
