"""Relevance: how well a candidate fits a query, on one scale for words and pictures, so that nothing can be the answer.

Words and pictures are compared in one space, so their cosines may be compared; the better of the two decides, as the
better modality does in the best trained retrievers (CLaMR). Measured on the development
corpus in ``docs/decisions/0004``. It does not know where in the candidate the match lies.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.records import Modality
from rag.retrieve import Candidate

MIN_SCORE = 0.285
"""When even the best moment fits less, nothing is returned: the library does not speak of it."""

WORDS_MARGIN = 0.03
"""A moment of words must fit this much better: words are near to any words, a picture told in words is less so. The
widest margin that costs the development corpus no recall."""

SHARE_OF_BEST = 0.5
"""Moments below this share of the best are not returned: beside a sure hit, a mere perhaps is noise."""

LEXICAL_BONUS = 0.8
"""Weight of the query's own words, in full where they all are: names and codes have no synonyms. They tip what fits by
meaning, most at a fit of one half: a word shared by chance makes nothing fit, and a sure fit needs no help."""

OWN_SHARE = 0.5
"""A search in some senses alone: where these answer less than this share of what the whole segment does, the others
make up the fit, and what they say no longer counts. Else it does, as a slide names what is talked of."""

VERBATIM_FROM = 0.98
"""From this MaxSim on, a single piece of evidence says what the query says, word for word at 1; what else the segment
holds then matters less and less, which its one dense vector cannot tell."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """How well a candidate fits by what is said or written (``text``) and by what it looks like (``visual``)."""

    text: float
    visual: float

    @property
    def score(self) -> float:
        """The fit as a whole, in [0, 1].

        >>> Relevance(text=0.5, visual=0.2).score
        0.5
        """
        return min(1.0, max(0.0, self.text, self.visual))

    @property
    def is_visual(self) -> bool:
        return self.visual > self.text


def judge(candidate: Candidate, modalities: frozenset[str]) -> Relevance:
    """Return how well a candidate fits by what it holds of the given modalities (empty: all)."""
    text = visual = 0.0
    if candidate.interaction.by_evidence and (not modalities or modalities & candidate.modalities):
        dense, joint = _undiluted(candidate), candidate.interaction.joint
        own = candidate.joint_among(modalities) if modalities else joint
        if own < OWN_SHARE * joint:
            dense, joint = min(dense, own), own
        meant = (dense + joint) / 2
        text = meant + LEXICAL_BONUS * candidate.lexical * max(0.0, meant) * (1 - meant)
    if len(candidate.frames) and (not modalities or Modality.VISUAL.value in modalities):
        visual = candidate.visual
    return Relevance(text, visual)


def _undiluted(candidate: Candidate) -> float:
    """Return the dense fit, raised as far as one piece of evidence is the query verbatim."""
    best = max(candidate.interaction.by_evidence.values())
    share = (best - VERBATIM_FROM) / (1 - VERBATIM_FROM)
    return candidate.dense if share <= 0 else max(candidate.dense, candidate.dense + share * (best - candidate.dense))
