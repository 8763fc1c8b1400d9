"""Pictures and queries as several rows each, by a late-interaction retriever: ColPali (Faysse et al., 2024) and kin.

It does not know which frames it is given, nor how scores are cut off.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from adapters.hub_files import picture_dimension
from adapters.multi_vector_model import load_multi_vector_model
from core.cosine_scales import CosineScale, Levels
from core.signals import FloatArray, ImageArray

BATCH_SIZE = 4
"""Pictures a forward pass: each is several hundred tokens of a language model."""

ROWS_PER_PICTURE = 32
"""Rows kept of a picture's several hundred, by Ward clustering. Ma et al., 2025 ("Towards Storage-Efficient Visual
Document Retrieval"), lose some 5 % of nDCG on pages of text with a thirtieth of the rows, fine-tuned for it; not
measured here on frames, for want of weights."""

FITS = CosineScale.between(Levels(unrelated=0.50, matching=0.85), Levels(unrelated=0.10, matching=0.40))
"""How MaxSim a query row is read on the scale of texts. Of the three pages and queries in transformers' own test of
ColQwen2, of about twenty rows a query, those that match score 16 to 20 and the others 8 to 15; pooled rows and frames
lie lower, other models elsewhere. Not measured here: these weights come from a hub."""


class VisualRetriever:
    """A ColQwen2, ColPali or ColModernVBERT in the format of transformers; on a GPU if torch finds one, else the CPU.

    ``model`` is a folder or a name on the hub; it loads (and downloads) at first use, under a lock. No code of the
    checkpoint is run. A picture's rows are its patches alone, not the words of the prompt around them.
    """

    def __init__(self, model: str | Path, *, threads: int = 0) -> None:
        self.name = model.name if isinstance(model, Path) else model
        self._model = model
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: Any = None

    @cached_property
    def dimension(self) -> int:
        """Numbers in a row, from the model's configuration."""
        return picture_dimension(self._model)

    def on_text_scale(self, fits: FloatArray) -> FloatArray:
        return FITS.read(fits)

    def embed_pictures(self, pictures: Sequence[ImageArray]) -> list[FloatArray]:
        """Return L2-normalised float32 (at most ROWS_PER_PICTURE, dimension) a picture, uint8 (h, w, 3) RGB."""
        if not pictures:
            return []
        with self._lock:
            patches = self._load().encode_document(
                [Image.fromarray(picture) for picture in pictures], batch_size=BATCH_SIZE, show_progress_bar=False
            )
        return [_pool(rows.float().cpu()) for rows in patches]

    def embed_query(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (n_rows, dimension): the words, and what the model asks beside them."""
        with self._lock:
            rows = self._load().encode_query([text], show_progress_bar=False)[0]
        return np.asarray(rows.float().cpu().numpy(), np.float32)

    def _load(self) -> Any:
        """Return the model; the caller holds the lock."""
        if self._loaded is None:
            self._loaded = self._load_model()
        return self._loaded

    def _load_model(self) -> Any:
        _ = self.dimension  # refuses other models, to which the library would add a random projection
        model = load_multi_vector_model(self._model, "retriever", threads=self._threads)
        from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

        processor = model[0].processor
        patch = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
        for module in model:
            if isinstance(module, MultiVectorMask):
                module.keep_only_token_ids = [patch]
        return model


def _pool(rows: Any) -> FloatArray:
    """Return at most ROWS_PER_PICTURE L2-normalised rows: the means of alike ones of a picture's patches."""
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

    factor = max(1.0, len(rows) / ROWS_PER_PICTURE)
    pooled = HierarchicalTokenPooling(factor, num_protected_tokens=0).pool_one(rows)
    return np.asarray(pooled.numpy(), np.float32)
