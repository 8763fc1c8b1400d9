"""Sparse BM25 term weights from the engine's own tokenizer, so both vector stores index the very same terms.

It does not know document frequencies: the index applies IDF.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from typing import Any

from core.scripts import RUN
from core.signals import SparseVector

MEAN_PASSAGE_TERMS = 30.0
"""A segment of 4–20 s holds some 10–50 spoken words, half of them stop words; BM25's default of 256 terms is a web
page, against which every segment would count as equally short."""


class Bm25LexicalEncoder:
    """BM25 by qdrant-edge: lower-cased, accents folded, English stop words and Snowball stems.

    One setting serves all languages, since the language of a three-word query cannot be told: query and passage pass
    through the same stemmer, so a French or German word always meets itself, and only its inflections stay apart.
    The engine's multilingual tokenizer is not used because it drops numbers (``1984``, ``10:42`` and ``$3.99`` give
    no term at all), which people search for on screens; Chinese, Japanese and Korean are cut into bigrams instead.
    """

    name = "bm25-word-fold-en"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None

    def encode_passage(self, text: str) -> SparseVector:
        """Return term weights with saturation and length normalisation; empty when no term is left."""
        return _sparse(self._loaded().embed_document(_normalise(text)))

    def encode_query(self, text: str) -> SparseVector:
        """Return weight 1.0 for each distinct term; empty when no term is left."""
        return _sparse(self._loaded().embed_query(_normalise(text)))

    def _loaded(self) -> Any:
        with self._lock:
            if self._model is None:
                import qdrant_edge

                self._model = qdrant_edge.Bm25(
                    qdrant_edge.Bm25Config(
                        avg_len=MEAN_PASSAGE_TERMS, language="english", lowercase=True, ascii_folding=True
                    )
                )
            return self._model


def _sparse(vector: Any) -> SparseVector:
    return SparseVector(tuple(int(index) for index in vector.indices), tuple(float(value) for value in vector.values))


def _normalise(text: str) -> str:
    """Return the text with compatibility forms unified and CJK runs cut into overlapping bigrams.

    Bigrams as in Lucene's CJKAnalyzer: these scripts put no spaces between words.

    >>> _normalise("Ｎｏ．１ 这个被子")
    'No.1  这个 个被 被子 '
    """
    return RUN.sub(_bigrams, unicodedata.normalize("NFKC", text))


def _bigrams(match: re.Match[str]) -> str:
    run = match.group()
    if len(run) == 1:
        return f" {run} "
    return " " + " ".join(run[start : start + 2] for start in range(len(run) - 1)) + " "
