"""Two happenings in one query: "A then B", "B after A", "what follows A", "which comes first, A or B".

Careful rather than complete: "after party", "before a mirror", "named after" and "now and then" tell of one thing. It
does not know what the parts mean, nor how moments are put in order (``rag/order.py`` does).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.plans import Relation

MIN_BARE_WORDS = 2
"""What follows a bare "after" must be at least this much of a happening: "after dark" and "before Christ" are not."""

_SMALL_WORDS = (
    "a an the this that these those his her its their my our your he she it they we you i and or of in on at to for by "
    "with from is are was were be been do does did has have had who what where when which how all each other another "
    "one some any there here then not no me him them us video film clip scene part moment shot bit thing"
)
_ASKING_WORDS = (
    "happen happens happened happening comes come shown show shows seen see going go goes say says said heard hear "
    "spoken talk talking speak speaks about next on can right just written read reads displayed visible text screen "
    "topic topics subject segment section chapter speaker narrator presenter"
)
_SMALL = frozenset(_SMALL_WORDS.split())
_OPEN = _SMALL | frozenset(_ASKING_WORDS.split())

_A_MOMENT = r"(?<!for )(?<!at )(?:(?:a|the) (?:few )?moments?|(?:a few|some) seconds)"
_SOON = rf"(?P<soon>right|just|immediately|directly|straight|shortly|soon|{_A_MOMENT})"
_DEFINITE = re.compile(
    r"(?:the|this|that|these|those|his|her|its|their|my|our|your|he|she|it|they|we|you)\b|[\"“«]|\w+ing\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?:the|this|that|these|those)\b|[\"“«]|\w+ing\b", re.IGNORECASE)
"""How an anchor with nothing before it must begin: "before you go" is a title, "after the storm" a wish."""

MAX_BARE_WORDS = 6
_SENTENCE = re.compile(
    r"(?<!^)\b(?:is|are|was|were|has|had|will|would|did)\b"
    r"|(?<!\bof)(?<!\bin)(?<!\bon)(?<!\bat)(?<!\bto)(?<!\bby)(?<!\bfor)(?<!\band)(?<!\bwith)(?<!\bfrom)(?<!\bover)"
    r"(?<!\binto)(?<!\bunder)(?<!ing)(?<!^) (?:the|an?|his|her|their|its|he|she|they|it|we|you) ",
    re.IGNORECASE,
)
"""In an anchor with nothing before it: "after the storm the sailors were saved" tells what came after, by no comma."""

_TOLD = re.compile(
    r"\b(?:said|says?|saying|spoken|speaks?|heard|hears?|shown|shows?|seen|sees?|written|displayed|visible)\b",
    re.IGNORECASE,
)
_WORDS_OF_THE_WORLD = (
    "dark darkness dawn daybreak sunrise sunset noon midnight birth death life marriage divorce retirement war peace "
    "christmas easter christ ramadan school class college graduation work lunch dinner breakfast supper bed sleep "
    "surgery treatment pregnancy puberty today tomorrow yesterday"
)
_OF_THE_WORLD = frozenset(_WORDS_OF_THE_WORLD.split())
"""What comes before or after these in the world, not in a video: "what is said after death" asks about a belief."""

_NO_TARGET_END = re.compile(
    r"""\b(?:
        look(?:s|ed|ing)? | named | tak(?:e|es|en|ing) | r[ua]n(?:s|ning)? | chas(?:e|es|ed|ing) | go(?:es|ing)?
        | ask(?:s|ed|ing)? | stand(?:s|ing)? | kneel(?:s|ing)? | bow(?:s|ed|ing)? | appear(?:s|ed)? | pray(?:s|ing)?
        | s[ia]t(?:s|ting)? | days? | nights? | mornings? | evenings? | weeks? | months? | years? | hours? | minutes?
        | and\ a\ half | seconds? | moments? | ones? | times? | long | and | or | ever | never | soon | than | as | like
        | sought | happily | even
    )$""",
    re.IGNORECASE | re.VERBOSE,
)
"""Ends after which "after" and "before" mean a chase, a place or a stretch of time: "runs after", "the year before"."""

_IN_FRONT_OF = re.compile(
    r"(?:the|an?|his|her|their) (?:camera|lens|mirror|mast|judge|court|king|queen|altar|crowd|audience|house|door)$",
    re.IGNORECASE,
)
"""What one stands before, rather than what comes later."""

_NO_THEN = re.compile(
    r"\b(?:now and|now|and|back|since|until|till|by|just|right|even|only|from|before|what|who|so)$", re.IGNORECASE
)
_EITHER = re.compile(
    r"^(?:which|what|who)\b.*?\b(?:first|earlier|last|later|sooner)\b[,:]? (?P<target>.+?),? or (?P<anchor>.+)$",
    re.IGNORECASE,
)
_THEN = re.compile(
    r"^(?:first,? )?(?P<anchor>.+?)(?P<link>,? and then|, then| then|,? followed by|,? (?:which|that) is followed by) "
    r"(?P<target>.+)$",
    re.IGNORECASE,
)
_PRECEDED = re.compile(
    r"^(?P<target>.+?)(?P<link>,? (?:(?:which|that) is )?(?:immediately |directly )?preceded by) (?P<anchor>.+)$",
    re.IGNORECASE,
)
_LED = re.compile(rf"^(?:{_SOON} )?(?P<link>after|before) (?P<anchor>[^,]+), (?P<target>.+)$", re.IGNORECASE)
_TRAILED = re.compile(rf"^(?P<target>.*?)(?:,? ?\b{_SOON})?,? ?\b(?P<link>after|before) (?P<anchor>.+)$", re.IGNORECASE)
_FOLLOWS = re.compile(
    r"^(?P<target>(?:what|which)(?: (?:topic|subject|segment|section|chapter|part|scene|slide|shot|picture|photo))?) "
    rf"(?:{_SOON} )?(?P<link>follows|precedes) (?!from\b|is\b|are\b|was\b|were\b)(?P<anchor>.+)$",
    re.IGNORECASE,
)
"""Only stretches of a video follow each other: a dog that follows a man is one thing to see."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A query cut in two; ``target`` is empty where only what comes after or before the anchor is asked for."""

    target: str
    anchor: str
    relation: Relation
    is_close: bool = False


def split_succession(text: str) -> Parts | None:
    """Return the two happenings of a query, or None if it tells of one.

    >>> split_succession("the lamp goes out, then a bell rings")
    Parts(target='a bell rings', anchor='the lamp goes out', relation=<Relation.THEN: 'then'>, is_close=False)
    >>> split_succession("what follows the storm?")
    Parts(target='what', anchor='the storm', relation=<Relation.AFTER: 'after'>, is_close=True)
    >>> [split_succession(text) for text in ("after party", "man before a mirror", "every now and then it rains")]
    [None, None, None]
    """
    bare = text.rstrip(" ?.!")
    if re.search(r"[.?!;]\s", bare):
        # Two sentences: which part belongs to which cannot be told by small words.
        return None
    matches = (pattern.match(bare) for pattern in (_LED, _FOLLOWS, _TRAILED))
    return _either(bare) or _then(bare) or next((parts for match in matches if (parts := _side(match))), None)


def is_open(text: str) -> bool:
    """Whether a text describes nothing: it asks what there is to see or hear.

    >>> is_open("what is said"), is_open("what the man says")
    (True, False)
    """
    return not _content(text, _OPEN)


def _either(text: str) -> Parts | None:
    match = _EITHER.match(text)
    if not match or not (_content(match["target"]) and _content(match["anchor"])):
        return None
    return Parts(match["target"], match["anchor"], Relation.EITHER)


def _then(text: str) -> Parts | None:
    match = _THEN.match(text) or _PRECEDED.match(text)
    if not match or text.casefold().startswith("if "):
        return None
    anchor, target = match["anchor"].strip(" ,"), match["target"].strip(" ,")
    if _NO_THEN.search(anchor) or not (_content(anchor) and _content(target)):
        return None
    return Parts(target, anchor, Relation.THEN)


def _side(match: re.Match[str] | None) -> Parts | None:
    if not match:
        return None
    target, anchor = match["target"].strip(" ,"), match["anchor"].strip(" ,")
    n_words = len(_content(anchor))
    is_definite = bool(_DEFINITE.match(anchor))
    is_indefinite = bool(re.match(r"(?:an?|some)\b", anchor, re.IGNORECASE))
    is_happening = n_words >= 1 if is_definite else n_words >= MIN_BARE_WORDS + is_indefinite
    soon = (match["soon"] or "").casefold()
    if not is_happening and _asks_beside(target, is_soon=soon not in ("", "shortly", "soon")):
        is_happening = n_words >= 1 and not _is_of_the_world(anchor)
    if match["link"].casefold() == "before" and _IN_FRONT_OF.match(anchor):
        return None
    if not target and (not _NAMED.match(anchor) or _SENTENCE.search(anchor) or len(anchor.split()) > MAX_BARE_WORDS):
        return None
    if not is_happening or _NO_TARGET_END.search(target):
        return None
    link = match["link"].casefold()
    is_close = soon not in ("", "shortly", "soon") or (not soon and link in _RELATION_BY_VERB)
    return Parts(target, anchor, _RELATION_BY_VERB.get(link) or Relation(link), is_close)


def _asks_beside(target: str, *, is_soon: bool) -> bool:
    """Whether a target asks what is told right there in the video: one word is anchor enough then."""
    return bool(target) and is_open(target) and (is_soon or bool(_TOLD.search(target)))


def _is_of_the_world(anchor: str) -> bool:
    return any(word in _OF_THE_WORLD or word.isdigit() for word in _content(anchor))


_RELATION_BY_VERB = {"follows": Relation.AFTER, "precedes": Relation.BEFORE}


def _content(text: str, small: frozenset[str] = _SMALL) -> list[str]:
    """Return the words that describe something."""
    return [word for word in re.findall(r"[^\W_]+", text.casefold()) if word not in small] + re.findall(
        "[\ue000-\uf8ff]", text
    )
