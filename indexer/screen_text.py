"""Screen-text evidence of a part: what stands on its keyframes, told once for as long as it stands there.

It does not know the reader. Lines that appear and disappear together (a title with its bullets, a name with its
function) are one piece of evidence, since a search wants them in each other's context.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from rapidfuzz import fuzz

from core.ids import derived_id
from core.protocols import ScreenReader
from core.records import Box, Evidence, Modality, Part, Region, Span
from core.signals import ImageArray, TextBox
from indexer.regions import make_region

SAME_TEXT = 80.0
"""rapidfuzz ratio from which two readings are of one line; two readings of blurred text differ by a letter in five."""
SAME_DIGITS = 100.0
"""Texts that are mostly digits are the same only if equal: a clock or a counter runs."""
MAX_SHIFT = 0.12
"""A line keeps its identity while its box moves by less than this share of the picture from keyframe to keyframe."""
MAX_GAP_S = 3.0
"""A line missed on keyframes for less than this still stands there: a hand or a bad reading hid it."""
LINE_BREAK = "\n"
MAX_BLOCK_CHARS = 900
"""Longer pages are told in several pieces of evidence: embedding reads about 256 tokens."""

_DIGITISH = re.compile(r"^[\W\d_]*\d[\W\d_]*$")


class ScreenPicture(Protocol):
    """What is needed of a keyframe."""

    @property
    def time_s(self) -> float: ...

    @property
    def span(self) -> Span: ...

    @property
    def rgb(self) -> ImageArray: ...


@dataclass(frozen=True, slots=True)
class _Reading:
    """The lines on one keyframe, in reading order."""

    time_s: float
    span: Span
    boxes: Sequence[TextBox]


@dataclass(frozen=True, slots=True)
class _Track:
    """A line followed over keyframes: its readings by instant, in time order, and its place on its first keyframe."""

    readings: Mapping[float, TextBox]
    span: Span
    order: int

    @property
    def best(self) -> TextBox:
        return max(self.readings.values(), key=lambda reading: reading.confidence)

    @property
    def last(self) -> TextBox:
        return self.readings[max(self.readings)]

    def extend(self, box: TextBox, seen: _Reading) -> _Track:
        return _Track({**self.readings, seen.time_s: box}, self.span.cover(seen.span), self.order)

    def nearest(self, time_s: float) -> TextBox:
        """Return how the line was read at the instant, else nearest to it."""
        return self.readings[min(self.readings, key=lambda read_s: abs(read_s - time_s))]


N_READERS = 2
"""Pictures read at a time: a reader of one thread each leaves no core idle while nobody speaks."""


def read_screen(
    keyframes: Sequence[ScreenPicture], reader: ScreenReader, part: Part, profile: str
) -> tuple[Evidence, ...]:
    """Return the text on the keyframes as evidence in time order; lines of one block are separated by line breaks.

    ``keyframes`` are those of one part, in time order; a line stands for the spans of the keyframes that show it.
    """
    with ThreadPoolExecutor(max_workers=N_READERS, thread_name_prefix="read") as pool:
        texts = pool.map(lambda keyframe: reader.read_text(keyframe.rgb), keyframes)
        readings = [_Reading(k.time_s, k.span, boxes) for k, boxes in zip(keyframes, texts, strict=True)]
    blocks = [piece for block in group_lines(follow_lines(readings)) for piece in _divide(block)]
    return tuple(
        Evidence(
            id=derived_id(part.video_id, profile, part.number, "screen", number),
            video_id=part.video_id,
            part=part.number,
            span=block[0].span,
            modality=Modality.SCREEN,
            text=LINE_BREAK.join(line.best.text for line in block),
            confidence=round(sum(line.best.confidence for line in block) / len(block), 4),
            produced_by=reader.name,
            region=_locate(block),
        )
        for number, block in enumerate(blocks)
    )


def follow_lines(readings: Sequence[_Reading]) -> list[_Track]:
    """Return one track a line, by first appearance and reading order; a line that changes begins a new track."""
    finished: list[_Track] = []
    open_tracks: list[_Track] = []
    for seen in readings:
        finished += [track for track in open_tracks if seen.span.gap_s(track.span) > MAX_GAP_S]
        open_tracks = [track for track in open_tracks if seen.span.gap_s(track.span) <= MAX_GAP_S]
        continued: list[_Track] = []
        for order, box in enumerate(seen.boxes):
            track = _find_track(box, open_tracks)
            if track is not None:
                open_tracks.remove(track)
            continued.append(track.extend(box, seen) if track else _Track({seen.time_s: box}, seen.span, order))
        open_tracks += continued
    return sorted(finished + open_tracks, key=lambda track: (track.span.start_s, track.order))


def _find_track(box: TextBox, tracks: Sequence[_Track]) -> _Track | None:
    candidates = [track for track in tracks if is_same_line(track.best, box) and _shift(track.last.box, box.box)]
    return max(candidates, key=lambda track: fuzz.ratio(track.best.text, box.text), default=None)


def is_same_line(before: TextBox, after: TextBox) -> bool:
    """Whether two readings may be of one line of text; running clocks and counters are not.

    >>> box = (0.1, 0.8, 0.5, 0.9)
    >>> is_same_line(TextBox("METROPOLITAIN", 0.9, box), TextBox("METROTOLITFIN", 0.8, box))
    True
    >>> is_same_line(TextBox("01:00:15:00", 1.0, box), TextBox("01:00:15:12", 1.0, box))
    False
    """
    needed = SAME_DIGITS if _DIGITISH.match(before.text) or _DIGITISH.match(after.text) else SAME_TEXT
    return fuzz.ratio(before.text.casefold(), after.text.casefold()) >= needed


def _shift(before: Box, after: Box) -> bool:
    """Whether the box moved little enough to be the same line."""
    return abs(before[0] - after[0]) <= MAX_SHIFT and abs(before[1] - after[1]) <= MAX_SHIFT


def group_lines(tracks: Sequence[_Track]) -> list[list[_Track]]:
    """Return the tracks in blocks of equal span, by time; within a block in reading order."""
    blocks: dict[Span, list[_Track]] = {}
    for track in tracks:
        blocks.setdefault(track.span, []).append(track)
    return [blocks[span] for span in sorted(blocks)]


def _locate(block: Sequence[_Track]) -> Region | None:
    """Return where the lines stand on the keyframe on which most of them were read, and most surely.

    One that is hidden there stands where it was read nearest to that instant.
    """
    sureness_by_time: dict[float, list[float]] = {}
    for line in block:
        for time_s, reading in line.readings.items():
            sureness_by_time.setdefault(time_s, []).append(reading.confidence)
    seen_s = max(sureness_by_time, key=lambda time_s: (len(sureness_by_time[time_s]), sum(sureness_by_time[time_s])))
    return make_region(seen_s, [line.nearest(seen_s).box for line in block])


def _divide(block: list[_Track]) -> list[list[_Track]]:
    """Return the block in pieces of at most MAX_BLOCK_CHARS, cut between lines."""
    pieces: list[list[_Track]] = [[]]
    n_chars = 0
    for line in block:
        if pieces[-1] and n_chars + len(line.best.text) > MAX_BLOCK_CHARS:
            pieces.append([])
            n_chars = 0
        pieces[-1].append(line)
        n_chars += len(line.best.text) + 1
    return pieces
