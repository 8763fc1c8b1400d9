"""Ways to find pictures by their kind and by the faces in them, tried on top of the way in use and dropped.

A cue is told in words and mixed in as colours are, or is a bonus for queries that name it. It does not know segments,
videos or which picture is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from adapters.concepts import COLOUR_WEIGHT, unit_rows
from benchmarks.picture_kinds import KINDS
from benchmarks.seeing_ways import Looks, Score, Way, Words, coloured, with_colours
from core.signals import FloatArray

KIND_TEXTS = {
    "black and white": "a black and white film", "drawn": "an animated cartoon", "page of text": "a page of text",
    "screen": "a screen recording of a computer", "photograph": "a photograph",
}  # fmt: skip
KIND_NAMES = {
    "black and white": r"black[- ]and[- ]white|monochrome", "drawn": r"cartoons?|animat\w+|drawings?|drawn",
    "page of text": r"pages?|documents?|slides?", "screen": r"screenshots?|screen recording|user interface|desktop",
    "photograph": r"photo(?:graph)?s?",
}  # fmt: skip

FACE_TEXTS = (
    "nobody is there", "a person", "a close-up of a face", "two people", "a group of people", "a crowd of people",
)  # fmt: skip
NUMBER_TEXTS = ("nobody", "one person", "close-up", "two people", "three people", "many people")
NOBODY, ONE, CLOSE_UP, TWO, SEVERAL, MANY = range(6)
"""Columns of both."""

CLOSE_UP_HEIGHT, GROUP, CROWD = 0.4, 3, 6
"""Share of the picture's height that a face fills in a close-up; and how many faces are a group, and a crowd."""

PERSON = (
    r"(?:(?:wo)?m[ae]n|boys?|girls?|child(?:ren)?|kids?|bab(?:y|ies)|persons?|people|lad(?:y|ies)|"
    r"(?:grand)?(?:fa|mo)thers?|faces?)"
)
NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5}

BONUS = 0.1
"""As much as colours were given when they were tried as a bonus of their own."""


def list_cue_ways(looks: Looks) -> list[Way]:
    """Return the ways that the pictures allow: those by faces only where faces were looked for."""
    kinds = [
        Way("– kinds of picture, mixed in as colours are", lambda looks, words: mixed(looks, words, kind_vectors)),
        Way("– kinds, for queries that name one", lambda looks, words: bonus(looks, words, kind_asked)),
    ]
    faces = [
        Way("– faces, mixed in as colours are", lambda looks, words: mixed(looks, words, face_vectors)),
        Way("– the same, nothing told where there are none", lambda looks, words: mixed(looks, words, seen_vectors)),
        Way("– only how many faces, likewise", lambda looks, words: mixed(looks, words, number_vectors)),
        Way("– faces, for queries that name people", lambda looks, words: bonus(looks, words, people_asked)),
        Way("– a face's size, for close-ups and portraits", lambda looks, words: bonus(looks, words, close_up_asked)),
    ]
    return kinds + (faces if looks.faces is not None else [])


def mixed(looks: Looks, words: Words, cue: Callable[[Looks, Words], FloatArray]) -> Score:
    """Move each picture's vector by what the cue says, vectors (k, d) in the space of texts."""
    moved = unit_rows(np.asarray(coloured(looks, words) + COLOUR_WEIGHT * cue(looks, words), np.float32))
    return lambda query: moved @ words.vector(query)


def bonus(looks: Looks, words: Words, asked: Callable[[Looks, str], FloatArray]) -> Score:
    """Add to the way in use how far each picture has what the query names."""
    whole = with_colours(looks, words)
    return lambda query: np.asarray(whole(query) + BONUS * asked(looks, query), np.float32)


def kind_vectors(looks: Looks, words: Words) -> FloatArray:
    return looks.kinds @ apart(words, [KIND_TEXTS[kind] for kind in KINDS])


def face_vectors(looks: Looks, words: Words) -> FloatArray:
    return told_faces(looks) @ apart(words, FACE_TEXTS)


def seen_vectors(looks: Looks, words: Words) -> FloatArray:
    told = told_faces(looks)
    told[:, NOBODY] = 0.0
    return told @ apart(words, FACE_TEXTS)


def number_vectors(looks: Looks, words: Words) -> FloatArray:
    told = told_faces(looks)
    told[:, [NOBODY, CLOSE_UP]] = 0.0
    return told @ apart(words, NUMBER_TEXTS)


def apart(words: Words, texts: Sequence[str]) -> FloatArray:
    """Return the vectors of texts, less what all have."""
    vectors = np.stack([words.vector(text) for text in texts])
    return np.asarray(vectors - vectors.mean(axis=0), np.float32)


def told_faces(looks: Looks) -> FloatArray:
    """Return how far each of the FACE_TEXTS holds for each picture, (k, 6)."""
    return np.stack([tell_faces(heights) for heights in looks.faces or ()])


def tell_faces(heights: FloatArray) -> FloatArray:
    """Return how far each of the FACE_TEXTS holds for faces of these heights: one of the numbers, and the close-up.

    >>> tell_faces(np.array([0.2, 0.1], np.float32)).tolist()
    [0.0, 0.0, 0.5, 1.0, 0.0, 0.0]
    """
    told = np.zeros(len(FACE_TEXTS), np.float32)
    n_faces = len(heights)
    told[MANY if n_faces >= CROWD else SEVERAL if n_faces >= GROUP else (NOBODY, ONE, TWO)[n_faces]] = 1.0
    told[CLOSE_UP] = closeness(heights)
    return told


def closeness(heights: FloatArray) -> float:
    return min(1.0, float(heights.max(initial=0.0)) / CLOSE_UP_HEIGHT)


def kind_asked(looks: Looks, query: str) -> FloatArray:
    """Return how far each picture is of the kinds that the query names, on average, (k,)."""
    named = [re.search(rf"\b(?:{KIND_NAMES[kind]})\b", query, re.IGNORECASE) is not None for kind in KINDS]
    return looks.kinds[:, named].mean(axis=1) if any(named) else np.zeros(len(looks.kinds), np.float32)


def close_up_asked(looks: Looks, query: str) -> FloatArray:
    """Return how large each picture's largest face is where the query asks for a close-up of people, (k,)."""
    is_asked = re.search(r"\b(?:close-?ups?|portraits?)\b", query, re.IGNORECASE) and count_people(query)
    return np.array([closeness(heights) if is_asked else 0.0 for heights in looks.faces or ()], np.float32)


def people_asked(looks: Looks, query: str) -> FloatArray:
    """Return how near the number of faces is to that of the people named, with the size for a close-up, (k,)."""
    named = count_people(query)
    n_faces = np.array([len(heights) for heights in looks.faces or ()])
    if named == 0:
        return np.zeros(len(n_faces), np.float32)
    if named in (1, CROWD):
        fits = np.minimum(n_faces / named, 1.0)
    else:
        fits = np.where(n_faces > 0, 1 / (1 + np.abs(n_faces - named)), 0.0)
    return np.asarray(fits + close_up_asked(looks, query), np.float32)


def count_people(query: str) -> int:
    """Return how many people a query names, 0 if none, CROWD for a crowd.

    >>> [count_people(query) for query in ("two women at a desk", "a man and a boy", "a red bus", "portrait of a girl")]
    [2, 2, 0, 1]
    """
    said = query.casefold()
    if re.search(r"\b(?:crowds?|audience|spectators)\b", said):
        return CROWD
    counted = re.findall(rf"\b({'|'.join(NUMBERS)}) (?:[\w-]+ )??{PERSON}\b", said)
    return max((NUMBERS[number] for number in counted), default=min(2, len(re.findall(rf"\b{PERSON}\b", said))))
