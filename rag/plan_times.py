"""Places in a video that a query names: "in the first minute", "at 3:20", "after 2 minutes", "near the end".

Careful rather than complete: "at the end of a street" is a place in the world, "in the end" an idiom, "the last supper"
a picture. It does not know how long any video is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from core.plans import Instant, Relation, TimeWindow
from rag.numerals import NUMBER, ORDINAL, read_number, read_ordinal
from rag.plan_instants import (
    CLOCK,
    INSTANT,
    LENGTH,
    NUMBERED,
    SEVERAL,
    UNIT,
    finest_unit_s,
    read_instant_s,
    unit_s,
)

AROUND_S = 5.0
"""How far around "at 3:20" still counts: people read a clock when what they saw has begun."""

AROUND_SHARE = 0.1
"""How far around "half an hour in" still counts, of its length: hours are told of what is minutes away."""

VAGUE_SHARE, VAGUE_S = 0.15, 10.0
"""How much of a video its "beginning" and "end" are: of ten seconds all, of an hour ten minutes."""

EARLY_SHARE = 1 / 3
"""How much of a video is "early" or "late" in it: less exact than its beginning."""

_VIDEO = r"(?:video|film|movie|clip|recording|footage|episode|audio|lecture|talk|presentation|podcast)"
_THE_VIDEO = rf"(?:the|this|that|each|every) {_VIDEO}\b"
_OF_VIDEO = rf"(?: (?:of|in|into) {_THE_VIDEO})"
_DONE = r"(?=\s*[.?!,;]|\s*$)"
_LAST = r"(?=\s*[?.!]*$)"
_OF_NOTHING_ELSE = rf"(?:{_OF_VIDEO}|(?! (?:of|for|in|at|after|before|since)\b))"
_OR_DONE = rf"(?:{_OF_VIDEO}|{_DONE})"
_OR_LAST = rf"(?:{_OF_VIDEO}|{_LAST})"


def _unless_after(words: str) -> str:
    return "".join(rf"(?<!\b{word} )" for word in words.split())


_NOT_LASTING = _unless_after(
    "for take takes took taking last lasts lasted lasting wait waits waited put puts spend spends spent"
)
_NOT_APART = _unless_after("second seconds minute minutes hour hours half quarter quarters")
_NOT_UP_TO = _unless_after("the first final until till to from since than least every at about around roughly nearly")
"""What precedes no place: "takes between 3 and 5 minutes" is a length, "a minute before 3:20" another instant, and "at
least five minutes in" no instant."""

_IN_TIME = "happen happens happened happening say says said spoken heard mentioned discussed"
_HAPPENING = "|".join(["^", *(rf"(?<=\b{word} )" for word in _IN_TIME.split())])
"""What precedes "in the middle" of a video rather than of a picture, and "in the end" where it is no idiom."""

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


def _from_start(match: re.Match[str]) -> TimeWindow:
    return TimeWindow(Instant(), Instant(offset_s=_length_s(match)), match.group().strip(), is_strict=True)


def _from_end(match: re.Match[str]) -> TimeWindow:
    return TimeWindow(Instant(1.0, -_length_s(match)), Instant(1.0), match.group().strip(), is_strict=True)


def _length_s(match: re.Match[str]) -> float:
    return read_instant_s(match["length"])


def _nth_minute(match: re.Match[str]) -> TimeWindow | None:
    """Not strict: a match counts its minutes, too."""
    end_s = 60.0 * read_ordinal(match["nth"])
    return _stretch(match, max(0.0, end_s - 60.0), end_s)


def _part(match: re.Match[str]) -> TimeWindow | None:
    n_parts = {"half": 2, "third": 3, "quarter": 4}[match["part"].casefold()]
    number = {"first": 1, "second": 2, "third": 3, "last": n_parts, "final": n_parts}.get(match["nth"].casefold(), 2)
    if number > n_parts or (match["nth"].casefold() == "middle" and n_parts != 3):
        return None
    words = match.group().strip()
    is_strict = re.search(rf"{_VIDEO}$", words, re.IGNORECASE) is not None
    return TimeWindow(Instant((number - 1) / n_parts), Instant(number / n_parts), words, is_strict)


def _beside(read: Reader) -> Reader:
    """Return the reader of what comes before or after the place that another reader reads."""

    def read_side(match: re.Match[str]) -> TimeWindow | None:
        place = read(match)
        relation = Relation.AFTER if match["side"].casefold() == "after" else Relation.BEFORE
        return place.beside(relation, match.group().strip()) if place else None

    return read_side


def _between(match: re.Match[str]) -> TimeWindow | None:
    return _stretch(match, read_instant_s(match["start"]), read_instant_s(match["end"]))


def _between_units(match: re.Match[str]) -> TimeWindow | None:
    one_s = unit_s(match["unit"])
    return _stretch(match, read_number(match["start"]) * one_s, read_number(match["end"]) * one_s)


def _stretch(match: re.Match[str], start_s: float, end_s: float) -> TimeWindow | None:
    if end_s <= start_s:
        return None
    return TimeWindow(Instant(offset_s=start_s), Instant(offset_s=end_s), match.group().strip(), is_strict=False)


def _at(match: re.Match[str]) -> TimeWindow:
    at_s, (before_s, after_s) = read_instant_s(match["at"]), _around_s(match["at"])
    start, end = Instant(offset_s=max(0.0, at_s - before_s)), Instant(offset_s=at_s + after_s)
    return TimeWindow(start, end, match.group().strip(), is_strict=False, named=Instant(offset_s=at_s))


def _before_end(match: re.Match[str]) -> TimeWindow:
    """The mirror image: "five minutes before the end" is what has five minutes and some seconds to go."""
    at_s, (before_s, after_s) = read_instant_s(match["at"]), _around_s(match["at"])
    start, end = Instant(1.0, -at_s - after_s), Instant(1.0, min(0.0, before_s - at_s))
    return TimeWindow(start, end, match.group().strip(), is_strict=False, named=Instant(1.0, -at_s))


def _around_s(named: str) -> tuple[float, float]:
    """Return the seconds before and after a named instant that it may mean; a minute lasts until the next one."""
    unit = finest_unit_s(named)
    if unit > 60.0:
        around_s = AROUND_SHARE * read_instant_s(named)
        return around_s, around_s
    return AROUND_S, unit if unit > 1.0 else AROUND_S


def _strictly_beside(match: re.Match[str]) -> TimeWindow | None:
    at, words = Instant(offset_s=read_instant_s(match["at"])), match.group().strip()
    relation = Relation.BEFORE if match["side"].casefold() in ("before", "until", "till") else Relation.AFTER
    return TimeWindow(at, at, words, is_strict=True).beside(relation, words)


def _later(match: re.Match[str]) -> TimeWindow | None:
    """Not strict: a cake that is done after ten minutes may be so at any place of the video."""
    at = Instant(offset_s=read_instant_s(match["at"]))
    return TimeWindow(at, Instant(1.0), match.group().strip(), is_strict=False)


def _vague(match: re.Match[str]) -> TimeWindow:
    words, where = match.group().strip(), match["where"].casefold()
    share = EARLY_SHARE if where in ("early", "late") else VAGUE_SHARE
    if where in ("end", "ending", "close", "late"):
        return TimeWindow(Instant(1.0 - share, -VAGUE_S), Instant(1.0), words, is_strict=False)
    if where in ("middle", "midpoint") or where.startswith("half"):
        half = VAGUE_SHARE / 2
        return TimeWindow(Instant(0.5 - half, -VAGUE_S), Instant(0.5 + half, VAGUE_S), words, is_strict=False)
    return TimeWindow(Instant(), Instant(share, VAGUE_S), words, is_strict=False)


_IN = r"\b(?:in|within|during|from|over) the (?:very )?"
_SIDE = rf"{_NOT_APART}\b(?P<side>after|before) the (?:very )?"
_ALONE = r"^(?:the )?(?:very )?"
_NEAR = r"\b(?:right |just )?(?:at|near|towards?|by|close to|around) the (?:very )?"
_ABOUT = r"(?:^|(?<=\s))(?:at|around|about|near) (?:about |around |roughly |time )?"
_SOON = r"\b(?:right|just|immediately|directly|shortly|soon)"
_TO = r"(?: (?:and|to|until|till) | ?[-–—] ?)"
_PERSON = r"(?:I|he|she|they|we|you)"
_SUBJECT = rf"(?:an?|the|his|her|its|their|my|our|your|{_PERSON}|it|there|some(?:one|body)|two|three|four)"
_THEN = rf"(?=,? {_SUBJECT}\b)"

_SOME = rf"(?!\S*-{UNIT}\b)(?P<length>{LENGTH}|{SEVERAL})"
_DISTANCE = rf"{_NOT_LASTING}{_NOT_UP_TO}\b(?:at )?(?:(?:about|around|roughly|nearly) )?(?P<at>{LENGTH})"
_STRETCHES: tuple[tuple[str, Reader], ...] = (
    (rf"(?:first|opening|initial) {_SOME}", _from_start),
    (rf"(?:last|final|closing) {_SOME}", _from_end),
    (rf"(?P<nth>{ORDINAL}) minute\b", _nth_minute),
)
_PART = r"(?P<nth>first|second|middle|third|last|final) (?P<part>half|third|quarter)"

_PATTERNS: tuple[tuple[str, Reader], ...] = (
    *((rf"{_SIDE}{words}{_OF_NOTHING_ELSE}", _beside(read)) for words, read in _STRETCHES),
    *((rf"{_IN}{words}{_OF_NOTHING_ELSE}", read) for words, read in _STRETCHES),
    *((rf"{_ALONE}{words}{_OR_LAST}", read) for words, read in _STRETCHES),
    (rf"{_SIDE}{_PART}{_OF_VIDEO}", _beside(_part)),
    (rf"{_IN}{_PART}{_OR_LAST}", _part),
    (rf"{_ALONE}{_PART}{_OF_VIDEO}{_DONE}", _part),
    (rf"{_NOT_LASTING}\bbetween (?P<start>{INSTANT}) and (?P<end>{INSTANT})", _between),
    (rf"{_NOT_LASTING}\bfrom (?P<start>{INSTANT}) (?:to|until|till) (?P<end>{INSTANT})", _between),
    (rf"^(?P<start>{CLOCK}){_TO}(?P<end>{CLOCK}){_LAST}", _between),
    (
        rf"\b(?:(?:between|from|in|during) )?(?P<unit>minute)s? (?P<start>{NUMBER}){_TO}(?P<end>{NUMBER})\b"
        rf"{_OF_NOTHING_ELSE}",
        _between_units,
    ),
    (
        rf"{_NOT_LASTING}\b(?:between|from) (?P<start>{NUMBER}) (?:and|to) (?P<end>{NUMBER}) (?P<unit>{UNIT})"
        rf"{_OR_DONE}",
        _between_units,
    ),
    (
        rf"{_NOT_APART}\b(?P<side>after|before|until|till|since) (?:the )?(?P<at>{CLOCK}|{NUMBERED}){_OR_DONE}",
        _strictly_beside,
    ),
    (
        rf"{_NOT_APART}\b(?P<side>after|before|until|till|since) the (?P<at>{CLOCK}|{LENGTH}) mark{_OR_DONE}",
        _strictly_beside,
    ),
    (rf"\b(?P<side>from) (?P<at>{INSTANT}) on(?:wards?)?{_OR_DONE}", _strictly_beside),
    (rf"\bafter (?P<at>{LENGTH}){_OR_DONE}", _later),
    (rf"^after (?P<at>{LENGTH}){_THEN}", _later),
    (rf"{_ABOUT}(?:the )?(?P<at>{CLOCK}|{LENGTH}) mark\b", _at),
    (rf"{_ABOUT}(?P<at>{CLOCK})", _at),
    (rf"\b(?:at|around|in|during) (?P<at>{NUMBERED}){_OF_NOTHING_ELSE}", _at),
    (rf"\bat (?:the )?(?P<at>{LENGTH}){_OF_NOTHING_ELSE}{_DONE}", _at),
    (rf"{_DISTANCE} (?:into {_THE_VIDEO}|(?:in|into it){_DONE})", _at),
    (rf"^{_DISTANCE} (?:in(?= {_PERSON}\b)|into it{_THEN})", _at),
    (rf"{_DISTANCE} (?:before|from) the (?:very )?end{_OR_DONE}", _before_end),
    (rf"^{_DISTANCE} (?:before|from) the (?:very )?end{_THEN}", _before_end),
    (rf"^(?P<at>{CLOCK}|{NUMBERED}){_OR_LAST}", _at),
    (rf"{_SIDE}(?P<where>middle){_OF_VIDEO}", _beside(_vague)),
    (
        rf"(?:{_NEAR}|\b(?:in|at) the (?:very )?)(?P<where>end|ending|close|beginning|start|opening|middle){_OF_VIDEO}",
        _vague,
    ),
    (rf"{_NEAR}(?P<where>end|ending|beginning|start|middle){_DONE}", _vague),
    (rf"^(?:at|near|towards?) the (?:very )?(?P<where>end|ending|beginning|start)(?:{_DONE}|{_THEN})", _vague),
    (rf"{_SOON} before the (?:very )?(?P<where>end){_OR_DONE}", _vague),
    (rf"{_SOON} after the (?:very )?(?P<where>beginning|start){_OR_DONE}", _vague),
    (rf"\b(?:about )?(?P<where>halfway)(?: through)?(?:{_OF_VIDEO}| the {_VIDEO}|{_DONE})", _vague),
    (rf"\b(?:very )?(?P<where>early|late)(?: on)?{_OF_VIDEO}", _vague),
    (rf"(?:{_HAPPENING})in the (?:very )?(?P<where>beginning|middle|end){_LAST}", _vague),
)
_READERS = tuple((re.compile(pattern, re.IGNORECASE), read) for pattern, read in _PATTERNS)
"""In this order: the first that fits is taken, so that "after the first minute" is not "in the first minute"."""
