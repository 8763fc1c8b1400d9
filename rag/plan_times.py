"""Places in a video that a query names: "in the first minute", "at 3:20", "near the end".

Careful rather than complete: "at the end of a street" is a place in the world, "in the end" an idiom, "the last supper"
a picture. It does not know how long any video is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from core.plans import Instant, TimeWindow
from rag.numerals import NUMBER, read_number

AROUND_S = 5.0
"""How far around "at 3:20" still counts: people read a clock when what they saw has begun."""

VAGUE_SHARE, VAGUE_S = 0.15, 10.0
"""How much of a video its "beginning" and "end" are: of ten seconds all, of an hour ten minutes."""

_OF_DAY = r"(?:[ap]\.?m\b|o['’]?clock|in the (?:morning|afternoon|evening)|at night|today|tonight)"
_CLOCK = rf"(?<![\d:.])(?:\d{{1,2}}:[0-5]\d:[0-5]\d|\d{{1,3}}:[0-5]\d)(?![\d:.]*\d|:)(?!\s*{_OF_DAY})"
_UNIT = r"(?:seconds?|secs?|minutes?|mins?|hours?)"
_INSTANT = rf"(?:{_CLOCK}|{NUMBER} {_UNIT}|minute \d+|second \d+)"
_VIDEO = r"(?:video|film|movie|clip|recording|footage|episode|audio|lecture|talk|presentation|podcast)"
_OF_VIDEO = rf"(?: (?:of|in|into) (?:the|this|that|each|every) {_VIDEO})"
_DONE = r"(?=\s*[.?!,;]|\s*$)"
_OF_NOTHING_ELSE = rf"(?:{_OF_VIDEO}|(?! (?:of|for|in|at|after|before|since)\b))"

Reader = Callable[[re.Match[str]], TimeWindow | None]


def find_window(text: str) -> tuple[TimeWindow, str] | None:
    """Return the place in the video that a text names, and the text without its words; None if it names none.

    >>> window, rest = find_window("a dog barks in the first minute")
    >>> (rest, window.start.offset_s, window.end.offset_s, window.is_strict)
    ('a dog barks', 0.0, 60.0, True)
    >>> find_window("Eiffel Tower at the end of a street") is None
    True
    """
    for pattern, read in _READERS:
        match = pattern.search(text)
        window = read(match) if match else None
        if match and window:
            rest = f"{text[: match.start()].rstrip(' ,;')} {text[match.end() :].lstrip(' ,;')}"
            return window, " ".join(rest.split()).strip(" ,;?!.")
    return None


def read_instant_s(text: str) -> float:
    """Return the seconds of "3:20", "1:02:03", "90 seconds", "minute 3".

    >>> read_instant_s("1:02:03"), read_instant_s("two minutes"), read_instant_s("minute 3")
    (3723.0, 120.0, 180.0)
    """
    if ":" in text:
        seconds = 0.0
        for part in text.split(":"):
            seconds = seconds * 60 + float(part)
        return seconds
    first, second = text.split(" ", 1)
    number, unit = (second, first) if second[0].isdigit() else (first, second)
    return read_number(number) * _unit_s(unit)


def _unit_s(unit: str) -> float:
    return {"s": 1.0, "m": 60.0, "h": 3600.0}[unit[0].casefold()]


def _from_start(match: re.Match[str]) -> TimeWindow:
    return TimeWindow(Instant(), Instant(offset_s=_length_s(match)), match.group().strip(), is_strict=True)


def _from_end(match: re.Match[str]) -> TimeWindow:
    return TimeWindow(Instant(1.0, -_length_s(match)), Instant(1.0), match.group().strip(), is_strict=True)


def _after_start(match: re.Match[str]) -> TimeWindow:
    return TimeWindow(Instant(offset_s=_length_s(match)), Instant(1.0), match.group().strip(), is_strict=True)


def _length_s(match: re.Match[str]) -> float:
    number = (match["number"] or "one").strip().casefold()
    return (_FEW[number] if number in _FEW else read_number(number)) * _unit_s(match["unit"])


_FEW = {"few": 3.0, "couple of": 2.0}


def _between(match: re.Match[str]) -> TimeWindow | None:
    start_s, end_s = read_instant_s(match["start"]), read_instant_s(match["end"])
    if end_s <= start_s:
        return None
    return TimeWindow(Instant(offset_s=start_s), Instant(offset_s=end_s), match.group().strip(), is_strict=False)


def _at(match: re.Match[str]) -> TimeWindow:
    named = match["at"]
    at_s = read_instant_s(named)
    if named.casefold().startswith("minute") or named.casefold().endswith(("minutes", "minute", "mins", "min")):
        start_s, end_s = at_s - AROUND_S, at_s + 60.0
    else:
        start_s, end_s = at_s - AROUND_S, at_s + AROUND_S
    return TimeWindow(
        Instant(offset_s=max(0.0, start_s)), Instant(offset_s=end_s), match.group().strip(), is_strict=False
    )


def _side_of(match: re.Match[str]) -> TimeWindow | None:
    at_s = read_instant_s(match["at"])
    if at_s <= 0:
        return None
    words = match.group().strip()
    if match["side"].casefold() == "after":
        return TimeWindow(Instant(offset_s=at_s), Instant(1.0), words, is_strict=False)
    return TimeWindow(Instant(), Instant(offset_s=at_s), words, is_strict=False)


def _half(match: re.Match[str]) -> TimeWindow:
    start, end = (0.0, 0.5) if match["half"].casefold() == "first" else (0.5, 1.0)
    return TimeWindow(Instant(start), Instant(end), match.group().strip(), is_strict=True)


def _vague(match: re.Match[str]) -> TimeWindow:
    words, where = match.group().strip(), match["where"].casefold()
    if where in ("end", "ending", "close"):
        return TimeWindow(Instant(1.0 - VAGUE_SHARE, -VAGUE_S), Instant(1.0), words, is_strict=False)
    if where in ("middle", "midpoint") or where.startswith("half"):
        half = VAGUE_SHARE / 2
        return TimeWindow(Instant(0.5 - half, -VAGUE_S), Instant(0.5 + half, VAGUE_S), words, is_strict=False)
    return TimeWindow(Instant(), Instant(VAGUE_SHARE, VAGUE_S), words, is_strict=False)


_IN = r"\b(?:in|within|during|from|over) the (?:very )?"
_SOME = rf"(?P<number>{NUMBER} |few |couple of )?(?P<unit>{_UNIT})"
_NEAR = r"\b(?:right |just )?(?:at|near|towards?|by|close to|around) the (?:very )?"

_SUBJECT = r"(?:an?|the|he|she|it|they|we|there|some(?:one|body)|two|three|four)"

_PATTERNS: tuple[tuple[str, Reader], ...] = (
    (rf"\bafter the (?:first|opening) {_SOME}\b{_OF_NOTHING_ELSE}", _after_start),
    (rf"{_IN}(?:first|opening|initial) {_SOME}\b{_OF_NOTHING_ELSE}", _from_start),
    (rf"{_IN}(?:last|final|closing) {_SOME}\b{_OF_NOTHING_ELSE}", _from_end),
    (rf"^(?:the )?(?:first|opening|initial) {_SOME}(?:{_OF_VIDEO}|\s*[?.!]*$)", _from_start),
    (rf"^(?:the )?(?:last|final|closing) {_SOME}(?:{_OF_VIDEO}|\s*[?.!]*$)", _from_end),
    (rf"\b(?:in|during) the (?P<half>first|second) half{_OF_VIDEO}", _half),
    (rf"\bbetween (?P<start>{_INSTANT}) and (?P<end>{_INSTANT})", _between),
    (rf"\bfrom (?P<start>{_INSTANT}) (?:to|until|till) (?P<end>{_INSTANT})", _between),
    (rf"\b(?P<side>after|before|until) (?:the )?(?P<at>{_CLOCK}){_DONE}", _side_of),
    (rf"(?:^|(?<=\s))(?:at|around|about|near) (?:about |around |roughly |time )?(?P<at>{_CLOCK})", _at),
    (rf"\b(?:at|around|in|during) (?P<at>minute \d+|second \d+){_OF_NOTHING_ELSE}", _at),
    (rf"\bat (?:the )?(?P<at>\d+ {_UNIT})(?: mark)?{_OF_NOTHING_ELSE}{_DONE}", _at),
    (
        rf"(?:{_NEAR}|\b(?:in|at) the (?:very )?)(?P<where>end|ending|close|beginning|start|opening|middle){_OF_VIDEO}",
        _vague,
    ),
    (rf"{_NEAR}(?P<where>end|ending|beginning|start|middle){_DONE}", _vague),
    (rf"^(?:at|near|towards?) the (?:very )?(?P<where>end|ending|beginning|start)(?=,| {_SUBJECT}\b)", _vague),
    (rf"\b(?:about )?(?P<where>halfway)(?: through)?(?:{_OF_VIDEO}| the {_VIDEO}|{_DONE})", _vague),
)
_READERS = tuple((re.compile(pattern, re.IGNORECASE), read) for pattern, read in _PATTERNS)
"""In this order: the first that fits is taken, so that "after the first minute" is not "in the first minute"."""
