"""How to read a text model's cosines: what it makes of texts that answer each other, and of texts that do not.

It does not know models, only their vectors.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from core.cosine_scales import EXAMPLES, CosineScale, Levels
from core.signals import FloatArray

TEXT_LEVELS = Levels(unrelated=0.0448, matching=0.4787)
TOKEN_LEVELS = Levels(unrelated=0.1285, matching=0.4893)
"""What all-MiniLM-L6-v2 makes of EXAMPLES, by its vectors and by MaxSim over its tokens; thresholds are set with it."""


class _Vectors(Protocol):
    def embed_query(self, text: str) -> FloatArray: ...

    def embed_passages(self, texts: list[str]) -> FloatArray: ...


class _Tokens(Protocol):
    def embed_query_tokens(self, text: str) -> FloatArray: ...

    def embed_passage_tokens(self, texts: list[str]) -> list[FloatArray]: ...


def measure_text_scale(encoder: _Vectors) -> CosineScale:
    """Return how to read the cosines of the encoder's vectors; it loads the model and encodes 32 short texts."""
    asked = np.stack([encoder.embed_query(query) for query, _ in EXAMPLES])
    told = encoder.embed_passages([passage for _, passage in EXAMPLES])
    return CosineScale.between(Levels.of(asked @ told.T), TEXT_LEVELS)


def measure_token_scale(encoder: _Tokens) -> CosineScale:
    """Return how to read the cosines of the encoder's tokens; it loads the model and encodes 32 short texts."""
    told = encoder.embed_passage_tokens([passage for _, passage in EXAMPLES])
    asked = [encoder.embed_query_tokens(query) for query, _ in EXAMPLES]
    fits = [[float((query @ tokens.T).max(axis=1).mean()) for tokens in told] for query in asked]
    return CosineScale.between(Levels.of(np.array(fits, np.float32)), TOKEN_LEVELS)
