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
    """Events and entities as nodes, links as edges, whichever way they point."""

    def __init__(self, events: Sequence[Event], entities: Sequence[Entity], links: Sequence[Link]) -> None:
        self._events = {event.id: event for event in events}
        self._network = nx.Graph()
        self._network.add_nodes_from([*(event.id for event in events), *(entity.id for entity in entities)])
        ends = ((link.source_id, link.target_id) for link in links)
        self._network.add_edges_from(pair for pair in ends if all(node in self._network for node in pair))

    def related_events(self, start_ids: Iterable[str], *, max_hops: int = MAX_HOPS, limit: int = 10) -> list[Related]:
        """Return events within reach of the start nodes (entities or events), those reached from most of them first.

        Start events themselves are left out.
        """
        starts = [node for node in dict.fromkeys(start_ids) if node in self._network]
        hops: dict[str, list[int]] = {}
        for start in starts:
            for node, n_hops in nx.single_source_shortest_path_length(self._network, start, cutoff=max_hops).items():
                if node in self._events and node not in starts:
                    hops.setdefault(node, []).append(n_hops)
        found = [Related(self._events[node], min(counts), len(counts)) for node, counts in hops.items()]
        return sorted(found, key=lambda r: (-r.n_starts, r.n_hops, r.event.video_id, r.event.span))[:limit]
