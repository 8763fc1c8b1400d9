"""The plan of a query: what to look for, by which sense, when in a video, before or after what — by rules alone.

Careful rather than complete: a query that is misread finds nothing, one that is not read is searched for as it stands.
It does not know what any video holds, nor how the plan is carried out (``rag/search.py`` does).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from core.plans import QueryPlan, Relation, Succession, TimeWindow
from rag.language import guess_language
from rag.plan_cues import (
    find_intent,
    hide_phrases,
    quote_capitals,
    reveal_phrases,
    strip_carrier,
)
from rag.plan_ordinals import find_ordinal
from rag.plan_succession import is_open, split_succession
from rag.plan_times import find_window

MAX_PLANNED_CHARS = 300
"""Longer queries are pasted passages, in which small words tell a story rather than how to look."""


def plan_query(query: str) -> QueryPlan:
    """Return what a query asks for; never fails, and leaves as it stands what it does not understand.

    >>> plan = plan_query("a dog barks in the first minute")
    >>> (plan.text, plan.time.words)
    ('a dog barks', 'in the first minute')
    >>> plan_query("the last supper").is_plain
    True
    """
    text = " ".join(query.split())
    if not text or len(text) > MAX_PLANNED_CHARS:
        return QueryPlan(query, query, language=guess_language(query))
    masked, phrases = hide_phrases(quote_capitals(text))
    plan = _plan_part(masked, phrases)
    return replace(_plan_order(plan, masked, phrases), query=query, language=guess_language(text))


def _plan_part(masked: str, phrases: Sequence[str]) -> QueryPlan:
    """Return the plan of a text that tells of one happening; ``masked`` has its quotations hidden."""
    rest = masked
    window = find_window(rest)
    if window:
        rest = window[1]
    ordinal = find_ordinal(rest)
    if ordinal and re.search(r"\w", ordinal[1]):
        rest = ordinal[1]
    else:
        ordinal = None
    intent = find_intent(rest)
    rest = strip_carrier(rest, intent)
    held = tuple(phrase for number, phrase in enumerate(phrases) if chr(0xE000 + number) in masked)
    whole, text = reveal_phrases(masked, phrases), reveal_phrases(rest, phrases)
    return QueryPlan(
        query=whole,
        text=text if re.search(r"\w", text) else whole,
        intent=intent,
        phrases=held,
        time=window[0] if window else None,
        ordinal=ordinal[0] if ordinal else None,
        is_open=window is not None and is_open(rest),
    )


def _plan_order(plan: QueryPlan, masked: str, phrases: Sequence[str]) -> QueryPlan:
    """Return the plan with the order of happenings that the text names; beside a place, it is a place itself."""
    parts = split_succession(masked)
    if parts is not None and parts.relation in (Relation.AFTER, Relation.BEFORE):
        parts = split_succession(_without_side(masked))
    if parts is None:
        return plan
    anchor, target = _plan_part(parts.anchor, phrases), _plan_part(parts.target, phrases)
    target = replace(target, is_open=is_open(parts.target) or target.is_open)
    if not _is_place(anchor):
        succession = Succession(target, anchor, parts.relation, parts.is_close)
        return replace(plan, ordinal=target.ordinal, succession=succession)  # that of the anchor is its own
    beside = _beside(anchor, parts.relation)
    if beside is None or target.time is not None:
        return plan
    return replace(target, text=target.text or plan.text, time=beside)


def _without_side(masked: str) -> str:
    """Return the text without "after 3:20": no happening is looked for before or after what is a place itself."""
    window = find_window(masked)
    return window[1] if window and re.search(r"\b(?:after|before)\b", window[0].words, re.IGNORECASE) else masked


def _is_place(part: QueryPlan) -> bool:
    return part.time is not None and part.text == part.query


def _beside(place: QueryPlan, relation: Relation) -> TimeWindow | None:
    if place.time is None or relation is Relation.EITHER:
        return None
    side = Relation.BEFORE if relation is Relation.BEFORE else Relation.AFTER
    return place.time.beside(side, f"{side.value} {place.time.words}")
