"""What a model put into words for each sense, beside the query's own words.

It does not know how either is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.plans import QueryPlan
from core.protocols import SearchRequest
from core.records import Modality, Moment

SHARE_OF_RETOLD = 0.9
"""What is found by a model's words counts this much beside what the query's own words find: a model that adds nothing,
or nonsense, must not hide what was asked for. See ``docs/decisions/0007``."""

SPOKEN = (Modality.SPEECH.value,)
WRITTEN = (Modality.SCREEN.value,)
SEEN = (Modality.VISUAL.value, Modality.CAPTION.value, Modality.OBJECT.value)
"""Modalities of the senses that a model plans for."""


def split_by_sense(plan: QueryPlan, request: SearchRequest) -> list[tuple[QueryPlan, SearchRequest]]:
    """Return plan and request for each sense, of those asked for, that a model put into other words; none without one.

    >>> from core.plans import SenseQueries
    >>> plan = QueryPlan("red car", "red car", by_sense=SenseQueries("", "", "a red car"))
    >>> [(part.text, asked.modalities) for part, asked in split_by_sense(plan, SearchRequest("red car"))]
    [('a red car', ('visual', 'caption', 'object'))]
    """
    if plan.by_sense is None:
        return []
    told = ((plan.by_sense.speech, SPOKEN), (plan.by_sense.screen, WRITTEN), (plan.by_sense.visual, SEEN))
    senses_by_text: dict[str, list[str]] = {}
    for text, senses in told:
        asked = [sense for sense in senses if not request.modalities or sense in request.modalities]
        if text and asked and text.casefold() != plan.text.casefold():
            senses_by_text.setdefault(text, []).extend(asked)
    return [
        (replace(plan, text=text, by_sense=None), replace(request, modalities=tuple(senses)))
        for text, senses in senses_by_text.items()
    ]


def rank_with_retold(found: Sequence[Moment], retold: Iterable[Moment]) -> list[Moment]:
    """Return what the query's own words found and what the model's did, best first."""
    less = [replace(moment, score=round(SHARE_OF_RETOLD * moment.score, 4)) for moment in retold]
    return sorted([*found, *less], key=lambda moment: -moment.score)
