"""Writes the section of a library on what each step of indexing contributes.

It does not know how a step is left out, nor how figures are computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.ablation import COMPARED, COMPARED_OF_QUESTIONS, QuestionVariant
from evaluation.groups import MomentVariant
from evaluation.markdown import group_table, head, share_cell, table
from evaluation.summary import NegativeScores

NOTE = """All videos indexed again without one step, each time in a copy of the same home; then every search and
every question again, in one process. What the same engines heard and read is taken over; without terms all is heard
anew. The first row of a group is all steps, the others differences to it, query by query (below zero: the step helps).
Of groups of moment queries only the steps are shown that change anything there."""


def describe_indexing(
    title: str,
    facts: Mapping[str, str],
    steps: Mapping[str, str],
    moments: Sequence[MomentVariant],
    questions: Sequence[QuestionVariant],
    negatives: Mapping[str, NegativeScores],
) -> str:
    """Return the section; ``steps`` says of each step that was left out what it does, ``negatives`` is by variant."""
    blocks = [
        *head(title, facts),
        NOTE,
        "\n".join(f"- *{name}*: {what}" for name, what in steps.items()),
    ]
    if moments:
        blocks += ["### Moments", group_table(moments, COMPARED)]
    if negatives:
        rows = [
            [name, str(scores.n_negatives), share_cell(scores.empty, scores.interval)]
            for name, scores in negatives.items()
        ]
        blocks += ["### Negatives", table(["", "n", "answered with nothing"], rows)]
    if questions:
        blocks += ["### Questions", group_table(questions, COMPARED_OF_QUESTIONS)]
    return "\n\n".join(blocks) + "\n"
