"""Titles: a video whose title or file name holds every word of a query is found by it, though nobody says it.

They are read from the catalogue at each search, see ``docs/decisions/0013``. It does not know how other moments are
found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.plans import QueryPlan
from core.protocols import SearchRequest
from core.records import Modality, Moment, Reason, ReasonKind, Segment, Video
from core.stores import Catalogue
from core.titles import NamedVideo, hold_words, split_words
from rag.language import function_words
from rag.merge import coincide
from rag.order import is_inside
from rag.phrases import likeness

N_READ = 20
"""Videos called so that are read at least, shortest titles first, of which the query is most."""

N_BESIDE_OTHERS = 3
"""Videos named by their titles beside moments found otherwise: a series of lectures must not fill the page."""

N_BEFORE = 3
"""Best moments among which those that say or show all that is asked stay before titles; the next place is theirs."""

SURE_PICTURE = 0.41
"""Fit from which on a picture shows what is asked; what the page calls sure."""


@dataclass(frozen=True, slots=True)
class Titled:
    """A video found by the name that ``kind`` tells, of whose characters ``share`` are the query's."""

    video: Video
    kind: ReasonKind
    share: float


class TitleSearch:
    """Finds videos by what they are called."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add(self, moments: Sequence[Moment], plan: QueryPlan, request: SearchRequest) -> list[Moment]:
        """Return the moments, with one for each video called so, where titles may count."""
        words = telling_words(plan)
        if not words or not _may_count(plan, request):
            return list(moments)
        n_wanted = N_BESIDE_OTHERS if moments else request.limit
        return place_titled(moments, self._find(words, plan, request, n_wanted), words)

    def _find(self, words: Sequence[str], plan: QueryPlan, request: SearchRequest, n_wanted: int) -> list[Moment]:
        """Return the first moments of videos called so, best first: those of which the words are most of the name."""
        limit = max(N_READ, n_wanted)
        named = self._catalogue.find_titled(request.tenant, words, video_ids=request.video_ids, limit=limit)
        titled = [found for video in named if (found := choose_name(video, words, plan)) is not None]
        if not titled:
            return []
        titled.sort(key=lambda found: -found.share)
        first_by_video = self._catalogue.first_segments([found.video.id for found in titled[:n_wanted]])
        wanted = [found for found in titled[:n_wanted] if found.video.id in first_by_video]
        moments = [_to_moment(found, first_by_video[found.video.id], words) for found in wanted]
        floor, window = request.min_score or 0.0, request.time
        return [m for m in moments if m.score >= floor and (window is None or is_inside(m.span, window))]


def asks_for_titles_alone(request: SearchRequest) -> bool:
    return set(request.modalities) == {Modality.METADATA.value}


def telling_words(plan: QueryPlan) -> list[str]:
    """Return the words that a title must hold, each once; none if there are only numbers and single letters.

    >>> telling_words(QueryPlan("", "the light of Heron Point 2")), telling_words(QueryPlan("", "4 b"))
    (['light', 'heron', 'point', '2'], [])
    """
    small = function_words(plan.language)
    words = [word for word in dict.fromkeys(split_words(plan.text)) if word not in small]
    return words if any(len(word) > 1 and not word.isdecimal() for word in words) else []


def place_titled(moments: Sequence[Moment], titled: Sequence[Moment], words: Sequence[str]) -> list[Moment]:
    """Return the moments, best first as given, the titled ones behind those of the best that are sure to be meant.

    A moment that is found at the same place is one with the titled one, and gives both reasons. Scores never rise.
    """
    at = max((place for place, moment in enumerate(moments[:N_BEFORE], start=1) if _is_sure(moment, words)), default=0)
    before, after = list(moments[:at]), list(moments[at:])
    ceiling, floor = before[-1].score if before else 1.0, after[0].score if after else 0.0
    placed: list[Moment] = []
    for found in titled:
        if any(coincide(found, sure) for sure in before):
            continue
        same = next((moment for moment in after if coincide(found, moment)), None)
        score = max(min(found.score, ceiling), floor)
        if same is None:
            placed.append(replace(found, score=score))
        else:
            after.remove(same)
            reasons = (*found.reasons, *same.reasons)
            placed.append(replace(same, score=score, modality=found.modality, reasons=reasons))
    return [*before, *placed, *after]


def choose_name(named: NamedVideo, words: Sequence[str], plan: QueryPlan) -> Titled | None:
    """Return by which of the names with all words the video is found, the first; a phrase quoted must stand in it."""
    small = function_words(plan.language)
    for name in named.names:
        if all(likeness(phrase, name.text) == 1.0 for phrase in plan.phrases):
            n_held = sum(len(word) for word in name.words if word not in small)
            return Titled(named.video, name.kind, min(1.0, sum(map(len, words)) / n_held))
    return None


def _may_count(plan: QueryPlan, request: SearchRequest) -> bool:
    """Whether nothing asks for something else: another sense, or a place or an order, which no title has."""
    is_elsewhere = plan.intent or plan.time or plan.ordinal or plan.succession or plan.is_open
    is_allowed = not request.modalities or Modality.METADATA.value in request.modalities
    return request.titles and is_allowed and not is_elsewhere


def _is_sure(moment: Moment, words: Sequence[str]) -> bool:
    """Whether a moment says or shows all that is asked."""
    told = " ".join(reading for item in moment.evidence for reading in item.readings)
    return hold_words(words, told) or (moment.modality is Modality.VISUAL and moment.score >= SURE_PICTURE)


def _to_moment(found: Titled, first: Segment, words: Sequence[str]) -> Moment:
    score = round((1 + found.share) / 2, 4)
    reason = Reason(Modality.METADATA, score, matched=" ".join(words), kind=found.kind)
    shown_s = first.keyframes[0].time_s if first.keyframes else None
    return Moment(
        video_id=found.video.id,
        video_title=found.video.title,
        span=first.span,
        score=score,
        modality=Modality.METADATA,
        evidence=(),
        reasons=(reason,),
        thumbnail_time_s=shown_s,
        segment_ids=(first.id,),
        video_revision=found.video.revision,
    )
