"""Instants of a video as people write them: "3:20", "5m30s", "two minutes", "half an hour", "minute 3".

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

_LONG = r"(?:minute|hour)"
"""Only these are counted by "a" and "half a": "a second" is another one more often than not."""

_COUNTED = rf"{NUMBER}(?: and a half)?[ -]{UNIT}"
_SHARE = rf"(?:(?:half an?|(?:an? )?half)[ -]|(?:an?|one|three)[ -]quarters? of an? ){_LONG}"
_ONE = rf"(?<!\bof )an? {_LONG}"
_MORE = rf"(?:(?: and|,)? {NUMBER} {UNIT}| and (?:a (?:half|quarter)|three quarters)(?!-))"

LENGTH = rf"(?<![\w.:-])(?:{_COUNTED}|{_SHARE}|{_ONE}){_MORE}?\b"

SEVERAL = rf"(?:(?:few |couple of )?{UNIT}|quarter of an? {_LONG}){_MORE}?\b"
"""A length after "the first" or "the last", which needs no number."""

NUMBERED = rf"(?:minute {NUMBER}|second \d+)\b"
"""Only minutes are numbered in words, too: "the second one" is no second."""

INSTANT = rf"(?:{CLOCK}|{LENGTH}|{NUMBERED})"

_AMOUNTS = {"half": 0.5, "few": 3.0, "couple": 2.0}
_COUNTS = re.compile(
    rf"(?P<number>{NUMBER})|(?P<quarter>quarter)|(?P<amount>{'|'.join(_AMOUNTS)})"
    rf"|(?<![a-z])(?P<unit>{UNIT}|[hms])(?![a-z])",
    re.IGNORECASE,
)


def read_instant_s(text: str) -> float:
    """Return the seconds of a text matching INSTANT or SEVERAL.

    >>> read_instant_s("1:02:03"), read_instant_s("5m30s"), read_instant_s("minute 3")
    (3723.0, 330.0, 180.0)
    >>> read_instant_s("two minutes"), read_instant_s("1 hour and 2 minutes"), read_instant_s("few seconds")
    (120.0, 3720.0, 3.0)
    >>> read_instant_s("three quarters of an hour"), read_instant_s("two and a half minutes")
    (2700.0, 150.0)
    """
    if ":" in text:
        seconds = 0.0
        for part in text.split(":"):
            seconds = seconds * 60 + float(part)
        return seconds
    numbered = re.fullmatch(rf"(minute|second) ({NUMBER})", text, re.IGNORECASE)
    return read_number(numbered[2]) * unit_s(numbered[1]) if numbered else _read_length_s(text)


def _read_length_s(text: str) -> float:
    """Return the seconds of amounts with their units; an amount at the end is of the unit before it.

    >>> _read_length_s("an hour and a half"), _read_length_s("a minute"), _read_length_s("0 minutes")
    (5400.0, 60.0, 0.0)
    """
    seconds, one_s = 0.0, 0.0
    amount: float | None = None
    for match in _COUNTS.finditer(text):
        if match["unit"]:
            one_s = unit_s(match["unit"])
            seconds += (1.0 if amount is None else amount) * one_s
            amount = None
        elif match["quarter"]:
            amount = (amount or 1.0) / 4
        else:
            told = read_number(match["number"]) if match["number"] else _AMOUNTS[match["amount"].casefold()]
            amount = (amount or 0.0) + told
    return seconds + (amount or 0.0) * one_s


def finest_unit_s(text: str) -> float:
    """Return the seconds of the finest unit that a text matching INSTANT tells: how exactly it is meant.

    >>> finest_unit_s("3:20"), finest_unit_s("1h 5min"), finest_unit_s("half an hour")
    (1.0, 60.0, 3600.0)
    """
    return min((unit_s(match["unit"]) for match in _COUNTS.finditer(text) if match["unit"]), default=1.0)


def unit_s(unit: str) -> float:
    """Return the seconds of a unit of time, however it is abbreviated.

    >>> unit_s("mins"), unit_s("h")
    (60.0, 3600.0)
    """
    return {"s": 1.0, "m": 60.0, "h": 3600.0}[unit[0].casefold()]
