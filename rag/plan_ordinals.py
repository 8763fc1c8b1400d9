"""Which time of several a query asks for: "the second time …", "the last mention of …", "when is … shown again".

Careful rather than complete: "the last supper", "third time lucky", "the second time step", "at last" and "never seen
again" ask for none, and "twice" may be one moment or two, so it stays a word. It does not know what a time is
(``rag/occurrences.py`` does).
"""

from __future__ import annotations

import re

from rag.numerals import ORDINAL, read_ordinal

AGAIN = 2
""""When is the logo shown again" asks for the time after the first."""

_FROM_THE_END = {"last": -1, "final": -1, "penultimate": -2}
_NEXT_TO_LAST = r"(?:second|next)[- ]to[- ]last|second[- ]last"
_WHICH = rf"(?P<which>{_NEXT_TO_LAST}|{'|'.join(_FROM_THE_END)}|{ORDINAL})"
_NOUNS_OF_TIME = (
    "step slot zone derivative dimension series period frame scale unit point window interval constant buyer"
)
_OTHERWISE = rf"['’-]| (?:in|for|since|around|lucky)\b| (?:{_NOUNS_OF_TIME.replace(' ', '|')})s?\b"
_OF_WHAT = rf"\b(?: that| when| where)?\b(?!{_OTHERWISE})"
_SUBJECT = (
    r"(?= (?:an?|the|this|that|these|those|his|her|its|their|our|he|she|it|they|we|you|some(?:one|body))\b"
    r"| (?-i:[A-Z])| [\"“«])"
)
_NOT_ASKED_SO = r"(?!.*(?:\b(?:never|not|no|nobody|nothing|ever|hardly|rarely|nor)\b|n['’]t\b))"
_PERCEIVED = "seen|shown|said|heard|mentioned|written|displayed|visible|spoken"
_ANEW = r"(?P<again>once more|(?:once )?again)(?=\s*\??$)"

_ORDERED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<cut>\b(?:for )?the (?:very )?{_WHICH} time{_OF_WHAT})",
        rf"(?P<cut>^{_WHICH} time\b(?: that| when| where)?){_SUBJECT}",
        rf"(?P<cut>\b(?:for )?an? (?!first\b){_WHICH} time)(?=\s*\??$)",
        rf"(?P<cut>\b(?:the )?{_WHICH} (?:appearance|mention|occurrence) of\b)",
        r"(?P<cut>\b(?P<which>first|last)) (?:appears?|mentions?|mentioned|says|said|shown|heard)\b",
        r"\b(?:seen|shown|said|named|heard|mentioned|appears?) (?P<cut>(?P<which>first|last))(?=\s*\??$)",
        # "What is his name again?" wants to be reminded, "who is seen again" names nobody.
        rf"^(?!(?:what|who|whom|which|how|why)\b){_NOT_ASKED_SO}.+ (?:{_PERCEIVED}|appears?) (?P<cut>{_ANEW})",
        rf"^(?:when|where) (?:do|does|did) {_NOT_ASKED_SO}.+ (?:say|mention|show|see|hear|appear) .*?(?P<cut>{_ANEW})",
    )
)
"""Only what speaks of times; the group ``cut`` describes nothing."""


_SHOWN = re.compile(rf"(?<=\w) (?:(?:is|are|was|were) (?:{_PERCEIVED})|appears?)$", re.IGNORECASE)
""""The first time a lamp is shown" looks for a lamp."""


def find_ordinal(text: str) -> tuple[int, str] | None:
    """Return which time is asked for (1 the first, -1 the last) and the text without its words; None if none is.

    >>> find_ordinal("the first time the dog jumps"), find_ordinal("the last supper")
    ((1, 'the dog jumps'), None)
    >>> find_ordinal("the penultimate mention of Anna"), find_ordinal("when is the logo shown again?")
    ((-2, 'Anna'), (2, 'when is the logo shown?'))
    """
    for pattern in _ORDERED:
        match = pattern.search(text)
        if match:
            rest = text[: match.start("cut")] + text[match.end("cut") :]
            return _read_which(match), _SHOWN.sub("", re.sub(r"\s+(?=[?!.,]|$)", "", " ".join(rest.split())))
    return None


def _read_which(match: re.Match[str]) -> int:
    found = match.groupdict()
    if found.get("again"):
        return AGAIN
    which = found["which"].casefold()
    return -2 if re.fullmatch(_NEXT_TO_LAST, which) else _FROM_THE_END.get(which) or read_ordinal(which)
