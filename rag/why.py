"""Why a moment matched, for people: the words that query and evidence share.

It does not know scores, nor how they are shown.
"""

from __future__ import annotations

import re
from dataclasses import replace

from core.records import Moment


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

    >>> shared_words("permission to use voices commercially", "You may use this voice for commercial ends.")
    ['use', 'voice', 'commercial']
    """
    stems = {stem(word) for word in re.findall(r"\w{3,}", query.casefold())} - _COMMON
    words = dict.fromkeys(re.findall(r"\w{3,}", text))
    return [word for word in words if stem(word.casefold()) in stems]


_COMMON = frozenset({"the", "and", "for", "with", "this", "that", "are", "was", "what", "when", "where", "who", "how"})


def stem(word: str) -> str:
    """Return the beginning that forms of a word mostly share."""
    return word[:5] if len(word) > 5 else word.rstrip("s")
