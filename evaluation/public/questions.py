"""Asks the questions of a set, marks the answers and sums up how they went.

It sees the system and the judge as callables, so it does not know whether a service or a fake answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from core.errors import KinographError, TryAgain
from core.protocols import TextEncoder
from core.records import Answer
from evaluation.bootstrap import Interval
from evaluation.corpus import Place
from evaluation.metrics import share_of_places_found
from evaluation.public.judge import LOWEST_SCORE, JudgeFailed, Marks, contains_reference
from evaluation.public.options import MatchedBy, match_option
from evaluation.public.records import NEEDS_JUDGE, SCORED, Marking, PublicSet, SetQuestion
from evaluation.public.summary import Figures, Summary, mean_figures, name_groups

Ask = Callable[[str, Sequence[str], Sequence[str]], Answer]
"""``ask(question, video_ids, options)``; no options: the question is an open one."""
Judge = Callable[[SetQuestion, str], Marks]
"""``judge(question, answer)``; raises JudgeFailed."""
Tick = Callable[[], None]

EXTRACTIVE = "extractive"
"""What the service names as author when it quotes evidence instead of writing."""
PLACES_DEPTH = 5
"""Moments of an answer in which places are looked for."""
PLACES = f"recall of places@{PLACES_DEPTH}"
SCORE = "score (2–10)"
MAX_FAILURES_IN_A_ROW = 5
"""From then on the service, not the question, is the matter."""

_MARKER = re.compile(r"\s*\[\d{1,3}\]")


class Verdict(StrEnum):
    """How a question ended; only RIGHT counts as right, everything but SCORED enters the accuracy."""

    RIGHT = "right"
    WRONG = "wrong"
    ABSTAINED = "abstained"
    JUDGE_ERROR = "judge error"
    FAILED = "failed"
    SCORED = "scored"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and how it ended. ``places_found`` is the share of its places among the first moments, if it has any.

    ``scores`` are the two of a scored task: the lowest after an abstention, 0 after a failure.
    """

    question: SetQuestion
    verdict: Verdict
    answer: str
    chosen: int | None = None
    matched_by: MatchedBy | None = None
    scores: tuple[float, float] | None = None
    places_found: float | None = None
    problem: str = ""

    def describe(self) -> dict[str, Any]:
        """Return the outcome as one line of details."""
        asked = self.question
        return {
            "id": asked.id,
            "video": asked.video,
            "question": asked.question,
            "marking": asked.marking.value,
            "right": asked.options[asked.right] if asked.right is not None else asked.reference,
            "answer": self.answer,
            "chosen": asked.options[self.chosen] if self.chosen is not None else None,
            "matched_by": self.matched_by,
            "verdict": self.verdict.value,
            "scores": self.scores,
            "places_found": self.places_found,
            "problem": self.problem,
        }


def run_questions(
    asked: PublicSet,
    ask: Ask,
    judge: Judge | None,
    encoder: TextEncoder,
    id_by_video: Mapping[str, str],
    on_done: Tick = lambda: None,
) -> list[Asked]:
    """Ask every question whose video is in the library, each of its video alone; those for a judge only with one.

    Raises:
        TryAgain: the service failed MAX_FAILURES_IN_A_ROW times in a row, or every time.
    """
    outcomes = []
    n_failed = 0
    for question in questions_to_run(asked, id_by_video, with_judge=judge is not None):
        try:
            answer = ask(question.question, [id_by_video[question.video]], question.options)
        except KinographError as error:
            n_failed += 1
            if n_failed == MAX_FAILURES_IN_A_ROW:
                raise TryAgain(f"{n_failed} questions in a row failed, the last one: {error}") from error
            scores = (0.0, 0.0) if question.marking in SCORED else None
            outcomes.append(Asked(question, Verdict.FAILED, "", scores=scores, problem=str(error)))
        else:
            n_failed = 0
            outcomes.append(mark_answer(question, answer, judge, encoder))
        on_done()
    if n_failed and n_failed == len(outcomes):
        raise TryAgain(f"all questions failed, the last one: {outcomes[-1].problem}")
    return outcomes


def questions_to_run(asked: PublicSet, id_by_video: Mapping[str, str], *, with_judge: bool) -> list[SetQuestion]:
    """Return the questions whose video is in the library and which can be marked."""
    return [
        question
        for question in asked.questions
        if question.video in id_by_video and (with_judge or question.marking not in NEEDS_JUDGE)
    ]


def mark_answer(question: SetQuestion, answer: Answer, judge: Judge | None, encoder: TextEncoder) -> Asked:
    """Return how an answer is marked."""
    said, found = free_text(answer), _share_of_places(question, answer)
    if answer.abstained is not None:
        lowest = (float(LOWEST_SCORE), float(LOWEST_SCORE)) if question.marking in SCORED else None
        return Asked(question, Verdict.ABSTAINED, answer.abstained, scores=lowest, places_found=found)
    if question.marking is Marking.CHOICE:
        choice = match_option(said, question.options, encoder)
        is_right = choice is not None and _same_option(question, choice.option)
        return Asked(
            question,
            Verdict.RIGHT if is_right else Verdict.WRONG,
            said,
            chosen=choice.option if choice else None,
            matched_by=choice.matched_by if choice else None,
            places_found=found,
        )
    if question.marking in (Marking.CONTAINS, Marking.IS):
        is_whole = question.marking is Marking.IS
        is_right = said == question.reference if is_whole else contains_reference(said, question.reference)
        return Asked(question, Verdict.RIGHT if is_right else Verdict.WRONG, said, places_found=found)
    assert judge is not None, "questions for a judge are not asked without one"
    try:
        marks = judge(question, said)
    except JudgeFailed as error:
        scores = (0.0, 0.0) if question.marking in SCORED else None
        return Asked(question, Verdict.JUDGE_ERROR, said, scores=scores, places_found=found, problem=str(error))
    if marks.scores is not None:
        return Asked(question, Verdict.SCORED, said, scores=marks.scores, places_found=found)
    return Asked(question, Verdict.RIGHT if marks.is_right else Verdict.WRONG, said, places_found=found)


def free_text(answer: Answer) -> str:
    """Return what an answer says: without markers, and of an extractive one only the quotes, not their introduction."""
    if answer.produced_by == EXTRACTIVE and answer.citations:
        return "\n".join(dict.fromkeys(citation.quote for citation in answer.citations))
    return _MARKER.sub("", answer.text).strip()


def summarise_questions(asked: PublicSet, outcomes: Sequence[Asked]) -> Summary:
    """Return accuracy, abstentions and errors, scores of scored tasks, recall of places; overall and by group."""
    figures, intervals = _figures(outcomes)
    kinds = name_groups([outcome.question.groups for outcome in outcomes])
    by_group: dict[str, dict[str, Figures]] = {
        dimension: {value: _figures([outcomes[at] for at in members])[0] for value, members in held.items()}
        for dimension, held in kinds.items()
    }
    if asked.name == "mlvu":
        figures |= _mlvu_averages(by_group.get("type", {}))
    return Summary(len(outcomes), figures, intervals, by_group)


def _figures(outcomes: Sequence[Asked]) -> tuple[Figures, dict[str, Interval]]:
    marked = [outcome for outcome in outcomes if outcome.question.marking not in SCORED]
    accuracy = {"accuracy": [float(outcome.verdict is Verdict.RIGHT) for outcome in marked]}
    figures, intervals = mean_figures(accuracy, _videos(marked))
    counts = {verdict: sum(outcome.verdict is verdict for outcome in outcomes) for verdict in Verdict}
    n_answered = sum(outcome.verdict not in NOT_ANSWERED for outcome in marked)
    if n_answered:
        figures["accuracy of the answered"] = counts[Verdict.RIGHT] / n_answered
    for name, value_of in ((SCORE, _score_of), (PLACES, _places_of)):
        held = [outcome for outcome in outcomes if value_of(outcome) is not None]
        means, bounds = mean_figures({name: [value_of(outcome) or 0.0 for outcome in held]}, _videos(held))
        figures |= means
        intervals |= bounds
    figures["n"] = len(outcomes)
    figures["n abstained"] = counts[Verdict.ABSTAINED]
    figures["n judge errors"] = counts[Verdict.JUDGE_ERROR]
    figures["n failed"] = counts[Verdict.FAILED]
    return figures, intervals


def _videos(outcomes: Sequence[Asked]) -> list[str]:
    return [outcome.question.video for outcome in outcomes]


def _score_of(outcome: Asked) -> float | None:
    return sum(outcome.scores) if outcome.scores is not None else None


def _places_of(outcome: Asked) -> float | None:
    return outcome.places_found


NOT_ANSWERED = frozenset({Verdict.ABSTAINED, Verdict.FAILED})


def _mlvu_averages(by_type: Mapping[str, Figures]) -> Figures:
    """Return M-Avg and G-Avg: means over tasks, as MLVU reports (arXiv 2406.04264)."""
    averages: Figures = {}
    for name, figure in (("M-Avg", "accuracy"), ("G-Avg (2–10)", SCORE)):
        values = [figures[figure] for figures in by_type.values() if figures.get(figure) is not None]
        if values:
            averages[name] = float(np.mean([float(value) for value in values if value is not None]))
    return averages


def _same_option(question: SetQuestion, chosen: int) -> bool:
    """Whether an option is the right one, or a twin of it: some rows list an option twice."""
    return question.right is not None and question.options[chosen] == question.options[question.right]


def _share_of_places(question: SetQuestion, answer: Answer) -> float | None:
    """Return the share of the question's places among the first moments of the answer, None if it has none."""
    if not question.places:
        return None
    found = [Place(question.video, moment.span) for moment in answer.moments[:PLACES_DEPTH]]
    return share_of_places_found(found, [Place(question.video, span) for span in question.places])
