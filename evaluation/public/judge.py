"""Marks open answers with a language model as judge; what it says is checked, and a failed judgement is an error.

It does not know which model judges, nor how marks are summed up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from core.errors import KinographError
from core.protocols import LanguageModel, Message
from evaluation.public.records import Marking, SetQuestion

ATTEMPTS = 2
"""A reply in the wrong form is asked for once more; a second one is an error."""
LOWEST_SCORE, HIGHEST_SCORE = 1, 5


class JudgeFailed(Exception):
    """The judge was unreachable, refused, or did not reply in the form asked for."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a judge says of one answer: right or wrong, or two scores from 1 to 5."""

    is_right: bool | None = None
    scores: tuple[float, float] | None = None


class _Verdict(BaseModel):
    verdict: Literal["correct", "incorrect", "not_attempted"]


class _SceneScores(BaseModel):
    accuracy: float = Field(ge=LOWEST_SCORE, le=HIGHEST_SCORE)
    relevance: float = Field(ge=LOWEST_SCORE, le=HIGHEST_SCORE)


class _SummaryScores(BaseModel):
    completeness: float = Field(ge=LOWEST_SCORE, le=HIGHEST_SCORE)
    reliability: float = Field(ge=LOWEST_SCORE, le=HIGHEST_SCORE)


Reply = TypeVar("Reply", bound=BaseModel)

_VERDICT_RULES = """You mark an answer to a question about a video. You see the right answer; you do not see the video.
- correct: it says all that the right answer says of what was asked, and nothing against it. Spelling, order, case, word
  forms and additional details do not matter. Numbers must agree as exactly as the right answer gives them.
- incorrect: something in it contradicts the right answer, even if it is said with doubt.
- not_attempted: it leaves out what was asked, without contradicting it."""

_SCENE_RULES = """You score the description of a scene in a video. You see the points it should make, not the video.
- accuracy, 1 to 5: for each point, 5 if it is met, 3 if it is met in part, 1 if it is missing or wrong; give the mean.
- relevance, 1 to 5: 5 if all of it answers the question, 1 if none of it does. Do not look at whether it is right."""

_SUMMARY_RULES = """You score the summary of a video. You see a full summary, not the video.
- completeness, 1 to 5: 5 if it has all main points of the full summary, 1 if it has hardly any.
- reliability, 1 to 5: 5 if nothing in it is wrong or contradicts the full summary, 1 if much is. Details that the full
  summary does not have are no fault as long as they do not contradict it."""


def judge_answer(model: LanguageModel, question: SetQuestion, answer: str) -> Marks:
    """Return the judge's marks for an answer to an open question.

    The three verdicts are those of VideoEval-Pro (arXiv 2505.14640), the scores those of MLVU (arXiv 2406.04264); the
    rules are in words of our own, so figures stand beside published ones only roughly.

    Raises:
        JudgeFailed: no marks could be had.
    """
    asked = f"Question: {question.question}"
    said = f"Answer to mark: {answer}"
    if question.marking is Marking.SCENE:
        points = "\n".join(f"- {point}" for point in question.points) or f"- {question.reference}"
        scene = _ask(model, _SCENE_RULES, [asked, f"Points:\n{points}", said], _SceneScores)
        return Marks(scores=(scene.accuracy, scene.relevance))
    if question.marking is Marking.SUMMARY:
        summary = _ask(model, _SUMMARY_RULES, [f"Full summary: {question.reference}", said], _SummaryScores)
        return Marks(scores=(summary.completeness, summary.reliability))
    verdict = _ask(model, _VERDICT_RULES, [asked, f"Right answer: {question.reference}", said], _Verdict)
    return Marks(is_right=verdict.verdict == "correct")


def _ask(model: LanguageModel, rules: str, parts: Sequence[str], reply: type[Reply]) -> Reply:
    schema: dict[str, Any] = reply.model_json_schema()
    messages = [Message("system", (f"{rules}\nReply with JSON only.",)), Message("user", ("\n\n".join(parts),))]
    for _ in range(ATTEMPTS):
        try:
            text = model.complete(messages, schema=schema)
        except KinographError as error:
            raise JudgeFailed(str(error)) from error
        match = re.search(r"\{[^{}]*\}", text)
        try:
            if match is not None:
                return reply.model_validate_json(match.group())
        except ValidationError:
            continue
    raise JudgeFailed(f"{model.name} did not reply in the form asked for: {text[:80]!r}")


def contains_reference(answer: str, reference: str) -> bool:
    """Whether an answer contains every part of the reference; parts are separated by semicolons, case is ignored.

    As MME-VideoOCR marks by containment (arXiv 2505.21333).

    >>> contains_reference("It reads OPEN, then Closed.", "open; closed")
    True
    """
    said = _same_quotes(answer)
    return all(part.strip() in said for part in _same_quotes(reference).split(";"))


def _same_quotes(text: str) -> str:
    return text.replace("’", "'").casefold()
