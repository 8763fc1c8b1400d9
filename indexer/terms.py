"""Names that the screen of a part shows, for the speech recogniser to spell as they stand there.

A small recogniser writes "their own line" for "the Orrin Line", and a name a new way each time. It does not know the
recogniser, nor what is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby

from core.protocols import EntityRecogniser
from core.records import Evidence

MIN_CONFIDENCE = 0.8
"""Texts read less surely are misspelled themselves."""

MAX_TERMS, MAX_CHARS, MAX_CHARS_IN_ALL = 24, 40, 400
"""Few and short: told of too much, a recogniser leaves out whole sentences, and Whisper reads 223 tokens at most."""

_EDGE = " ·-*–"


def find_terms(shown: Sequence[Evidence], recogniser: EntityRecogniser) -> tuple[str, ...]:
    """Return the names in texts on screen, and what else is several capitalised words, each once, in their order."""
    texts = [item.text for item in shown if item.confidence >= MIN_CONFIDENCE]
    if not texts:
        return ()
    terms: list[str] = []
    for text, names in zip(texts, recogniser.find_names(texts), strict=True):
        terms += [*(name.text for name in names), *capitalised_runs(text)]
    return choose_terms(terms)


def capitalised_runs(text: str) -> list[str]:
    """Return the runs of two capitalised words and more, but for words all in capitals.

    >>> capitalised_runs("Building the Kestrel Dam, Éva McKovács, NEW YORK")
    ['Kestrel Dam', 'Éva McKovács']
    """
    runs = []
    for chunk in re.findall(r"[\w'’-]+(?: [\w'’-]+)*", text):
        for is_name, words in groupby(chunk.split(" "), key=lambda word: word[0].isupper() and not word.isupper()):
            run = list(words)
            runs += [" ".join(run)] if is_name and len(run) > 1 else []
    return runs


def choose_terms(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names without articles and bullets, each line by itself, none inside another, as many as may be told.

    Of a name and a part of it the part is kept, which stands without its title, unless it is a single word.

    >>> choose_terms(["the Orrin Line", "Dr Rufus Dane • Price", "Rufus Dane", "Anna Ash", "Ash", "orrin line"])
    ('Orrin Line', 'Price', 'Rufus Dane', 'Anna Ash')
    """
    terms: dict[tuple[str, ...], str] = {}
    for name in names:
        for line in re.split(r"[\n•|]+", name):
            term = re.sub(r"^(?:the|an?) ", "", line.strip(_EDGE), flags=re.IGNORECASE)
            if 2 < len(term) <= MAX_CHARS and re.search(r"[^\W\d_]", term):
                terms.setdefault(tuple(re.findall(r"\w+", term.casefold())), term)
    kept = [term for words, term in terms.items() if _stands_alone(words, terms)][:MAX_TERMS]
    n_chars = accumulate(len(term) for term in kept)
    return tuple(term for term, total in zip(kept, n_chars, strict=True) if total <= MAX_CHARS_IN_ALL)


def _stands_alone(words: tuple[str, ...], others: Iterable[tuple[str, ...]]) -> bool:
    if len(words) == 1:
        return not any(_holds(other, words) for other in others)
    return not any(_holds(words, part) for part in others if len(part) > 1)


def _holds(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether a name holds another one, word by word."""
    size = len(part)
    return size < len(words) and any(words[at : at + size] == part for at in range(len(words) - size + 1))
