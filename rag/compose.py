"""Composes finder and answerer from stores and encoders; entry points call it once.

It does not know which engines stand behind the protocols.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.protocols import EntityRecogniser, LanguageModel, LexicalEncoder, TextEncoder, VisualEncoder
from core.stores import Catalogue, MediaStore, SegmentIndex
from rag.answer import Answerer
from rag.expand import GraphExpander
from rag.question_search import QuestionSearch
from rag.relevance import MIN_SCORE
from rag.retrieve import encode_query
from rag.search import MomentSearch
from rag.steps import ALL_STEPS, Steps


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What the API asks: ``finder`` for moments, ``answerer`` for answers."""

    finder: MomentSearch
    answerer: Answerer
    text: TextEncoder
    visual: VisualEncoder
    lexical: LexicalEncoder

    def warm_up(self) -> None:
        """Load the query models, so that the first search is as fast as the second."""
        encode_query("a first query", self.text, self.visual, self.lexical)


def compose_retrieval(
    *,
    catalogue: Catalogue,
    index: SegmentIndex,
    media: MediaStore,
    text: TextEncoder,
    visual: VisualEncoder,
    lexical: LexicalEncoder,
    recogniser: EntityRecogniser,
    model: LanguageModel | None,
    steps: Steps = ALL_STEPS,
    floor: float = MIN_SCORE,
) -> Retrieval:
    """Return finder and answerer over the given stores; ``model`` None means extractive answers.

    ``steps`` and ``floor``, the score below which the best moment is none, differ from a service's only to measure.
    """
    finder = MomentSearch(catalogue, index, text, visual, lexical, steps, model, floor)
    search = QuestionSearch(catalogue, finder, steps)
    expander = GraphExpander(catalogue, recogniser) if steps.graph else None
    answerer = Answerer(catalogue, media, search, expander, text, model)
    return Retrieval(finder, answerer, text, visual, lexical)
