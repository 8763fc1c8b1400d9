"""Scripts that put no spaces between words, so that what a word is cannot be read off a text.

It does not know any language.
"""

from __future__ import annotations

import re

UNSPACED = "぀-ヿ㐀-䶿一-鿿豈-﫿가-힯"
"""Kana, Han and Hangul, as ranges within the brackets of a pattern. Hangul has spaces, but its words carry endings."""

RUN = re.compile(f"[{UNSPACED}]+")
"""Characters in a row between which nothing tells words apart."""

WORD_OR_RUN = re.compile(f"{RUN.pattern}|[^\\W_{UNSPACED}]+")
"""A word where there are spaces between words, else a run."""
