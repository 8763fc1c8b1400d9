"""A fake media reader: what a file "holds" is written in it as text, so that tests need no codec.

It does not know any container; ``video 90`` is a video of 90 s, ``audio 5`` is sound, anything else is refused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.errors import BadInput
from core.records import Span
from core.signals import DecodedPart, FloatArray, MediaInfo, SubtitleCue


class FakeMediaReader:
    """Implements ``core.protocols.MediaReader`` over text files."""

    def probe(self, path: Path) -> MediaInfo:
        with path.open("rb") as file:
            kind, _, rest = file.read(100).partition(b" ")
        if kind not in (b"video", b"audio"):
            raise BadInput("the file is not media", remedy="Upload a video or audio file.")
        return MediaInfo(float(rest.split()[0]), (640, 360) if kind == b"video" else None, has_audio=True)

    def decode_part(self, path: Path, span: Span) -> DecodedPart:
        return DecodedPart(np.zeros(0), np.zeros((0, 27, 48, 3), np.uint8), ())

    def read_audio(self, path: Path, span: Span) -> FloatArray:
        return np.zeros(0, np.float32)

    def read_subtitles(self, path: Path) -> tuple[SubtitleCue, ...]:
        return (SubtitleCue(Span(0, 1), "Hello"),) if b"-->" in path.read_bytes() else ()
