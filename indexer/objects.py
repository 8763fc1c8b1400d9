"""Objects: what a detector names in keyframes, told once for as long as it shows: "a red square on a blue background".

It does not know which detector looks. Where one thing alone is seen to move, it is said from where to where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.ids import derived_id
from core.protocols import ObjectDetector
from core.records import Box, Evidence, Modality, Part, Region, Shot, Span
from core.signals import DecodedPart, DetectedObject
from indexer.keyframes import KeyframePicture
from indexer.regions import make_region

MIN_CONFIDENCE = 0.35
"""Below this a COCO detector names things that are not there (true hits measured at .37–.64)."""

TOUCH_S = 0.05
"""Keyframes that follow each other closer show the same thing without a break."""

MIN_MOVE = 0.15
"""Share of the picture's width or height that a thing's middle moves before it is said to move."""

MIN_DIFFERENCE = 60
"""Sum over the channels (of 765) by which a pixel shows something else than usual."""

MIN_SEEN, MAX_SEEN = 0.004, 0.4
"""Share of the picture that differs where one thing moves: more than five pixels of a thumbnail, less than a cut."""

TRIMMED = 8
"""The first and last of so many frames are left out of a motion: near a cut they may be of the other side."""

MAX_ENTRY_S = 3.0
"""What moves within a shot comes into the picture and leaves it: while it is seen in part, it has no outline."""

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True, slots=True)
class _Look:
    """Things of one kind as they stand on one keyframe; ``confidence`` is of the surest."""

    time_s: float
    confidence: float
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class _Sight:
    """Things of one kind in one setting, and when they are seen: ``looks`` are those of all keyframes in the span."""

    label: str
    setting: str
    span: Span
    looks: tuple[_Look, ...]

    @property
    def count(self) -> int:
        return len(self.looks[0].boxes)

    @property
    def confidence(self) -> float:
        return max(look.confidence for look in self.looks)

    def continues(self, other: _Sight) -> bool:
        """Whether the other is the same, seen right before."""
        is_same = (self.label, self.setting, self.count) == (other.label, other.setting, other.count)
        return is_same and self.span.gap_s(other.span) <= TOUCH_S


def name_objects(
    decoded: DecodedPart,
    shots: Sequence[Shot],
    keyframes: Sequence[KeyframePicture],
    detector: ObjectDetector,
    part: Part,
    profile: str,
) -> tuple[Evidence, ...]:
    """Return evidence in time order, one for the things that come and go together.

    ``shots`` and ``keyframes`` are those of the decoded part, in time order.
    """
    groups: dict[tuple[Span, str], list[_Sight]] = {}
    for sight in _follow(keyframes, detector):
        groups.setdefault((sight.span, sight.setting), []).append(sight)
    evidence: list[Evidence] = []
    for (span, _), sights in sorted(groups.items(), key=lambda item: item[0]):
        motion = _motion(sights, decoded)
        evidence.append(
            Evidence(
                id=derived_id(part.video_id, profile, part.number, "object", len(evidence)),
                video_id=part.video_id,
                part=part.number,
                span=_with_entry(span, shots) if motion else span,
                modality=Modality.OBJECT,
                text=_tell(sights, motion),
                confidence=round(max(sight.confidence for sight in sights), 4),
                produced_by=detector.name,
                region=_locate(sights),
            )
        )
    return tuple(evidence)


def _with_entry(span: Span, shots: Sequence[Shot]) -> Span:
    """Return the span with what of its shots lies before and after it, MAX_ENTRY_S at most."""
    inside = [shot.span for shot in shots if shot.span.overlap_s(span) > 0]
    starts_s = [shot.start_s for shot in inside if span.start_s - MAX_ENTRY_S <= shot.start_s <= span.start_s]
    ends_s = [shot.end_s for shot in inside if span.end_s <= shot.end_s <= span.end_s + MAX_ENTRY_S]
    return Span(min(starts_s, default=span.start_s), max(ends_s, default=span.end_s))


def _follow(keyframes: Sequence[KeyframePicture], detector: ObjectDetector) -> list[_Sight]:
    """Return what is seen, each sight over all keyframes that show it one after the other."""
    finished: list[_Sight] = []
    shown: list[_Sight] = []
    for keyframe in keyframes:
        now: list[_Sight] = []
        for sight in _look(detector.detect_objects(keyframe.rgb), keyframe.time_s, keyframe.span):
            before = next((item for item in shown if sight.continues(item)), None)
            if before is not None:
                shown.remove(before)
                looks, span = (*before.looks, *sight.looks), before.span.cover(sight.span)
                sight = _Sight(sight.label, sight.setting, span, looks)
            now.append(sight)
        finished += shown
        shown = now
    return finished + shown


def _look(found: Sequence[DetectedObject], time_s: float, span: Span) -> list[_Sight]:
    """Return what is surely seen on a keyframe, the most numerous first."""
    kinds: dict[tuple[str, str], list[DetectedObject]] = {}
    for item in found:
        if item.confidence >= MIN_CONFIDENCE:
            kinds.setdefault((item.label, item.setting), []).append(item)
    return [
        _Sight(label, setting, span, (_Look(time_s, max(i.confidence for i in items), tuple(i.box for i in items)),))
        for (label, setting), items in sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    ]


def _locate(sights: Sequence[_Sight]) -> Region | None:
    """Return where the things stand on the keyframe on which they are seen most surely; None if they share none.

    A thing that moves stands elsewhere before and after: the region is true at its own instant alone.
    """
    looks_by_time: dict[float, list[_Look]] = {}
    for sight in sights:
        for look in sight.looks:
            looks_by_time.setdefault(look.time_s, []).append(look)
    shared = {time_s: looks for time_s, looks in looks_by_time.items() if len(looks) == len(sights)}
    if not shared:
        return None
    seen_s = max(shared, key=lambda time_s: sum(look.confidence for look in shared[time_s]))
    return make_region(seen_s, [box for look in shared[seen_s] for box in look.boxes])


def _motion(sights: Sequence[_Sight], decoded: DecodedPart) -> str:
    """Return where the only thing seen moves; "" where there are several or it stays.

    What differs from the usual picture of the time is the thing: it may be half outside, and of any colour.
    """
    if len(sights) != 1 or sights[0].count != 1:
        return ""
    span = sights[0].span
    first, last = np.searchsorted(decoded.thumbnail_times_s, (span.start_s, span.end_s))
    frames = decoded.thumbnails[first:last].astype(np.int16)
    if len(frames) < 2:
        return ""
    differs = np.abs(frames - np.median(frames, axis=0)).sum(axis=-1) > MIN_DIFFERENCE
    shares = differs.mean(axis=(1, 2))
    seen = np.flatnonzero((shares > MIN_SEEN) & (shares < MAX_SEEN))
    if not len(seen):
        return ""
    ends = seen[len(seen) // TRIMMED], seen[-1 - len(seen) // TRIMMED]
    middles = [np.argwhere(differs[index]).mean(axis=0) / differs.shape[1:] for index in ends]
    down, right = (float(value) for value in middles[1] - middles[0])
    return tell_motion(right, down)


def tell_motion(right: float, down: float) -> str:
    """Return a move in words, from its shares of the picture's width and height; "" for a small one.

    >>> tell_motion(0.4, 0.02), tell_motion(-0.3, -0.4), tell_motion(0.1, -0.1)
    ('moving from left to right', 'moving from bottom right to top left', '')
    """
    across = [] if abs(right) < MIN_MOVE or abs(right) < abs(down) / 2 else ["left", "right"][:: 1 if right > 0 else -1]
    along = [] if abs(down) < MIN_MOVE or abs(down) < abs(right) / 2 else ["top", "bottom"][:: 1 if down > 0 else -1]
    ends = [" ".join(words) for words in zip(*(side for side in (along, across) if side), strict=True)]
    return f"moving from {ends[0]} to {ends[1]}" if ends else ""


def _tell(sights: Sequence[_Sight], motion: str) -> str:
    """Return the things as a phrase.

    >>> square = _Look(0.5, 0.9, ((0.1, 0.1, 0.3, 0.4),))
    >>> seen = [_Sight("red square", "on a blue background", Span(0, 1), (square,))]
    >>> _tell(seen, "moving from left to right")
    'a red square moving from left to right on a blue background'
    """
    things = [_count(sight.label, sight.count) for sight in sights]
    listed = " and ".join([", ".join(things[:-1]), things[-1]] if len(things) > 1 else things)
    return " ".join(word for word in (listed, motion, sights[0].setting) if word)


def _count(label: str, count: int) -> str:
    """Return the things with their number.

    >>> _count("orange cross", 1), _count("orange cross", 2)
    ('an orange cross', 'two orange crosses')
    """
    if count == 1:
        return f"{'an' if label[0] in 'aeiou' else 'a'} {label}"
    number = NUMBERS[count] if count < len(NUMBERS) else str(count)
    return f"{number} {label}{'es' if label.endswith('s') else 's'}"
