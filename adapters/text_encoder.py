"""Texts as vectors by any sentence-transformers model: one vector a text, and one vector a token.

It does not know what the texts are, nor how vectors are compared.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from adapters.torch_runtime import hide_loading_bars, load_torch
from adapters.weights import model_files
from core.errors import BadInput
from core.signals import FloatArray

OFFLINE_MODEL = "all-MiniLM-L6-v2"
"""The model that travels in a pip package: 256 tokens, English. Names of the hub carry an owner and a slash."""
OFFLINE_DIMENSION = 384

BATCH_SIZE = 32
"""Passages of near-equal length a forward pass: sorted batches of 32 ran within 5 % of the best size tried."""
N_CACHED_QUERIES = 64
"""A search asks for the vector and the tokens of the same query, and both come from one forward pass."""


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A text's vector (d,) and token vectors (t, d), all L2-normalised float32."""

    vector: FloatArray
    tokens: FloatArray


class SentenceTextEncoder:
    """A sentence-transformers model on the CPU; it loads at first use, under a lock.

    ``model`` is OFFLINE_MODEL (from its pip package, verified when it loads), a name on the hub, or a folder.

    Texts longer than the model reads at once are cut at word starts; their pieces' vectors are averaged by length and
    their tokens follow one another, so nothing is silently dropped. Query and passage prompts of the model are applied
    and left out of the token vectors.

    ``threads`` is process-wide (see ``load_torch``). A process that encodes queries should pass 1: a query is too short
    to share, and on two busy cores two threads took 231 ms where one took 16 ms.
    """

    def __init__(self, model: str | Path = OFFLINE_MODEL, *, threads: int = 0) -> None:
        self.name = model.name if isinstance(model, Path) else model
        self._model = model
        self._threads = threads
        self._load_lock = threading.Lock()
        self._tokenizer_lock = threading.Lock()
        self._loaded: Any = None
        self._query_cache: OrderedDict[str, _Encoded] = OrderedDict()
        self._query_lock = threading.Lock()

    @cached_property
    def dimension(self) -> int:
        """Numbers in a vector; asking it of any but the offline model loads the model."""
        if self._model == OFFLINE_MODEL:
            return OFFLINE_DIMENSION
        return int(self._load().get_embedding_dimension())

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """Return L2-normalised float32 (n, dimension); (0, dimension) for no texts."""
        encoded = self._encode(texts, "document")
        return np.stack([one.vector for one in encoded]) if encoded else np.zeros((0, self.dimension), np.float32)

    def embed_passage_tokens(self, texts: Sequence[str]) -> list[FloatArray]:
        """Return one L2-normalised float32 (n_tokens, dimension) a text; an empty text has no tokens."""
        return [one.tokens for one in self._encode(texts, "document")]

    def embed_query(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (dimension,)."""
        return self._encode_query(text).vector

    def embed_query_tokens(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (n_tokens, dimension)."""
        return self._encode_query(text).tokens

    def _encode_query(self, text: str) -> _Encoded:
        with self._query_lock:
            if text in self._query_cache:
                self._query_cache.move_to_end(text)
                return self._query_cache[text]
        encoded = self._encode([text], "query")[0]
        for array in (encoded.vector, encoded.tokens):
            array.flags.writeable = False
        with self._query_lock:
            self._query_cache[text] = encoded
            while len(self._query_cache) > N_CACHED_QUERIES:
                self._query_cache.popitem(last=False)
        return encoded

    def _encode(self, texts: Sequence[str], role: str) -> list[_Encoded]:
        """Encode each text; longest first in batches of near-equal length, so little padding is computed."""
        if not texts:
            return []
        prompt = self._prompt(role)
        pieces = [(owner, piece) for owner, text in enumerate(texts) for piece in self._pieces(prompt, text)]
        order = sorted(range(len(pieces)), key=lambda index: -len(pieces[index][1]))
        by_owner: list[dict[int, _Encoded]] = [{} for _ in texts]
        for start in range(0, len(order), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            encoded = self._forward(prompt, [pieces[index][1] for index in batch])
            for index, one in zip(batch, encoded, strict=True):
                by_owner[pieces[index][0]][index] = one
        return [_join([parts[index] for index in sorted(parts)]) for parts in by_owner]

    def _prompt(self, role: str) -> str:
        prompts = self._load().prompts or {}
        return str(prompts.get(role) or (prompts.get("passage") if role == "document" else "") or "")

    def _pieces(self, prompt: str, text: str) -> list[str]:
        model = self._load()
        budget = int(model.get_max_seq_length() or 512) - model.tokenizer.num_special_tokens_to_add() - len(prompt)
        if len(text) <= budget:
            return [text]
        with self._tokenizer_lock:
            tokens = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [text[start:end] for start, end in cut_at_words(tokens["offset_mapping"], max(1, budget))] or [text]

    def _forward(self, prompt: str, texts: Sequence[str]) -> list[_Encoded]:
        model, torch = self._load(), load_torch()
        with self._tokenizer_lock:
            # A fast tokenizer refuses a second thread while it pads ("Already borrowed").
            tokens = model.tokenizer(
                [prompt + text for text in texts],
                padding=True,
                truncation=True,
                max_length=model.get_max_seq_length(),
                return_offsets_mapping=True,
                return_special_tokens_mask=True,
                return_tensors="pt",
            )
        features = {name: tokens[name] for name in model.tokenizer.model_input_names if name in tokens}
        with torch.inference_mode():
            output = model(features)
            vectors = torch.nn.functional.normalize(output["sentence_embedding"].float(), dim=-1).numpy()
            rows = torch.nn.functional.normalize(output["token_embeddings"].float(), dim=-1).numpy()
        is_text = (tokens["attention_mask"] == 1) & (tokens["special_tokens_mask"] == 0)
        is_text &= tokens["offset_mapping"][..., 1] > len(prompt)
        return [
            _Encoded(vector.copy(), row[keep].copy())
            for vector, row, keep in zip(vectors, rows, is_text.numpy(), strict=True)
        ]

    def _load(self) -> Any:
        with self._load_lock:
            if self._loaded is None:
                self._loaded = self._load_model()
            return self._loaded

    def _load_model(self) -> Any:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # it would ignore `threads` and warn after a fork
        load_torch(self._threads)
        source = self._model
        if self._model == OFFLINE_MODEL:
            verified = [file.locate() for file in model_files(OFFLINE_MODEL)]
            source = verified[0].parent
        from sentence_transformers import SentenceTransformer

        hide_loading_bars()
        try:
            model = SentenceTransformer(str(source), device="cpu")
        except (OSError, ValueError) as error:
            raise BadInput(
                f"the text model {self.name} cannot be loaded: {error}",
                remedy="Check the name and that huggingface.co is reachable, or choose the profile `offline`.",
            ) from error
        model.eval()
        self._check_dimensions(model)
        return model

    def _check_dimensions(self, model: Any) -> None:
        """Refuse models whose tokens live in another space than their texts (a dense layer after pooling)."""
        n_token = model[0].get_embedding_dimension()
        n_text = model.get_embedding_dimension()
        if n_token != n_text:
            raise BadInput(
                f"the text model {self.name} has tokens of {n_token} and texts of {n_text} numbers",
                remedy="Choose a model that pools its tokens without a dense layer, such as all-MiniLM-L6-v2.",
            )


def cut_at_words(offsets: Sequence[tuple[int, int]], max_tokens: int) -> list[tuple[int, int]]:
    """Return character ranges of at most ``max_tokens`` tokens each, begun at a word where one is in reach.

    ``offsets`` are the characters ``[start, end)`` of each token, ascending. A token that does not touch the one
    before it begins a word; a single word longer than the limit is cut inside.

    >>> cut_at_words([(0, 2), (3, 5), (5, 7), (8, 9)], 2)
    [(0, 2), (3, 7), (8, 9)]
    >>> cut_at_words([(0, 1), (1, 2), (2, 3)], 2)
    [(0, 2), (2, 3)]
    """
    ranges = []
    first = 0
    while first < len(offsets):
        end = min(first + max_tokens, len(offsets))
        if end < len(offsets):
            starts = (index for index in range(end, first, -1) if offsets[index][0] > offsets[index - 1][1])
            end = next(starts, end)
        ranges.append((offsets[first][0], offsets[end - 1][1]))
        first = end
    return ranges


def _join(pieces: Sequence[_Encoded]) -> _Encoded:
    """Return the pieces of one text as one: the mean vector weighted by tokens, all token vectors in order."""
    if len(pieces) == 1:
        return pieces[0]
    weights = np.array([max(1, len(piece.tokens)) for piece in pieces], np.float32)
    mean = np.average(np.stack([piece.vector for piece in pieces]), axis=0, weights=weights)
    vector = (mean / np.linalg.norm(mean)).astype(np.float32)
    return _Encoded(vector, np.concatenate([piece.tokens for piece in pieces]))
