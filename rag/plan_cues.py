"""Small words of a query that tell how to look: the sense it speaks of, what it quotes.

English only, and each cue by itself; ``rag/plan.py`` puts them together. It does not know what is searched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.records import Modality

_QUOTED = re.compile(
    r"(?<!\d)\"([^\"]+)\"|“([^“”\"]+)[”\"]|„([^„“”]+)[“”]|«\s*([^«»]+?)\s*»|(?<!\w)['‘](\w[^'‘’]*\s[^'‘’]*\w[?!.]?)['’](?!\w)"
)
"""Single quotes count only around several words: one is an apostrophe more often than not."""

_WRITTEN_ON = (
    r"(?:sign|slide|caption|subtitle|text|label|poster|banner|title|page|note|screen|placard|board|card|shirt)s?"
)
_ON_SCREEN = r"on\ (?:the\ )?screen\b"
_SPELLED = (
    r"(?:words?|letters|names?|numbers?(?!\ of)|titles?|headings?|sentences?|statements?|messages?|quotes?|writing"
    r"|read)"
)
_SHOWING = r"(?:is|are|was|were|can|be|shown|seen|displayed|visible|appears?|stands?|comes|up)"
"""A thing on screen is seen, and only what is told by letters is read there; what is asked for openly may be."""

_WRITTEN = re.compile(
    rf"""\b(?i:
        {_WRITTEN_ON}\ (?:(?:that|which)\ \w+ | says? | reads? | saying | reading)
        | written | captions? | captioned | subtitles? | headlines? | inscriptions? | logos? | watermarks? | text
        | (?:street|road|stop|shop|neon|warning|exit)\ sign | it\ says?\ on\ (?:an?|the|that|this)\ {_WRITTEN_ON}
        | {_SPELLED}(?=\ (?:.*\ )?{_ON_SCREEN}) | what(?:['’]s|(?:\ {_SHOWING})+)\ {_ON_SCREEN}
    )\b
    | \b(?i:words?)\ (?=["“«]|[A-Z]{{2}})
    | \b[A-Z]{{3,}}\ sign\b""",
    re.VERBOSE,
)
_SPOKEN = re.compile(
    r"""\b(?:
        says? | said | saying | mention(?:s|ed|ing)? | explain(?:s|ed|ing)?\ (?:that|how|why|what)
        | (?:tells?|told)\ (?:us|about|how|that) | talk(?:s|ed|ing)?\ about | sp(?:eaks?|oke|eaking)\ about
        | discuss(?:es|ed|ing)? | hears? | heard | spoken | quote[sd]?
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_SHOWN = re.compile(
    rf"""\b(?:
        (?:pictures?|photos?|photographs?|images?|shots?|close-?ups?|footage|views?|scenes?|drawings?)
          \ (?:of|showing|with|where)
        | (?:clips?|videos?)\ (?:of|showing) | (?:can\ be|is|are|was|were)\ (?:seen(?!\ again)|visible)
        | (?:which|that|video|film|clip)\ shows? | what\ .*\ looks?\ like | {_ON_SCREEN}
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)

_CARRIERS = {
    Modality.SPEECH: r"""
        (?:the\ moment\ (?:when|where)\ )?
        (?:he|she|they|some(?:one|body)|(?:the|a)\ (?:speaker|narrator|presenter|voice))
        \ (?:(?:says?|said|mentions?|explains?)(?:\ that)?|(?:talks?|speaks?)\ about|discuss(?:es)?)
        | (?i:saying(?!\ of\b)|mentioning|explaining)(?:\ that)? | (?i:talking|speaking)\ about | (?i:discussing)
    """,
    Modality.SCREEN: rf"""
        (?:the\ )?
        (?:(?:text|words?)(?=\ (?:"|[^a-z\s]{{2}})) | {_WRITTEN_ON}\ (?:(?:that|which)\ )?(?:says|reads|saying|reading))
    """,
    Modality.VISUAL: r"(?:an?\ |the\ )? (?:picture|photo|image|shot|footage|clip|video)\ (?:of|showing)",
}
_BE = r"(?:is|are|was|were|gets?|can be|could be)"
_TAILS = {
    Modality.SPEECH: rf"{_BE} (?:mentioned|said|heard|discussed|spoken of|talked about)",
    Modality.SCREEN: rf"{_BE} (?:written|displayed)",
    Modality.VISUAL: rf"(?:{_BE} (?:seen|shown|visible)(?: on screen)?|(?:(?:{_BE}|appears?) )?on screen)",
}
_TAIL_BY_SENSE = {sense: re.compile(rf"(?<=\w) {tail}$") for sense, tail in _TAILS.items()}
_CARRIER_BY_SENSE = {sense: re.compile(rf"^(?:{carrier})\ (?=\S)", re.VERBOSE) for sense, carrier in _CARRIERS.items()}
"""How a query introduces what it wants: "someone says" is not said, nor does "text" stand on the screen."""


def find_phrases(text: str) -> tuple[str, ...]:
    """Return what is quoted, as it stands between the marks.

    >>> find_phrases("the sign says “No Entry” or 'keep out now'"), find_phrases("page of Alice's and the boys' books")
    (('No Entry', 'keep out now'), ())
    """
    found = (next(group for group in match.groups() if group is not None) for match in _QUOTED.finditer(text))
    return tuple(phrase for phrase in (" ".join(item.split()) for item in found) if re.search(r"\w", phrase))


def quote_capitals(text: str) -> str:
    """Return the text with capitals in quotation marks where it says that they are what is written.

    >>> quote_capitals("the text EMERGENCY EXIT"), quote_capitals("a sign that reads NO ENTRY")
    ('the text "EMERGENCY EXIT"', 'a sign that reads "NO ENTRY"')
    >>> quote_capitals("in other words NASA"), quote_capitals("the word of GOD in a film")
    ('in other words NASA', 'the word of GOD in a film')
    """
    return _CAPITALS.sub(r'\1"\2"', text)


_CAPITALS = re.compile(
    rf"(\b(?:the (?:text|words?)|{_WRITTEN_ON} (?:(?:that|which) )?(?:says|reads|saying|reading)) )"
    r"((?=[^a-z]*[A-Z]{2})[^a-z\"“«„‘']+)$"
)


def hide_phrases(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text with each quotation as one letter of the private use area, so that no cue is read inside it.

    >>> masked, phrases = hide_phrases('the words "the end"')
    >>> (masked, phrases, reveal_phrases(masked, phrases))
    ('the words "\ue000"', ('the end',), 'the words the end')
    """
    phrases = find_phrases(text)
    held: list[str] = []

    def hide(match: re.Match[str]) -> str:
        if not re.search(r"\w", match.group()) or len(held) == len(phrases):
            return match.group()
        held.append(match.group())
        return f'"{chr(_HIDDEN + len(held) - 1)}"'

    return _QUOTED.sub(hide, text), phrases


def reveal_phrases(masked: str, phrases: Sequence[str]) -> str:
    """Return the text with its quotations back in place, without their marks."""
    for number, phrase in enumerate(phrases):
        masked = masked.replace(f'"{chr(_HIDDEN + number)}"', phrase).replace(chr(_HIDDEN + number), phrase)
    return masked


_HIDDEN = 0xE000


def find_intent(text: str) -> Modality | None:
    """Return the sense that a query speaks of: SPEECH, SCREEN, VISUAL, or None where it names none.

    >>> find_intent("someone says the office is nice"), find_intent("the sign says no entry")
    (<Modality.SPEECH: 'speech'>, <Modality.SCREEN: 'screen'>)
    >>> find_intent("a woman speaking to two women") is None
    True
    """
    rest = _WRITTEN.sub(" ", text)
    if _SPOKEN.search(rest):
        return Modality.SPEECH
    if rest != text:
        return Modality.SCREEN
    return Modality.VISUAL if _SHOWN.search(text) else None


def strip_carrier(text: str, intent: Modality | None) -> str:
    """Return the text without the words that only say by which sense it is to be found.

    >>> strip_carrier("someone explains that glass is cheap", Modality.SPEECH)
    'glass is cheap'
    >>> strip_carrier("saying goodbye", Modality.SPEECH), strip_carrier("the lamp is mentioned", Modality.SPEECH)
    ('goodbye', 'the lamp')
    >>> strip_carrier("a man says goodbye", Modality.SPEECH)
    'a man says goodbye'
    """
    if intent is None:
        return text
    stripped = _CARRIER_BY_SENSE[intent].sub("", text)
    return (
        stripped if re.match("(?:what|who|which) ", text, re.IGNORECASE) else _TAIL_BY_SENSE[intent].sub("", stripped)
    )
