"""The words of what a video is called: its title and its file name.

It does not know which words mean something, nor where titles are kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath

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
    wanted, held = set(words), set(split_words(text))
    return bool(wanted) and all(word in held or _stands_in_a_run(word, held) for word in wanted)


def names_of(title: str, filename: str) -> tuple[str, str]:
    """Return what a video is called: its title, and its file name without the extension.

    >>> names_of("The Light", "heron_point.final.mp4")
    ('The Light', 'heron_point.final')
    """
    return title, PurePath(filename).stem


def _stands_in_a_run(word: str, held: Iterable[str]) -> bool:
    return RUN.fullmatch(word) is not None and any(word in run for run in held)
