"""Numbers as people write them in queries: "3", "twenty-five", "2nd", "fifth".

It does not know what is counted.
"""

from __future__ import annotations

import re

_TO_NINETEEN = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TO_TWELFTH = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"

_SMALL = {word: number for number, word in enumerate(_TO_NINETEEN.split(), start=1)}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_ORDINALS = {word: number for number, word in enumerate(_TO_TWELFTH.split(), start=1)}

_ANY_SMALL = "|".join(sorted(_SMALL, key=len, reverse=True))

NUMBER = rf"(?:\d+(?:\.\d+)?|(?:{'|'.join(_TENS)})(?:[ -](?:{_ANY_SMALL}))?|{_ANY_SMALL})"
"""A regular expression of numbers, without a group."""

ORDINAL = rf"(?:(?!0+th)\d+(?:st|nd|rd|th)|{'|'.join(_ORDINALS)})"
"""A regular expression of places in a row, without a group; nothing is the 0th of them."""


def read_number(text: str) -> float:
    """Return the number that a text matching NUMBER names.

    >>> read_number("Thirty"), read_number("1.5"), read_number("twenty-five")
    (30, 1.5, 25)
    """
    if text[0].isdigit():
        return float(text)
    return sum(_SMALL.get(word) or _TENS[word] for word in re.split("[ -]", text.casefold()))


def read_ordinal(text: str) -> int:
    """Return the place in a row that a text matching ORDINAL names.

    >>> read_ordinal("Second"), read_ordinal("21st")
    (2, 21)
    """
    return _ORDINALS.get(text.casefold()) or int(text[:-2])


def spell_ordinal(number: int) -> str:
    """Return the name of a place in a row, as a word up to twelfth.

    >>> [spell_ordinal(number) for number in (2, 12, 13, 21, 112)]
    ['second', 'twelfth', '13th', '21st', '112th']
    """
    words = {place: word for word, place in _ORDINALS.items()}
    ending = "th" if 10 < number % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return words.get(number) or f"{number}{ending}"
