"""Why a moment matched, for people: the words that query and evidence share.

It does not know scores, nor how they are shown; ``rag.answering_words`` knows what to name where no word is shared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from core.records import Moment
from core.scripts import UNSPACED
from rag.language import function_words

MIN_RUN = 2
"""Characters in a row that count as a word shared where there are no spaces; one alone is shared by chance."""

_WORD = re.compile(f"[{UNSPACED}]+|[^\\W_{UNSPACED}]{{3,}}")
_RUN = re.compile(f"[{UNSPACED}]+")


def name_matched_words(moment: Moment, query: str) -> Moment:
    """Return the moment, its reasons naming the words that stand in the query too; a match in meaning has none."""
    return replace(
        moment,
        reasons=tuple(
            reason
            if reason.evidence_id is None
            else replace(reason, matched=" ".join(shared_words(query, reason.matched)))
            for reason in moment.reasons
        ),
    )


def shared_words(query: str, text: str) -> list[str]:
    """Return the words of the text that begin like a word of the query, each once, in order.

    Where there are no spaces between words, the longest runs of characters that stand in the query too.

    >>> shared_words("permission to use voices commercially", "You may use this voice for commercial ends.")
    ['use', 'voice', 'commercial']
    >>> shared_words("被子固定器", "一定要用这个辈子固定器。")
    ['子固定器']
    """
    small = function_words("en")
    stems = {stem(word) for word in _WORD.findall(query.casefold()) if word not in small}
    runs = _RUN.findall(query)
    shared: list[str] = []
    for word in _WORD.findall(text):
        if _RUN.match(word):
            shared += _shared_runs(word, runs)
        elif word.casefold() not in small and stem(word.casefold()) in stems:
            shared.append(word)
    return list(dict.fromkeys(shared))


def _shared_runs(word: str, runs: list[str]) -> Iterator[str]:
    """Yield the longest pieces of a run of characters that stand in one of the others, from left to right."""
    start = 0
    while start <= len(word) - MIN_RUN:
        end = start + MIN_RUN
        while end <= len(word) and any(word[start:end] in run for run in runs):
            end += 1
        if end - 1 - start >= MIN_RUN:
            yield word[start : end - 1]
        start = max(start + 1, end - 1)


def stem(word: str) -> str:
    """Return the beginning that forms of a word mostly share."""
    return word[:5] if len(word) > 5 else word.rstrip("s")
