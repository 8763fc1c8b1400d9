"""Speech as transcripts: WebVTT, SubRip and JSON.

Pure: it does not know where evidence comes from nor how a transcript is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from core.records import Evidence, Span


class TranscriptFormat(StrEnum):
    """The formats of transcripts, by their file extensions."""

    VTT = "vtt"
    SRT = "srt"
    JSON = "json"


class Line(Protocol):
    """What is said over a span: evidence of speech, or a line of subtitles."""

    @property
    def span(self) -> Span: ...

    @property
    def text(self) -> str: ...


def write_vtt(evidence: Iterable[Evidence]) -> str:
    r"""Return the evidence as WebVTT (W3C), text escaped so that no word is taken for a tag or an arrow.

    >>> from core.records import Modality
    >>> print(write_vtt([Evidence("e", "v", 0, Span(1, 2.5), Modality.SPEECH, "a < b --> c", 1.0, "m")]))
    WEBVTT
    <BLANKLINE>
    00:00:01.000 --> 00:00:02.500
    a &lt; b --&gt; c
    <BLANKLINE>
    """
    cues = (f"{_arrow(one.span, '.')}\n{_escape(_one_line(one.text))}\n" for one in evidence)
    return "\n".join(["WEBVTT\n", *cues])


def write_srt(lines: Iterable[Line]) -> str:
    r"""Return the lines as SubRip: numbered cues, comma before the milliseconds, text as it is.

    >>> from core.signals import SubtitleCue
    >>> write_srt([SubtitleCue(Span(1.5, 3.0), "Good\nmorning")])
    '1\n00:00:01,500 --> 00:00:03,000\nGood morning\n'
    """
    cues = (
        f"{number}\n{_arrow(line.span, ',')}\n{_one_line(line.text).replace('-->', '→')}\n"
        for number, line in enumerate(lines, start=1)
    )
    return "\n".join(cues)


def write_json(evidence: Iterable[Evidence]) -> str:
    """Return the evidence as a JSON object with ``cues`` that have times, text and timed words."""
    cues = [
        {
            "start_s": one.span.start_s,
            "end_s": one.span.end_s,
            "text": one.text,
            "language": one.language,
            "words": [{"text": word.text, "start_s": word.start_s, "end_s": word.end_s} for word in one.words],
        }
        for one in evidence
    ]
    return json.dumps({"cues": cues}, ensure_ascii=False)


WRITERS: Mapping[TranscriptFormat, tuple[str, Callable[[Sequence[Evidence]], str]]] = {
    TranscriptFormat.VTT: ("text/vtt", write_vtt),
    TranscriptFormat.SRT: ("application/x-subrip", write_srt),
    TranscriptFormat.JSON: ("application/json", write_json),
}
"""Media type and writer by format."""


def _arrow(span: Span, decimal_mark: str) -> str:
    start_ms = round(span.start_s * 1000)
    end_ms = max(start_ms + 1, round(span.end_s * 1000))
    return f"{_clock(start_ms, decimal_mark)} --> {_clock(end_ms, decimal_mark)}"


def _clock(time_ms: int, decimal_mark: str) -> str:
    """Return an instant as hours, minutes, seconds.

    >>> _clock(3_723_004, ","), _clock(360_000_000, ".")
    ('01:02:03,004', '100:00:00.000')
    """
    rest_s, ms = divmod(time_ms, 1000)
    rest_min, s = divmod(rest_s, 60)
    h, m = divmod(rest_min, 60)
    return f"{h:02}:{m:02}:{s:02}{decimal_mark}{ms:03}"


def _one_line(text: str) -> str:
    """Return the text without line breaks, since an empty line would end the cue."""
    return " ".join(text.split())


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
