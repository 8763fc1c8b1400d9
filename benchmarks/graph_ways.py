"""The ways in which the event graph can take part in finding that ``benchmarks.graph`` compares, the one in use first.

Each way makes one ranking of what searches found and what the graph tells. It does not know which moments are right.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.protocols import EntityRecogniser, Question
from core.records import Entity, Event, Evidence, Modality, Moment
from core.stores import Catalogue
from evaluation.ablation import ALL
from rag.expand import SHARE_OF_LAST, GraphExpander
from rag.fuse import fuse_rankings
from rag.merge import coincide
from rag.question_search import N_FOLLOWED, N_LEADS, keep_distinct, take_front

N_RANKED = 12
"""Moments of a ranking of the graph."""

MAX_NAME_WORDS = 4
"""A longer run of words is read as no name."""

HALF = 0.5
"""Weight of a ranking of the graph that lifts what a search found, too, and puts nothing else before its last."""


@dataclass(frozen=True, slots=True)
class Found:
    """What searches found: all of them, words and pictures alone, and all without what the best moments lead to."""

    whole: tuple[Moment, ...]
    words: tuple[Moment, ...]
    pictures: tuple[Moment, ...]
    without_hops: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to rank, and what adds events to the evidence of an answer behind all that is found.

    ``of_moments`` is False where it finds the same as another way when moments are searched for.
    """

    name: str
    rank: Callable[[Question, Found], Sequence[Moment]]
    expander: GraphExpander | None
    of_moments: bool = True


class SpellingExpander(GraphExpander):
    """Takes for named whatever entity has a name or alias that stands in the question, recognised or not."""

    def name_entities(self, question: Question) -> list[Entity]:
        return self.find_called(list_names(question.text), question.tenant)


class GraphRankings:
    """Rankings of moments that the graph gives, each of at most N_RANKED."""

    def __init__(self, catalogue: Catalogue, recogniser: EntityRecogniser) -> None:
        self._catalogue = catalogue
        self.recognising = GraphExpander(catalogue, recogniser)
        self.spelling = SpellingExpander(catalogue, recogniser)

    def show_events(self, entities: Sequence[Entity], question: Question) -> list[Moment]:
        """Return the events around the entities, those around most of them first."""
        return self._show(self.recognising.rank_events(entities, question, limit=N_RANKED))

    def show_mentions(self, entities: Sequence[Entity], question: Question) -> list[Moment]:
        """Return the evidence that mentions the entities: most of them first, then that of the rarer."""
        weight_by_evidence: dict[str, float] = defaultdict(float)
        for entity in entities:
            held = self._catalogue.list_mentions(entity_id=entity.id)
            here = [mention for mention in held if not question.video_ids or mention.video_id in question.video_ids]
            for mention in here:
                weight_by_evidence[mention.evidence_id] += 1 + 1 / len(here)
        evidence = self._catalogue.get_evidence(list(weight_by_evidence))
        ranked = sorted(evidence.values(), key=lambda item: (-weight_by_evidence[item.id], item.video_id, item.span))
        videos = self._catalogue.get_videos(sorted({item.video_id for item in ranked}))
        told = [item for item in ranked if item.video_id in videos]
        return keep_distinct(_tell(item, videos[item.video_id].title) for item in told)[:N_RANKED]

    def hop(self, moments: Sequence[Moment], question: Question) -> list[Moment]:
        """Return other events that mention what the best moments mention; the rarer, and the more of it, the better."""
        followed = take_front(moments)[:N_FOLLOWED]
        score_by_event: dict[str, float] = defaultdict(float)
        event_by_id: dict[str, Event] = {}
        for entity_id in self._mentioned_in(followed):
            events = self._catalogue.list_events(
                question.tenant, video_ids=question.video_ids, entity_id=entity_id, limit=N_RANKED
            ).items
            for event in events:
                event_by_id[event.id] = event
                score_by_event[event.id] += 1 / len(events)
        ranked = sorted(event_by_id.values(), key=lambda event: (-score_by_event[event.id], event.video_id, event.span))
        return keep_distinct(self._show(ranked), followed)[:N_RANKED]

    def _mentioned_in(self, moments: Sequence[Moment]) -> list[str]:
        held = {item.id for moment in moments for item in moment.evidence}
        video_ids = dict.fromkeys(moment.video_id for moment in moments)
        mentions = [mention for i in video_ids for mention in self._catalogue.list_mentions(video_id=i)]
        return list(dict.fromkeys(mention.entity_id for mention in mentions if mention.evidence_id in held))

    def _show(self, events: Sequence[Event]) -> list[Moment]:
        return list(self.recognising.show(events, score=SHARE_OF_LAST))


def list_ways(graph: GraphRankings) -> list[Way]:
    """Return what is compared; the first is in use."""
    expander = graph.recognising

    def events(question: Question) -> list[Moment]:
        return graph.show_events(graph.recognising.name_entities(question), question)

    def spelled(question: Question) -> list[Moment]:
        return graph.show_events(graph.spelling.name_entities(question), question)

    def mentions(question: Question) -> list[Moment]:
        return graph.show_mentions(graph.spelling.name_entities(question), question)

    def as_found(_question: Question, found: Found) -> Sequence[Moment]:
        return found.whole

    return [
        Way(ALL, as_found, expander),
        Way("without expansion", as_found, None, of_moments=False),
        Way("expansion by spelled names", as_found, graph.spelling, of_moments=False),
        Way("words + pictures", lambda _, found: fuse(found.words, found.pictures), expander),
        Way("words + pictures + events", lambda q, found: fuse(found.words, found.pictures, events(q)), expander),
        Way("+ events", lambda q, found: fuse(found.whole, events(q)), expander),
        Way("+ events, spelled", lambda q, found: fuse(found.whole, spelled(q)), expander),
        Way("+ events, spelled, half", lambda q, found: fuse(found.whole, spelled(q), weight=HALF), expander),
        Way("+ mentions, spelled", lambda q, found: fuse(found.whole, mentions(q)), expander),
        Way("+ one hop", lambda q, found: fuse(found.whole, graph.hop(found.whole, q)), expander),
        Way("mentions, spelled, behind the front", lambda q, found: lead(found.whole, mentions(q)), expander),
        Way("one hop behind the front", lambda q, found: lead(found.whole, graph.hop(found.whole, q)), expander),
        Way(
            "one hop instead of hops by words",
            lambda q, found: lead(found.without_hops, graph.hop(found.without_hops, q)),
            expander,
            of_moments=False,
        ),
        Way("events, spelled, in empty places", lambda q, found: fill(found.whole, spelled(q)), expander),
    ]


def fuse(*rankings: Sequence[Moment], weight: float = 1.0) -> list[Moment]:
    """Return the moments of all rankings by weighted reciprocal rank; ``weight`` is the last one's, 1 the others'.

    Moments that coincide are one, as the first ranking shows it.
    """
    known: list[Moment] = []
    placed: dict[str, list[int]] = {}
    for number, ranking in enumerate(rankings):
        at = []
        for moment in ranking:
            same = next((index for index, other in enumerate(known) if coincide(moment, other)), len(known))
            known += [moment] if same == len(known) else []
            at.append(same)
        placed[str(number)] = list(dict.fromkeys(at))
    weights: Mapping[str, float] = {str(len(rankings) - 1): weight}
    return [known[index] for index, _ in fuse_rankings(placed, weights)]


def lead(moments: Sequence[Moment], leads: Sequence[Moment]) -> list[Moment]:
    """Return the moments with the first leads behind those in front, where a question's own leads are placed."""
    front = take_front(moments)
    placed = [*front, *keep_distinct(leads, front)[:N_LEADS]]
    return [*placed, *keep_distinct(moments, placed)]


def fill(moments: Sequence[Moment], others: Sequence[Moment]) -> list[Moment]:
    """Return the moments, then the others: only places that stay empty are filled."""
    return [*moments, *keep_distinct(others, moments)]


def list_names(text: str) -> list[str]:
    """Return what may be a name in a text: runs of words that begin and end with a capital or a digit.

    >>> list_names("who built Tern Lock?")
    ['Tern', 'Tern Lock', 'Lock']
    """
    words = re.findall(r"[^\W_]+(?:[-'’.][^\W_]+)*", text)
    is_edge = [word[0].isupper() or word[0].isdigit() for word in words]
    return [
        " ".join(words[start:end])
        for start in range(len(words))
        for end in range(start + 1, min(start + MAX_NAME_WORDS, len(words)) + 1)
        if is_edge[start] and is_edge[end - 1]
    ]


def _tell(item: Evidence, title: str) -> Moment:
    return Moment(item.video_id, title, item.span, SHARE_OF_LAST, Modality.METADATA, (item,))
