"""Texts as vectors by any sentence-transformers model: one vector a text, and one vector a token.

It does not know what the texts are, nor how vectors are compared.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from adapters.cosine_levels import measure_text_scale, measure_token_scale
from adapters.hub_files import HUB_REMEDY, text_dimension
from adapters.text_pieces import cut_at_words, encode_in_batches
from adapters.torch_runtime import hide_loading_bars, load_torch
from adapters.weights import model_files
from core.cosine_scales import AS_IT_IS, CosineScale
from core.errors import BadInput
from core.signals import FloatArray

OFFLINE_MODEL = "all-MiniLM-L6-v2"
"""The model that travels in a pip package: 256 tokens, English. Names of the hub carry an owner and a slash."""
OFFLINE_DIMENSION = 384

E5 = re.compile(r"(?:^|[/-])e5-(?:small|base|large)(?:-v2|-unsupervised)?$")
E5_PROMPTS = {"query": "query: ", "document": "passage: "}
"""E5 models are trained with these, as their model cards say, and their checkpoints do not hold them."""

N_CACHED_QUERIES = 64
"""A search asks for the vector and the tokens of the same query, and both come from one forward pass; an answer asks
for both of the same passages, of which the last are kept."""


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
        self._last_passages: tuple[tuple[str, ...], list[_Encoded]] = ((), [])

    @cached_property
    def dimension(self) -> int:
        """Numbers in a vector, from the model's configuration; a model that does not say is loaded."""
        if self._model == OFFLINE_MODEL:
            return OFFLINE_DIMENSION
        return text_dimension(self._model) or int(self._load().get_embedding_dimension())

    @cached_property
    def token_dimension(self) -> int:
        """Numbers in a token's vector; asking it of any but the offline model loads the model."""
        return OFFLINE_DIMENSION if self._model == OFFLINE_MODEL else int(self._load()[0].get_embedding_dimension())

    @cached_property
    def text_scale(self) -> CosineScale:
        """How to read cosines of its vectors; measured with the model unless it is the offline one."""
        return AS_IT_IS if self._model == OFFLINE_MODEL else measure_text_scale(self)

    @cached_property
    def token_scale(self) -> CosineScale:
        """How to read cosines of its tokens; measured with the model unless it is the offline one."""
        return AS_IT_IS if self._model == OFFLINE_MODEL else measure_token_scale(self)

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """Return L2-normalised float32 (n, dimension); (0, dimension) for no texts."""
        encoded = self._encode_passages(texts)
        return np.stack([one.vector for one in encoded]) if encoded else np.zeros((0, self.dimension), np.float32)

    def embed_passage_tokens(self, texts: Sequence[str]) -> list[FloatArray]:
        """Return one L2-normalised float32 (n_tokens, dimension) a text; an empty text has no tokens."""
        return [one.tokens for one in self._encode_passages(texts)]

    def locate_passage_tokens(self, text: str) -> list[tuple[int, int]]:
        """Return the characters ``[start, end)`` of each token that ``embed_passage_tokens`` gives a row."""
        prompt, tokenizer = self._prompt("document"), self._load().tokenizer
        places: list[tuple[int, int]] = []
        at = 0
        for piece in self._pieces(prompt, text):
            at = text.index(piece, at)
            with self._tokenizer_lock:
                tokens = tokenizer(prompt + piece, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
            shift = at - len(prompt)
            places += [
                (max(at, start + shift), end + shift) for start, end in tokens["offset_mapping"] if end + shift > at
            ]
            at += len(piece)
        return places

    def embed_query(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (dimension,)."""
        return self._encode_query(text).vector

    def embed_query_tokens(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (n_tokens, dimension)."""
        return self._encode_query(text).tokens

    def _encode_passages(self, texts: Sequence[str]) -> list[_Encoded]:
        """Encode the texts, or return what was made of the same texts just before."""
        asked, (last, encoded) = tuple(texts), self._last_passages
        if asked != last:
            encoded = self._encode(asked, "document")
            self._last_passages = (asked, encoded)
        return encoded

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
        if not texts:
            return []
        prompt = self._prompt(role)
        return [
            _join(pieces)
            for pieces in encode_in_batches(
                texts, lambda text: self._pieces(prompt, text), lambda pieces: self._forward(prompt, pieces)
            )
        ]

    def _prompt(self, role: str) -> str:
        prompts = {name: prompt for name, prompt in (self._load().prompts or {}).items() if prompt}
        if not prompts and E5.search(self.name):
            prompts = E5_PROMPTS
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
            raise BadInput(f"the text model {self.name} cannot be loaded: {error}", remedy=HUB_REMEDY) from error
        return model.eval()


def _join(pieces: Sequence[_Encoded]) -> _Encoded:
    """Return the pieces of one text as one: the mean vector weighted by tokens, all token vectors in order."""
    if len(pieces) == 1:
        return pieces[0]
    weights = np.array([max(1, len(piece.tokens)) for piece in pieces], np.float32)
    mean = np.average(np.stack([piece.vector for piece in pieces]), axis=0, weights=weights)
    vector = (mean / np.linalg.norm(mean)).astype(np.float32)
    return _Encoded(vector, np.concatenate([piece.tokens for piece in pieces]))
