"""Fusion of rankings by order alone.

It does not know what is ranked nor by which channel.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)

RANK_OFFSET = 60
"""Added to every rank, so one lucky first place cannot outvote steady agreement (Cormack et al., 2009)."""


def fuse_rankings(rankings: Mapping[str, Sequence[Item]], weights: Mapping[str, float]) -> list[tuple[Item, float]]:
    """Fuse rankings by weighted reciprocal rank, best first; ties keep the order of first appearance.

    Only order is used: cosine, BM25 and graph scores share no scale, so their values are never compared.

    >>> fuse_rankings({"text": ["a", "b"], "visual": ["b"]}, {"text": 1.0, "visual": 1.0})[0][0]
    'b'
    """
    score_by_item: dict[Item, float] = {}
    for name, ranking in rankings.items():
        for rank, item in enumerate(ranking, start=1):
            score_by_item[item] = score_by_item.get(item, 0.0) + weights.get(name, 1.0) / (RANK_OFFSET + rank)
    return sorted(score_by_item.items(), key=lambda pair: -pair[1])
