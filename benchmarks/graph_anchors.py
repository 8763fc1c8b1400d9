"""Queries that name an order, with events of the graph as the anchors of "before" and "after".

It does not know which moments are right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.plans import QueryPlan
from core.protocols import Question, SearchRequest, TextEncoder
from core.records import Entity, Event, Evidence, Modality, Moment, Video
from core.stores import Catalogue
from evaluation.ablation import ALL
from rag.carry_out import PartSearch, Place, carry_out
from rag.expand import GraphExpander
from rag.merge import coincide
from rag.order import put_first
from rag.search import MomentSearch

MAX_EVENTS = 1000
N_ANCHORS = 12
SHARED_BONUS = 0.1
"""Added to the fit of an event that mentions an entity which the anchor's words name."""

Choose = Callable[[Sequence[Moment], Sequence[Moment], Sequence[Moment]], Sequence[Moment]]
"""Returns the anchors, best first, of what the search found for their words, of events, and of their best sentences."""


def list_anchors() -> Mapping[str, Choose]:
    """Return the ways to choose anchors, by name; the first is in use."""
    return {
        ALL: lambda found, _events, _sentences: found,
        "events instead": lambda _found, events, _sentences: events,
        "the best sentence of events instead": lambda _found, _events, sentences: sentences,
        "these beside moments": lambda found, _events, sentences: rank(put_first(found, sentences)),
        "these where no moment is found": lambda found, _events, sentences: found or sentences,
        "moments, lifted by the fit of their event": lambda found, events, _sentences: rank(lift(found, events)),
    }


class EventFit:
    """Ranks events by how well they fit a text: the cosine of their best evidence, and the entities they share."""

    def __init__(self, catalogue: Catalogue, text: TextEncoder, expander: GraphExpander) -> None:
        self._catalogue = catalogue
        self._text = text
        self._expander = expander

    def rank(self, question: Question) -> tuple[list[Moment], list[Moment]]:
        """Return the events that fit best and the best sentence of each, best first, in the videos asked of."""
        events = self._catalogue.list_events(question.tenant, video_ids=question.video_ids, limit=MAX_EVENTS).items
        evidence = self._catalogue.get_evidence(list(dict.fromkeys(i for event in events for i in event.evidence_ids)))
        if not evidence:
            return [], []
        fits = self._fit(question.text, list(evidence.values()))
        named = self._expander.name_entities(question)
        videos = self._catalogue.get_videos(sorted({event.video_id for event in events}))
        told = [_tell(event, fits, named, evidence, videos[event.video_id]) for event in events]
        told.sort(key=lambda pair: -pair[0].score)
        best = told[:N_ANCHORS]
        return [event for event, _ in best], [sentence for _, sentence in best]

    def _fit(self, text: str, evidence: Sequence[Evidence]) -> dict[str, float]:
        passages = self._text.embed_passages([item.text for item in evidence])
        cosines = np.asarray(self._text.text_scale.read(passages @ self._text.embed_query(text)))
        return {item.id: float(cosine) for item, cosine in zip(evidence, cosines, strict=True)}


@dataclass(frozen=True, slots=True)
class AnchoredSearch:
    """A search of the parts of one plan, in which the anchor's moments are chosen in some way."""

    search: PartSearch
    anchor: QueryPlan | None
    fit: EventFit
    choose: Choose

    def find_part(self, plan: QueryPlan, request: SearchRequest, places: Sequence[Place] = ()) -> list[Moment]:
        found = self.search.find_part(plan, request, places)
        if plan is not self.anchor:
            return found
        events, sentences = self.fit.rank(Question(plan.text, request.tenant, request.video_ids))
        return list(self.choose(found, events, sentences))

    def best_videos(self, plan: QueryPlan, request: SearchRequest) -> list[Video]:
        return self.search.best_videos(plan, request)

    def browse(self, place: Place, plan: QueryPlan, request: SearchRequest) -> list[Moment]:
        return self.search.browse(place, plan, request)


def find_in_order(finder: MomentSearch, fit: EventFit, choose: Choose, request: SearchRequest) -> list[Moment]:
    """Return what a query that names an order asks for, its anchors chosen in that way."""
    plan = finder.plan(request)
    anchor = plan.succession.anchor if plan.succession else None
    return carry_out(plan, request, AnchoredSearch(finder, anchor, fit, choose))[: request.limit]


def lift(moments: Sequence[Moment], events: Sequence[Moment]) -> list[Moment]:
    """Return the moments with the mean of their own fit and that of the best event that they are in, 0 without."""
    return [
        replace(m, score=(m.score + max((e.score for e in events if coincide(m, e)), default=0)) / 2) for m in moments
    ]


def rank(moments: Sequence[Moment]) -> list[Moment]:
    return sorted(moments, key=lambda moment: -moment.score)


def _tell(
    event: Event, fits: Mapping[str, float], named: Sequence[Entity], evidence: Mapping[str, Evidence], video: Video
) -> tuple[Moment, Moment]:
    """Return an event and its best sentence as moments."""
    held = [evidence[i] for i in event.evidence_ids if i in evidence]
    best = max(held, key=lambda item: fits[item.id])
    shares = any(entity.id in event.participant_ids for entity in named)
    score = min(1.0, fits[best.id] + SHARED_BONUS * shares)
    whole = Moment(video.id, video.title, event.span, score, Modality.METADATA, tuple(held))
    return whole, Moment(video.id, video.title, best.span, score, best.modality, (best,))
