"""Instants of a video as people write them: "3:20", "5m30s", "two minutes", "minute 3".

It does not know which words around them make them a place in the video: "two minutes" is a length more often than not.
"""

from __future__ import annotations

import re

from rag.numerals import NUMBER, read_number

UNIT = r"(?:seconds?|secs?|minutes?|mins?|hours?)"

_OF_DAY = r"(?:[ap]\.?m\b|o['’]?clock|in the (?:morning|afternoon|evening)|at night|today|tonight)"
_COLONS = rf"(?<![\d:.])(?:\d{{1,2}}:[0-5]\d:[0-5]\d|\d{{1,3}}:[0-5]\d)(?![\d:.]*\d|:)(?!\s*{_OF_DAY})"
_LETTERS = r"(?<![\w.])(?:\d{1,2} ?h ?\d{1,2} ?m(?:in)?(?: ?\d{1,2} ?s)?|\d{1,3} ?m(?:in)? ?\d{1,2} ?s)\b"

CLOCK = rf"(?:{_COLONS}|{_LETTERS})"
"""An instant that hardly means anything else: not a time of day, nor a single "5m"."""

LENGTH = rf"(?<![\w.:-]){NUMBER}[ -]{UNIT}(?:(?: and|,)? {NUMBER} {UNIT})?\b"

NUMBERED = rf"(?:minute {NUMBER}|second \d+)\b"
"""Only minutes are numbered in words, too: "the second one" is no second."""

INSTANT = rf"(?:{CLOCK}|{LENGTH}|{NUMBERED})"


def read_instant_s(text: str) -> float:
    """Return the seconds of a text matching INSTANT.

    >>> read_instant_s("1:02:03"), read_instant_s("5m30s"), read_instant_s("minute 3")
    (3723.0, 330.0, 180.0)
    >>> read_instant_s("two minutes"), read_instant_s("1 hour and 2 minutes")
    (120.0, 3720.0)
    """
    if ":" in text:
        seconds = 0.0
        for part in text.split(":"):
            seconds = seconds * 60 + float(part)
        return seconds
    numbered = re.fullmatch(rf"(minute|second) ({NUMBER})", text, re.IGNORECASE)
    if numbered:
        return read_number(numbered[2]) * unit_s(numbered[1])
    lengths = re.findall(rf"({NUMBER})[ -]?([hms])", text, re.IGNORECASE)
    return sum(read_number(number) * unit_s(unit) for number, unit in lengths)


def unit_s(unit: str) -> float:
    """Return the seconds of a unit of time, however it is abbreviated.

    >>> unit_s("mins"), unit_s("h")
    (60.0, 3600.0)
    """
    return {"s": 1.0, "m": 60.0, "h": 3600.0}[unit[0].casefold()]
