"""Pictures and texts in one space by any CLIP or SigLIP model that open_clip can load.

It does not know which frames it is given, nor how scores are cut off.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from adapters.torch_runtime import load_torch
from adapters.weights import package_folder
from core.errors import BadInput
from core.signals import FloatArray, ImageArray

BATCH_SIZE = 8
LOCAL_FOLDER_PREFIX = "local-dir:"
RESIZE_MODE = "squash"
"""CLIP's own crop of the middle square drops 44 % of a 16:9 frame, and with it whoever stands at the side. SigLIP
models are trained on squashed pictures. Not measured here: these weights come from a hub."""


UNRELATED_COSINE, MATCHING_COSINE = 0.18, 0.30
UNRELATED_TEXT, MATCHING_TEXT = 0.10, 0.40
"""Where CLIP puts pictures that do not fit and that do, and where texts lie. The first pair is what ViT-B-32 on LAION
weights is known for; it is not measured here, and other models may need another."""


class _Parts(NamedTuple):
    model: Any
    to_input: Any
    tokenizer: Any


class OpenClipEncoder:
    """An open_clip model on the CPU; it loads (and downloads) at first use, under a lock.

    ``model`` is a name of open_clip (``ViT-B-32``) with ``weights`` a tag (``laion2b_s34b_b79k``) or a file, or
    ``hf-hub:owner/name``, or ``local-dir:/folder`` with ``open_clip_config.json`` and weights; those two ignore
    ``weights``. Pickled weights are read as tensors only.
    """

    def __init__(self, model: str, weights: str | None = None, *, threads: int = 0) -> None:
        shown = Path(model).name if model.startswith(LOCAL_FOLDER_PREFIX) else model
        self.name = f"open_clip-{shown}" + (f"-{weights}" if weights else "")
        self._model = model
        self._weights = weights
        self._threads = threads
        self._lock = threading.Lock()
        self._parts: _Parts | None = None

    @staticmethod
    def dimension_of(model: str) -> int:
        """Return the numbers in a vector of a named model, read from open_clip's configuration without importing it.

        >>> OpenClipEncoder.dimension_of("ViT-B-32")
        512

        Raises:
            BadInput: open_clip has no such model. (One on the hub is known only once it is loaded.)
        """
        if model.startswith(LOCAL_FOLDER_PREFIX):
            path = Path(model.removeprefix(LOCAL_FOLDER_PREFIX)) / "open_clip_config.json"
        else:
            path = (package_folder("open_clip") or Path()) / "model_configs" / f"{model.replace('/', '-')}.json"
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadInput(
                f"open_clip knows no model {model}",
                remedy="Set KINOGRAPH_CLIP_MODEL to one of open_clip.list_models().",
            ) from error
        return int(config.get("model_cfg", config)["embed_dim"])

    @cached_property
    def dimension(self) -> int:
        """Numbers in a vector; asking it of a model on the hub loads the model."""
        if self._model.startswith("hf-hub:"):
            return int(self.embed_query("dimension").shape[1])
        return self.dimension_of(self._model)

    def on_text_scale(self, fits: FloatArray) -> FloatArray:
        """Return cosines stretched from UNRELATED–MATCHING of CLIP to the same of texts."""
        share = (fits - UNRELATED_COSINE) / (MATCHING_COSINE - UNRELATED_COSINE)
        return (UNRELATED_TEXT + share * (MATCHING_TEXT - UNRELATED_TEXT)).astype(np.float32)

    def embed_pictures(self, pictures: Sequence[ImageArray]) -> list[FloatArray]:
        """Return one L2-normalised float32 row (1, dimension) a picture, which is uint8 (h, w, 3) RGB of any size."""
        torch, parts = load_torch(), self._load()
        rows: list[FloatArray] = []
        for start in range(0, len(pictures), BATCH_SIZE):
            inputs = [parts.to_input(Image.fromarray(picture)) for picture in pictures[start : start + BATCH_SIZE]]
            with torch.inference_mode():
                encoded = parts.model.encode_image(torch.stack(inputs), normalize=True).float().numpy()
            rows += [row[np.newaxis] for row in encoded]
        return rows

    def embed_query(self, text: str) -> FloatArray:
        """Return one L2-normalised float32 row (1, dimension); its tokenizer cuts text beyond the model's context."""
        torch, parts = load_torch(), self._load()
        with torch.inference_mode():
            encoded = parts.model.encode_text(parts.tokenizer([text]), normalize=True)
        return np.asarray(encoded.float().numpy(), np.float32)

    def _load(self) -> _Parts:
        with self._lock:
            if self._parts is None:
                self._parts = self._load_parts()
            return self._parts

    def _load_parts(self) -> _Parts:
        load_torch(self._threads)
        import open_clip

        try:
            model, to_input = open_clip.create_model_from_pretrained(
                self._model, self._weights, precision="fp32", device="cpu", image_resize_mode=RESIZE_MODE
            )
            tokenizer = open_clip.get_tokenizer(self._model)
        except (OSError, RuntimeError, ValueError) as error:
            raise BadInput(
                f"the picture model {self.name} cannot be loaded: {error}",
                remedy="Check KINOGRAPH_CLIP_MODEL, KINOGRAPH_CLIP_WEIGHTS and that huggingface.co is reachable, "
                "or choose the profile `offline`.",
            ) from error
        return _Parts(model.eval(), to_input, tokenizer)
