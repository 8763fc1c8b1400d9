"""How a query is understood before anything is searched for: the records that planning hands to search, and shows.

It does not know how a query is read (``rag/plan.py`` does), nor how its wishes are met.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.records import Modality, Span

NO_END_S = 1e7
"""Seconds beyond the end of any video."""


@dataclass(frozen=True, slots=True)
class Instant:
    """An instant of any video: a share of its length, and seconds from there.

    >>> Instant(share=1.0, offset_s=-30.0).at_s(100.0)
    70.0
    """

    share: float = 0.0
    offset_s: float = 0.0

    def at_s(self, duration_s: float) -> float:
        """Return the second that it means in a video of that length, never outside it."""
        return min(max(0.0, self._counted_s(duration_s)), duration_s)

    def lies_in(self, duration_s: float) -> bool:
        """Whether a video of that length has it.

        >>> Instant(offset_s=30.0).lies_in(20.0), Instant(share=1.0, offset_s=-30.0).lies_in(20.0)
        (False, False)
        """
        return 0.0 <= self._counted_s(duration_s) <= duration_s

    def _counted_s(self, duration_s: float) -> float:
        return self.share * duration_s + self.offset_s


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A stretch asked for within each video, in the query's own ``words``.

    ``is_strict``: nothing outside it is wanted, even if nothing is found inside ("in the first minute"). Otherwise the
    words may mean something else than a place in the video ("at 3:20" may be when a train leaves). ``named``: the
    instant that was named, around which the stretch lies; a video too short to have it has no such place.
    """

    start: Instant
    end: Instant
    words: str
    is_strict: bool
    named: Instant | None = None

    def within(self, duration_s: float) -> Span | None:
        """Return the stretch in a video of that length; None where it, or what was named, lies outside.

        >>> TimeWindow(Instant(), Instant(offset_s=60.0), "in the first minute", True).within(45.0)
        Span(start_s=0.0, end_s=45.0)
        """
        start_s, end_s = self.start.at_s(duration_s), self.end.at_s(duration_s)
        is_there = self.named is None or self.named.lies_in(duration_s)
        return Span(start_s, end_s) if end_s > start_s and is_there else None

    @property
    def in_any_video(self) -> Span | None:
        """The stretch where it is the same in every video, whatever its length; None where it counts from the end.

        >>> TimeWindow(Instant(offset_s=60.0), Instant(1.0), "after the first minute", True).in_any_video
        Span(start_s=60.0, end_s=10000000.0)
        """
        if self.start.share or self.end not in (Instant(1.0), Instant(offset_s=self.end.offset_s)):
            return None
        end_s = NO_END_S if self.end.share else self.end.offset_s
        return Span(self.start.offset_s, end_s) if end_s > self.start.offset_s >= 0 else None

    def focus_s(self, duration_s: float) -> float:
        """Return the second of a video of that length that its words point to: what is nearest to it was meant most.

        >>> window = TimeWindow(Instant(1.0, -30.0), Instant(1.0), "the last 30 seconds", True)
        >>> window.focus_s(100.0), TimeWindow(Instant(), Instant(offset_s=60.0), "", True).focus_s(100.0)
        (100.0, 0.0)
        """
        if self.named:
            return self.named.at_s(duration_s)
        if self.end == Instant(1.0) and self.start.offset_s < 0:  # it is counted from there
            return duration_s
        is_middle = self.start.share > 0 and self.start.share + self.end.share == 1
        return duration_s / 2 if is_middle else self.start.at_s(duration_s)

    def beside(self, relation: Relation, words: str) -> TimeWindow | None:
        """Return, strictly, all that comes BEFORE or AFTER the window; None where no video has anything there.

        >>> TimeWindow(Instant(1.0, -60.0), Instant(1.0), "the last minute", True).beside(Relation.BEFORE, "…").end
        Instant(share=1.0, offset_s=-60.0)
        """
        if relation is Relation.BEFORE:
            return TimeWindow(Instant(), self.start, words, is_strict=True) if self.start != Instant() else None
        return TimeWindow(self.end, Instant(1.0), words, is_strict=True) if self.end != Instant(1.0) else None


class Relation(StrEnum):
    """How the moment wanted stands to the other one that a query names."""

    AFTER = "after"
    BEFORE = "before"
    THEN = "then"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Succession:
    """Two happenings in a query: ``target`` is what is wanted, ``anchor`` the other one.

    AFTER and BEFORE: the target, where the anchor precedes or follows it. THEN: both, the anchor first. EITHER: each
    of the two, as in "which comes first, the mortar or the chopper?". ``is_close``: "right after".
    """

    target: QueryPlan
    anchor: QueryPlan
    relation: Relation
    is_close: bool = False


@dataclass(frozen=True, slots=True)
class SenseQueries:
    """What to look for by each sense, as a language model put it; empty where a sense has nothing to do with it."""

    speech: str = ""
    screen: str = ""
    visual: str = ""


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """A query as it is understood; one that says nothing special has only ``text``, equal to the query.

    ``text`` is what is searched for: the query without its words of sense, place and order, never empty for a query
    with words. ``intent`` is the sense that the query names (SPEECH, SCREEN or VISUAL). ``phrases`` were quoted:
    evidence must hold them. ``ordinal``: 1 the first time, 2 the second, -1 the last, -2 the one before it; beside a
    succession it is its target's. ``is_open``: nothing is described, what is there is asked for ("what happens at
    3:20?"). ``language`` is an ISO 639-1 code, None when it cannot be told. ``led_by`` is what is said and shown in the
    moment that led to this plan: words of it that the query lacks tip the order.
    """

    query: str
    text: str
    intent: Modality | None = None
    phrases: tuple[str, ...] = ()
    time: TimeWindow | None = None
    ordinal: int | None = None
    succession: Succession | None = None
    by_sense: SenseQueries | None = None
    is_open: bool = False
    language: str | None = None
    led_by: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether the query asks for nothing but what its words describe."""
        return not (self.intent or self.phrases or self.time or self.ordinal or self.succession or self.by_sense)

    @property
    def described(self) -> str:
        """The query's own words for what is looked for, without those of sense, place and order.

        >>> bell, storm = QueryPlan("a bell", "a bell"), QueryPlan("the storm", "the storm")
        >>> asked = "a bell right after the storm"
        >>> QueryPlan(asked, asked, succession=Succession(bell, storm, Relation.AFTER, is_close=True)).described
        'a bell the storm'
        """
        if self.succession is not None:
            return f"{self.succession.target.text} {self.succession.anchor.text}"
        return self.query if self.led_by else self.text
