"""Walking the event knowledge graph: a networkx view over rows, never the source of anything.

It does not know why somebody walks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx

from core.records import Entity, Event, Link

MAX_HOPS = 2
"""Farther nodes are related to everything; measured systems get slower and worse beyond."""


@dataclass(frozen=True, slots=True)
class Related:
    """An event reached by a walk: how many hops away, by how many of the start nodes."""

    event: Event
    n_hops: int
    n_starts: int


class EventGraph:
    """Events and entities as nodes, links as edges."""

    def __init__(self, events: Sequence[Event], entities: Sequence[Entity], links: Sequence[Link]) -> None:
        self._events = {event.id: event for event in events}
        self.network = nx.MultiDiGraph()
        for event in events:
            self.network.add_node(event.id, kind="event", label=event.summary, video_id=event.video_id)
        for entity in entities:
            self.network.add_node(entity.id, kind=entity.kind, label=entity.name)
        for link in links:
            if link.source_id in self.network and link.target_id in self.network:
                self.network.add_edge(link.source_id, link.target_id, key=link.kind, weight=link.weight)

    def related_events(self, start_ids: Iterable[str], *, max_hops: int = MAX_HOPS, limit: int = 10) -> list[Related]:
        """Return events within reach of the start nodes (entities or events), those reached from most of them first.

        Edges are walked in both directions; start events themselves are left out.
        """
        starts = [node for node in dict.fromkeys(start_ids) if node in self.network]
        undirected = self.network.to_undirected(as_view=True)
        hops: dict[str, list[int]] = {}
        for start in starts:
            for node, n_hops in nx.single_source_shortest_path_length(undirected, start, cutoff=max_hops).items():
                if node in self._events and node not in starts:
                    hops.setdefault(node, []).append(n_hops)
        found = [Related(self._events[node], min(counts), len(counts)) for node, counts in hops.items()]
        return sorted(found, key=lambda r: (-r.n_starts, r.n_hops, r.event.video_id, r.event.span))[:limit]
