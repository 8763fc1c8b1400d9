"""Reads subtitle cues: the first text stream inside a media file, or a .srt or .vtt file of its own; markup is dropped.

Runs only in the decoding child. It does not know whether the cues tell the truth about what is said.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import av.error
from av.stream import Discard
from av.subtitles.stream import SubtitleStream

from adapters.media_open import OpenMedia, open_media, read_packets

MAX_FILE_BYTES = 16 * 2**20
"""A day of dense subtitles is a tenth of this."""
TEXT_CODECS = {"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text", "ttml"}
"""Other subtitle streams hold pictures."""
HEAD_BYTES = 1000
"""A subtitle file shows its first timing this early, whatever it is called."""
Cue = tuple[float, float, str]

_TIMING = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s*-->\s*(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})")
_MARKUP = re.compile(r"<[^<>]*>|\{[^{}]*\}")


def read_cues(path: Path) -> list[Cue]:
    """Return (start_s, end_s, text) in time order; [] if there are none."""
    with path.open("rb") as file:
        text = _decode_text(file.read(HEAD_BYTES))
        if path.suffix.lower() in (".srt", ".vtt") or _TIMING.search(text):
            file.seek(0)
            return parse_cues(_decode_text(file.read(MAX_FILE_BYTES)))
    media = open_media(path, n_threads=1)
    with media.container:
        streams = (s for s in media.container.streams.subtitles if s.codec_context)
        first = next((stream for stream in streams if stream.codec_context.name in TEXT_CODECS), None)
        return _read_stream(media, first) if first is not None else []


def parse_cues(text: str) -> list[Cue]:
    r"""Return the cues of SubRip or WebVTT text, in time order.

    >>> parse_cues("1\n00:00:01,500 --> 00:00:03,000\n<i>Good</i> morning,\nParis\n\n")
    [(1.5, 3.0, 'Good morning, Paris')]
    >>> parse_cues("WEBVTT\n\n00:02.000 --> 00:04.000 align:start\n<v Ann>Tom &amp; me")
    [(2.0, 4.0, 'Tom & me')]
    """
    cues: list[Cue] = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        match = _TIMING.search(block)
        if match is None:
            continue
        start_s, end_s = _seconds(*match.groups()[:4]), _seconds(*match.groups()[4:])
        lines = block[match.end() :].split("\n")[1:]
        if (said := plain_text(" ".join(lines))) and end_s > start_s:
            cues.append((start_s, end_s, said))
    return sorted(cues)


def plain_text(marked_up: str) -> str:
    r"""Return a cue's text without tags, ASS overrides and line breaks.

    >>> plain_text(r"{\an8}<b>Bell</b>\Nrings")
    'Bell rings'
    """
    text = _MARKUP.sub("", marked_up).replace("\\N", " ").replace("\\n", " ").replace("\\h", " ")
    return " ".join(html.unescape(text).split())


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(f"{seconds}.{fraction}")


def _decode_text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _read_stream(media: OpenMedia, stream: SubtitleStream) -> list[Cue]:
    stream.discard = Discard.default
    cues: list[Cue] = []
    for packet in read_packets(media.container, stream):
        if packet is None or packet.pts is None or not packet.size:
            continue
        try:
            decoded = stream.decode2(packet)
        except av.error.FFmpegError:
            continue
        start_s = max(0.0, float(packet.pts * packet.time_base) - media.origin_s)
        end_s = start_s + float((packet.duration or 0) * packet.time_base)
        texts = [rect.dialogue.decode("utf-8", "replace") for rect in decoded or () if hasattr(rect, "dialogue")]
        if (said := plain_text(" ".join(texts))) and end_s > start_s:
            cues.append((start_s, end_s, said))
    return sorted(cues)
