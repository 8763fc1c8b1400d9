"""A fake screen reader: the text it "reads" is hidden in the first row of pixels (see ``picture_with``)."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from core.signals import ImageArray, TextBox

MARK = 77


class FakeScreenReader:
    """Implements ``core.protocols.ScreenReader`` over pictures made by ``picture_with``."""

    name = "fake reader 1"

    def read_text(self, picture: ImageArray) -> list[TextBox]:
        row = picture[0, :, 0]
        if row[0] != MARK:
            return []
        hidden = json.loads(bytes(row[1:]).rstrip(b"\0"))
        return [
            TextBox(text, confidence, (left, top, right, bottom))
            for text, confidence, left, top, right, bottom in hidden
        ]


def line(text: str, *, left: float = 0.1, top: float = 0.1, confidence: float = 0.95) -> TextBox:
    return TextBox(text, confidence, (left, top, min(1.0, left + 0.5), min(1.0, top + 0.08)))


def picture_with(lines: Sequence[TextBox]) -> ImageArray:
    """Return a black picture that the fake reads as the lines, in that order."""
    picture = np.zeros((180, 8192, 3), np.uint8)
    hidden = json.dumps([[box.text, box.confidence, *box.box] for box in lines]).encode()
    picture[0, 0] = MARK
    picture[0, 1 : len(hidden) + 1, 0] = list(hidden)
    return picture
