"""Names that the screen of a part shows, for the speech recogniser to spell as they stand there.

A small recogniser writes "their own line" for "the Orrin Line", and a name a new way each time. It does not know the
recogniser, nor what is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from core.protocols import EntityRecogniser
from core.records import Evidence

MIN_CONFIDENCE = 0.8
"""Texts read less surely are misspelled themselves."""

MAX_TERMS, MAX_CHARS = 24, 40
"""Few and short: told of too much, a recogniser leaves out whole sentences."""

_EDGE = " ·-*–"
_CAPITALISED = re.compile(r"[^\W\d_a-z][a-z'’]+(?: [^\W\d_a-z][a-z'’]+)+")


def find_terms(shown: Sequence[Evidence], recogniser: EntityRecogniser) -> tuple[str, ...]:
    """Return the names in texts on screen, and what else is several words in capitals, each once, in their order."""
    texts = [item.text for item in shown if item.confidence >= MIN_CONFIDENCE]
    if not texts:
        return ()
    terms: list[str] = []
    for text, names in zip(texts, recogniser.find_names(texts), strict=True):
        terms += [*(name.text for name in names), *_CAPITALISED.findall(text)]
    return without_repetitions(terms)[:MAX_TERMS]


def without_repetitions(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without articles and bullets, each line by itself, none that holds another one.

    >>> without_repetitions(["the Orrin Line", "Rufus Dane\\n• Price", "Inspector Ash", "Ash", "orrin line"])
    ('Orrin Line', 'Rufus Dane', 'Price', 'Ash')
    """
    terms: dict[str, str] = {}
    for name in names:
        for line in re.split(r"[\n•|]+", name):
            term = re.sub(r"^(?:the|an?) ", "", line.strip(_EDGE), flags=re.IGNORECASE)
            if 2 < len(term) <= MAX_CHARS and re.search(r"[^\W\d_]", term):
                terms.setdefault(term.casefold(), term)
    return tuple(
        term for key, term in terms.items() if not any(key != other and f" {other} " in f" {key} " for other in terms)
    )
