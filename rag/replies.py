"""Replies of language models: the JSON object inside a text, whatever stands around it.

It does not know what a reply must hold.
"""

from __future__ import annotations


def find_object(text: str) -> str:
    """Return what stands from the first opening to the last closing brace; empty where there are none.

    No pattern: one that starts anew at every brace takes seconds for a model that repeats them.

    >>> find_object('Sure: {"speech": "a"} Ask me more.'), find_object("}{"), find_object("no idea")
    ('{"speech": "a"}', '', '')
    """
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else ""
