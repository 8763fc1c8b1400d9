"""Reads the JSON subtitles of LongVideoBench as cues of the video that they belong to.

It does not know what is made of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from core.records import Span
from core.signals import SubtitleCue
from evaluation.public.reading import PublishedRow, parse_rows, read_rows, seconds_of

LAST_CUE_S = 5.0
"""How long a cue without an end is shown, unless the video ends before."""


class _Line(PublishedRow):
    """Either ``{"timestamp": [start, end], "text": …}`` in seconds, or ``{"start": "HH:MM:SS.mmm", "end", "line"}``."""

    start_s: float = Field(ge=0)
    end_s: float | None = None
    text: str

    @model_validator(mode="before")
    @classmethod
    def _join_forms(cls, data: Any) -> Any:
        if isinstance(data, dict) and "timestamp" in data:
            start_s, end_s = data["timestamp"]
            return {"start_s": start_s, "end_s": end_s, "text": data.get("text")}
        if isinstance(data, dict) and "line" in data:
            return {"start_s": seconds_of(data["start"]), "end_s": seconds_of(data["end"]), "text": data["line"]}
        return data


def read_cues(path: Path, *, offset_s: float, duration_s: float | None) -> list[SubtitleCue]:
    """Return the cues that fall into the video.

    Subtitles are those of the whole film, of which the video is a piece that starts at ``offset_s``.

    Raises:
        BadInput: the file has another form.
    """
    cues = []
    for _place, line in parse_rows(read_rows(path), _Line):
        start_s = line.start_s - offset_s
        end_s = line.end_s - offset_s if line.end_s is not None else start_s + LAST_CUE_S
        if duration_s is not None:
            end_s = min(end_s, duration_s)
        if end_s > max(0.0, start_s) and line.text.strip():
            cues.append(SubtitleCue(Span(max(0.0, start_s), end_s), line.text.strip()))
    return cues
