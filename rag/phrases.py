"""Quoted phrases: whether evidence holds the very words, whatever their case, accents and what a recogniser misread.

It does not know how evidence was found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np
from rapidfuzz import fuzz

from core.records import Evidence
from core.scripts import RUN
from rag.retrieve import Candidate
from rag.why import stem

MIN_ALIKE = 0.88
"""Likeness of spellings from which a reader of screens is taken to have misread: one letter of nine."""

MIN_FUZZY_CHARS = 8
"""Shorter phrases must stand exactly: "late" and "lane" are other words."""


def fold(text: str) -> str:
    """Return the text without case, accents and punctuation, words parted by one space.

    >>> fold("«Mélange», 10:42!")
    'melange 10 42'
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.findall(r"[^\W_]+", bare))


def likeness(phrase: str, text: str) -> float:
    """Return how surely the text holds the phrase: 1.0 for the very words, 0.0 for what is too far from them.

    >>> likeness("no entry", "The sign: NO ENTRY."), likeness("late", "a plate")
    (1.0, 0.0)
    >>> likeness("bigger joyrides", "FOR BIGGERJ0YRIDES") > 0.88
    True
    """
    wanted, held = fold(phrase), fold(text)
    if not wanted or not held:
        return 0.0
    if f" {wanted} " in f" {held} " or (RUN.search(wanted) and wanted in held):
        return 1.0
    wanted, held = wanted.replace(" ", ""), held.replace(" ", "")
    if len(wanted) < MIN_FUZZY_CHARS or len(held) < len(wanted) * MIN_ALIKE:
        return 0.0
    alike = fuzz.partial_ratio(wanted, held) / 100
    return alike if alike >= MIN_ALIKE else 0.0


def tells_of(text: str, evidence: Sequence[Evidence]) -> bool:
    """Whether the evidence has all the words of a text that name something, in whatever form.

    >>> tells_of("the lamp", ())
    False
    """
    wanted = {stem(word) for word in fold(text).split() if len(word) > 2} - _ARTICLES
    held = {stem(word) for item in evidence for word in fold(item.text).split()}
    return bool(wanted) and wanted <= held


_ARTICLES = frozenset({"the", "and", "for", "with", "this", "that"})


def hold_all(phrases: Sequence[str], evidence: Sequence[Evidence]) -> dict[str, float]:
    """Return the evidence that holds one of the phrases, by id, with how surely; {} unless each is held by some.

    A phrase may run over from one piece into the next of the same modality; then both hold it.
    """
    likeness_by_id: dict[str, float] = {}
    for phrase in phrases:
        found = _holders(phrase, evidence)
        if not found:
            return {}
        for evidence_id, alike in found.items():
            likeness_by_id[evidence_id] = max(alike, likeness_by_id.get(evidence_id, 0.0))
    return likeness_by_id


def _holders(phrase: str, evidence: Sequence[Evidence]) -> dict[str, float]:
    alone = {item.id: alike for item in evidence if (alike := likeness(phrase, item.text)) > 0}
    if alone:
        return alone
    together: dict[str, float] = {}
    by_modality = sorted(evidence, key=lambda item: (item.video_id, item.modality, item.span))
    for _, group in groupby(by_modality, key=lambda item: (item.video_id, item.modality)):
        run = list(group)
        for first, second in pairwise(run):
            alike = likeness(phrase, f"{first.text} {second.text}")
            together |= {first.id: alike, second.id: alike} if alike else {}
    return together


def quoting(candidate: Candidate, phrases: Sequence[str], evidence: Sequence[Evidence]) -> Candidate | None:
    """Return the candidate as its quoted words make it: held in full, by just that evidence; None if not held.

    ``evidence`` is that of the candidate which may count. What it looks like does not: words were asked for.
    """
    held = hold_all(phrases, evidence)
    if not held:
        return None
    by_evidence = candidate.interaction.by_evidence | held
    interaction = replace(candidate.interaction, joint=max(held.values()), by_evidence=by_evidence)
    return replace(candidate, interaction=interaction, frames=np.empty(0, np.float32))
