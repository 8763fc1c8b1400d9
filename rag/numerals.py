"""Numbers as people write them in queries.

It does not know what is counted.
"""

from __future__ import annotations

_TO_TWELVE = "one two three four five six seven eight nine ten eleven twelve"

NUMBER_BY_WORD = {word: number for number, word in enumerate(_TO_TWELVE.split(), start=1)} | {
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "forty-five": 45,
    "fifty": 50,
    "sixty": 60,
    "ninety": 90,
}

NUMBER = rf"(?:\d+(?:\.\d+)?|{'|'.join(sorted(NUMBER_BY_WORD, key=len, reverse=True))})"
"""A regular expression of them, without a group."""


def read_number(text: str) -> float:
    """Return the number that a text matching NUMBER names.

    >>> read_number("Thirty"), read_number("1.5")
    (30, 1.5)
    """
    word = text.casefold()
    return NUMBER_BY_WORD[word] if word in NUMBER_BY_WORD else float(word)
