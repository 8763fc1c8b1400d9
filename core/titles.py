"""The words of what a video is called: its title and its file name.

It does not know which words mean something, nor where titles are kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import PurePath

from core.records import ReasonKind, Video
from core.scripts import RUN, WORD_OR_RUN

_POSSESSIVE = re.compile(r"['’]s\b")


def split_words(text: str) -> list[str]:
    """Return the words, case folded, in order; where there are no spaces, runs of characters.

    >>> split_words("The_light-at Heron's Point (2)")
    ['the', 'light', 'at', 'heron', 'point', '2']
    """
    folded = unicodedata.normalize("NFKC", text).casefold()  # names of files on a Mac are decomposed
    return WORD_OR_RUN.findall(_POSSESSIVE.sub("", unicodedata.normalize("NFKC", folded)))


def hold_words(words: Iterable[str], text: str) -> bool:
    """Whether each of the words, as ``split_words`` gives them, is one of the text, or a part of a run without spaces.

    >>> hold_words(["heron", "point"], "Point of the Heron"), hold_words(["art"], "The party"), hold_words([], "Art")
    (True, False, False)
    >>> hold_words(["灯塔"], "灯塔的光")
    True
    """
    return _hold(set(words), set(split_words(text)))


@dataclass(frozen=True, slots=True)
class Name:
    """What a video is called by: its TITLE, or its FILE_NAME without the extension (``kind``); with its words."""

    kind: ReasonKind
    text: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class NamedVideo:
    """A video with those of its names that hold the words asked for, at least one."""

    video: Video
    names: tuple[Name, ...]


def find_names(words: Iterable[str], title: str, filename: str) -> tuple[Name, ...]:
    """Return which names of a video hold all of the words, as ``split_words`` gives them, the title first.

    >>> [name.text for name in find_names(["heron"], "The Heron", "heron_point.final.mp4")]
    ['The Heron', 'heron_point.final']
    """
    wanted, texts = set(words), {ReasonKind.TITLE: title, ReasonKind.FILE_NAME: PurePath(filename).stem}
    names = (Name(kind, text, frozenset(split_words(text))) for kind, text in texts.items())
    return tuple(name for name in names if _hold(wanted, name.words))


def _hold(wanted: Set[str], held: Set[str]) -> bool:
    return bool(wanted) and all(word in held or _stands_in_a_run(word, held) for word in wanted)


def _stands_in_a_run(word: str, held: Iterable[str]) -> bool:
    return RUN.fullmatch(word) is not None and any(word in run for run in held)
