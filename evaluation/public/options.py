"""The options of multiple-choice questions: their labels, the right one, and which one a free answer means.

It does not know any set, nor who answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from core.protocols import TextEncoder

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_MARKER = re.compile(r"\s*\[\d{1,3}\]")
_OPTION_LINE = re.compile(r"\s*\n\s*\(([A-Z])\)\s*")
_LETTER_ALONE = re.compile(r"\W*([A-Za-z])\W*")
_LETTER_FIRST = re.compile(r"\s*(?:\(([A-Z])\)|([A-Z])[.):])(?=\s|$)")
_LETTER_NAMED = re.compile(r"\b(?:answer|option|choice)\s*(?:is|:)?\s*\(?([A-Z])\b(?![’'])", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


class MatchedBy(StrEnum):
    """How an answer was matched to an option."""

    LETTER = "letter"
    WORDS = "words"
    MEANING = "meaning"


@dataclass(frozen=True, slots=True)
class Choice:
    """The option an answer means, by its index."""

    option: int
    matched_by: MatchedBy


def strip_labels(options: Sequence[str]) -> tuple[str, ...]:
    """Return the options without the letters they are labelled with, where each has its own.

    >>> strip_labels(["A. Snow", "(B) Rain", "C) Sun", "D"])
    ('Snow', 'Rain', 'Sun', 'D')
    """
    return tuple(
        re.sub(rf"^\s*\(?{letter}\s*[.):]\s+", "", option).strip()
        for letter, option in zip(LETTERS, options, strict=False)
    )


def split_question(text: str) -> tuple[str, tuple[str, ...]]:
    r"""Return a question and the options that stand below it as ``(A) …`` lines; () if none do.

    >>> split_question("What falls?\n(A) Snow\n(B) Rain")
    ('What falls?', ('Snow', 'Rain'))

    Raises:
        ValueError: the letters are not A, B, C … in order.
    """
    question, *rest = _OPTION_LINE.split(text)
    letters, options = rest[::2], rest[1::2]
    if letters != list(LETTERS[: len(letters)]):
        raise ValueError(f"the options are labelled {', '.join(letters)} instead of A, B, C …")
    return question.strip(), tuple(option.strip() for option in options)


def index_of_letter(letter: str, n_options: int) -> int:
    """Return the index of an option by its letter, alone, with a full stop or in brackets.

    >>> index_of_letter(" (C)", 4)
    2

    Raises:
        ValueError: it is not one of the first ``n_options`` letters.
    """
    match = _LETTER_ALONE.fullmatch(letter)
    index = LETTERS.index(match.group(1).upper()) if match else n_options
    if index >= n_options:
        raise ValueError(f"the answer {letter!r} is not one of the letters A–{LETTERS[n_options - 1]}")
    return index


def index_of_text(text: str, options: Sequence[str]) -> int:
    """Return the index of the option that has this text; the first, if several have.

    >>> index_of_text("yellow ", ["Red", "Yellow"])
    1

    Raises:
        ValueError: none has.
    """
    wanted = _plain(text)
    for index, option in enumerate(options):
        if _plain(option) == wanted:
            return index
    raise ValueError(f"the answer {text!r} is not one of the options")


def match_option(answer: str, options: Sequence[str], encoder: TextEncoder) -> Choice | None:
    """Return the option that an answer means: by its letter, by its words, else the nearest one in meaning.

    None for an empty answer. Words decide if exactly one option stands in the answer, options inside others apart.
    """
    said = _MARKER.sub("", answer).strip()
    if not said or not options:
        return None
    by_letter = _find_letter(said, len(options))
    if by_letter is not None:
        return Choice(by_letter, MatchedBy.LETTER)
    by_words = _find_words(said, options)
    if by_words is not None:
        return Choice(by_words, MatchedBy.WORDS)
    pieces = list(dict.fromkeys([said, *(piece for piece in _SENTENCE_END.split(said) if piece.strip())]))
    cosines = encoder.embed_passages(pieces) @ encoder.embed_passages(list(options)).T
    return Choice(int(np.argmax(cosines.max(axis=0))), MatchedBy.MEANING)


def _find_letter(said: str, n_options: int) -> int | None:
    """Return the option whose letter the answer gives; "A" before a word is an article, not a letter."""
    first = _LETTER_FIRST.match(said)
    named = _LETTER_NAMED.findall(said)
    letter = next((group for group in first.groups() if group), "") if first else ""
    if not letter and len(said) <= 3 and (alone := _LETTER_ALONE.fullmatch(said)):
        letter = alone.group(1)
    if not letter and len({name.upper() for name in named if name.isupper()}) == 1:
        letter = next(name for name in named if name.isupper())
    index = LETTERS.find(letter.upper()) if letter else -1
    return index if 0 <= index < n_options else None


def _find_words(said: str, options: Sequence[str]) -> int | None:
    """Return the one option whose words stand in the answer, the longest if others are parts of it."""
    text = f" {_plain(said)} "
    plain = [_plain(option) for option in options]
    found = [index for index, option in enumerate(plain) if option and f" {option} " in text]
    longest = [
        index
        for index in found
        if not any(
            other != index and f" {plain[index]} " in f" {plain[other]} " and plain[other] != plain[index]
            for other in found
        )
    ]
    return longest[0] if len({plain[index] for index in longest}) == 1 else None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
