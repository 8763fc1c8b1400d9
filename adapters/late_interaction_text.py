"""Token vectors by a late-interaction model: ColBERT and its heirs, beside one vector a text by another model.

After Khattab and Zaharia, 2020, and Santhanam et al., 2022 (ColBERTv2). It does not know what the texts are, nor how
tokens are compared.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from adapters.cosine_levels import measure_token_scale
from adapters.hub_files import token_dimension
from adapters.multi_vector_model import load_multi_vector_model
from adapters.text_encoder import SentenceTextEncoder
from adapters.text_pieces import cut_at_words, encode_in_batches
from adapters.torch_runtime import load_torch
from core.cosine_scales import CosineScale
from core.signals import FloatArray

READ_AT_ONCE = 512
"""Tokens of a passage read at once where neither checkpoint nor tokenizer sets a limit; all encoders read as many."""


class LateInteractionTextEncoder:
    """Tokens by a model that sentence-transformers loads as MultiVectorEncoder, texts by another encoder; on the CPU.

    ``model`` is a folder or a name on the hub, saved by ColBERT (``artifact.metadata``), PyLate or
    sentence-transformers: marker tokens, lengths, query expansion, skip-list and projection are the checkpoint's own.
    No code of the checkpoint is run.

    Queries have a row for every token the model asks with: words, markers and, where it was trained so, masks up to
    its length. Passages have a row a word piece, without punctuation if the checkpoint skips it, and without markers:
    these say nothing about where in a sentence a match lies. A passage longer than the model reads is cut at word
    starts, and a query longer than its expansion keeps its end.
    """

    def __init__(self, model: str | Path, dense: SentenceTextEncoder, *, threads: int = 0) -> None:
        self.name = f"{dense.name}+{model.name if isinstance(model, Path) else model}"
        self._model = model
        self._dense = dense
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: Any = None

    @property
    def dimension(self) -> int:
        return self._dense.dimension

    @cached_property
    def token_dimension(self) -> int:
        """Numbers in a token's vector, from the checkpoint's configuration."""
        return token_dimension(self._model)

    @property
    def text_scale(self) -> CosineScale:
        return self._dense.text_scale

    @cached_property
    def token_scale(self) -> CosineScale:
        """How to read cosines of its tokens, measured with the model."""
        return measure_token_scale(self)

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """Return L2-normalised float32 (n, dimension) of the other encoder."""
        return self._dense.embed_passages(texts)

    def embed_query(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (dimension,) of the other encoder."""
        return self._dense.embed_query(text)

    def embed_passage_tokens(self, texts: Sequence[str]) -> list[FloatArray]:
        """Return one L2-normalised float32 (n_tokens, token_dimension) a text; an empty text has no tokens."""
        with self._lock:
            return [np.concatenate(pieces) for pieces in encode_in_batches(texts, self._pieces, self._forward)]

    def locate_passage_tokens(self, text: str) -> list[tuple[int, int]]:
        """Return the characters ``[start, end)`` of each token that ``embed_passage_tokens`` gives a row."""
        places: list[tuple[int, int]] = []
        at = 0
        with self._lock:
            model = self._load()
            skipped = sorted({word for module in model for word in getattr(module, "skiplist_words", ())})
            skipped_ids = set(model.tokenizer.convert_tokens_to_ids(skipped)) - {model.tokenizer.unk_token_id}
            for piece in self._pieces(text):
                at = text.index(piece, at)
                tokens = model.tokenizer(piece, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
                places += [
                    (at + start, at + end)
                    for token, (start, end) in zip(tokens["input_ids"], tokens["offset_mapping"], strict=True)
                    if token not in skipped_ids
                ]
                at += len(piece)
        return places

    def embed_query_tokens(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (n_rows, token_dimension)."""
        with self._lock:
            return _to_rows(self._load().encode_query([text], show_progress_bar=False)[0])

    def _pieces(self, text: str) -> list[str]:
        model = self._load()
        at_once = model[0].document_length or min(model.max_seq_length or READ_AT_ONCE, READ_AT_ONCE)
        budget = at_once - model.tokenizer.num_special_tokens_to_add() - len(self._marker())
        tokens = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [text[start:end] for start, end in cut_at_words(tokens["offset_mapping"], max(1, budget))] or [text]

    def _marker(self) -> list[int]:
        """Return the tokens that the checkpoint puts before passages: the marker [D], or words."""
        model = self._load()
        return list(model.tokenizer(model.prompts.get("document") or "", add_special_tokens=False)["input_ids"])

    def _forward(self, pieces: Sequence[str]) -> list[FloatArray]:
        """Return the rows of each piece's own tokens that the checkpoint compares."""
        model, torch = self._load(), load_torch()
        features = model.preprocess(list(pieces), prompt=model.prompts.get("document"), task="document")
        special = set(model.tokenizer.all_special_ids) - {model.tokenizer.unk_token_id}
        is_word = features["attention_mask"].bool() & ~torch.isin(features["input_ids"], torch.tensor(list(special)))
        n_plain = sum(token not in special for token in self._marker())
        is_word &= is_word.cumsum(1) > n_plain  # markers that are no special tokens stand before all words
        with torch.inference_mode():
            output = model(features, task="document")
        keep = output["attention_mask"].bool() & is_word
        return [_to_rows(rows[kept]) for rows, kept in zip(output["token_embeddings"], keep, strict=True)]

    def _load(self) -> Any:
        """Return the model; the caller holds the lock."""
        if self._loaded is None:
            self._loaded = self._load_model()
        return self._loaded

    def _load_model(self) -> Any:
        _ = self.token_dimension  # refuses other models, to which the library would add a random projection
        model = load_multi_vector_model(self._model, "token model", threads=self._threads, device="cpu")
        reader: Any = model[0]
        if reader.query_expansion is not None:  # "fixed" would drop the words of a query beyond its length
            reader.query_expansion = {**reader.query_expansion, "strategy": "min"}
        return model


def _to_rows(rows: Any) -> FloatArray:
    """Return a torch matrix as L2-normalised float32."""
    matrix = rows.float().cpu().numpy()
    return np.asarray(matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12), np.float32)
