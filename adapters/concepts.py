"""Pictures in the space of texts without CLIP: the classes a small classifier sees, averaged as words (ConSE).

It knows the thousand classes of ImageNet and nothing else; what has no class (a colour, a gesture, a count) it cannot
find. It does not know which frames it is given, nor how scores are cut off.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from adapters.torch_runtime import load_torch
from adapters.weights import model_files, package_folder
from core.errors import BadInput
from core.protocols import TextEncoder
from core.signals import FloatArray, ImageArray

CLASSIFIER = "efficientnet-lite0"
RESIZED_PX = 256
INPUT_PX = 224
"""The whole picture is squeezed to 256 px square and its middle 224 taken. Against squeezing to 224 outright this
raised MRR on the dev half's 64 visual queries from .37 to .41: the classifier was trained on such crops."""
BATCH_SIZE = 16

N_CLASSES_KEPT = 50
TEMPERATURE = 2.0
COMMON_SHARE = 0.8
"""The mean of ConSE's image vector over the 50 likeliest classes (Norouzi et al., 2013), with two corrections measured
on dev (64 visual queries over 119 windows of 6 s): the softmax is flattened, since at temperature 1 one wrong class
often holds all weight, and 0.8 of the mean class vector is subtracted, which all pictures share and no query asks for.
Together MRR .41 → .46, R@5 .61 → .64. The right window scores .35 (median), the mean window .10, the best window of a
query that nothing matches .27."""
CLASS_TEMPLATE = "a photo of a {}"


class ConceptVisualEncoder:
    """ConSE over EfficientNet-lite0 and a text encoder, whose dimension and space it shares.

    Queries go through the text encoder as they are: wrapped as "a photo of …" they rank alike, but matching and
    unmatched queries grow harder to tell apart (AUC .77 instead of .85). Models load at first use, under a lock.
    """

    def __init__(self, text_encoder: TextEncoder, *, threads: int = 0) -> None:
        self.name = f"conse-{CLASSIFIER}-{text_encoder.name}"
        self._text_encoder = text_encoder
        self._threads = threads
        self._lock = threading.Lock()
        self._classifier: Any = None
        self._class_vectors: FloatArray | None = None

    def on_text_scale(self, cosines: FloatArray) -> FloatArray:
        """Return the cosines as they are: pictures are mixtures of texts here."""
        return cosines

    @cached_property
    def dimension(self) -> int:
        return self._text_encoder.dimension

    def embed_pictures(self, pictures: Sequence[ImageArray]) -> FloatArray:
        """Return L2-normalised float32 (n, dimension); pictures are uint8 (h, w, 3) RGB of any size."""
        if not pictures:
            return np.zeros((0, self.dimension), np.float32)
        shares = flatten_softmax(self._classify(pictures), n_kept=N_CLASSES_KEPT, temperature=TEMPERATURE)
        vectors = shares @ self._concepts()
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def embed_query(self, text: str) -> FloatArray:
        """Return L2-normalised float32 (dimension,): the text encoder's."""
        return self._text_encoder.embed_query(text)

    def _classify(self, pictures: Sequence[ImageArray]) -> FloatArray:
        """Return float32 logits (n, 1000)."""
        torch, classifier = load_torch(), self._load()
        logits = []
        for start in range(0, len(pictures), BATCH_SIZE):
            batch = np.stack([_to_input(picture) for picture in pictures[start : start + BATCH_SIZE]])
            with torch.inference_mode():
                logits.append(classifier(torch.from_numpy(batch)).numpy())
        return np.concatenate(logits)

    def _load(self) -> Any:
        with self._lock:
            if self._classifier is None:
                torch = load_torch(self._threads)
                (weights,) = model_files(CLASSIFIER)
                path = weights.locate()
                from efficientnet_lite_pytorch import EfficientNet

                classifier = EfficientNet.from_name(CLASSIFIER)
                classifier.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
                self._classifier = classifier.eval()
            return self._classifier

    def _concepts(self) -> FloatArray:
        """Return the class vectors (1000, dimension), less what they share; computed once (3 s)."""
        with self._lock:
            if self._class_vectors is None:
                vectors = self._text_encoder.embed_passages([CLASS_TEMPLATE.format(name) for name in class_names()])
                self._class_vectors = vectors - COMMON_SHARE * vectors.mean(axis=0)
            return self._class_vectors


def flatten_softmax(logits: FloatArray, *, n_kept: int, temperature: float) -> FloatArray:
    """Return rows of probabilities over the ``n_kept`` likeliest classes, the rest 0; each row sums to 1.

    >>> flatten_softmax(np.array([[0.0, 0.0, -9.0]], np.float32), n_kept=2, temperature=2.0).tolist()
    [[0.5, 0.5, 0.0]]
    """
    scaled = logits / temperature
    kept = np.argpartition(-scaled, min(n_kept, scaled.shape[1]) - 1, axis=1)[:, :n_kept]
    shares = np.zeros_like(scaled)
    exponentials = np.exp(np.take_along_axis(scaled, kept, axis=1) - scaled.max(axis=1, keepdims=True))
    np.put_along_axis(shares, kept, exponentials / exponentials.sum(axis=1, keepdims=True), axis=1)
    return shares


def class_names() -> tuple[str, ...]:
    """Return the thousand English class names in ImageNet's order, as OpenAI worded them for CLIP.

    Read from open_clip's source as data, since importing open_clip costs seconds and a gigabyte.

    Raises:
        BadInput: open_clip is not installed or no longer holds the list.
    """
    folder = package_folder("open_clip")
    path = folder / "zero_shot_metadata.py" if folder else None
    if path is not None and path.is_file():
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "IMAGENET_CLASSNAMES":
                return tuple(ast.literal_eval(statement.value))
    raise BadInput("open_clip's list of ImageNet class names was not found", remedy="Run: pip install open-clip-torch")


def _to_input(picture: ImageArray) -> FloatArray:
    """Return float32 (3, INPUT_PX, INPUT_PX) as the classifier was trained: (x − 127) / 128."""
    margin = (RESIZED_PX - INPUT_PX) // 2
    image = Image.fromarray(picture).resize((RESIZED_PX, RESIZED_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
    middle = np.asarray(image, np.float32)[margin : margin + INPUT_PX, margin : margin + INPUT_PX]
    return np.ascontiguousarray(((middle - 127.0) / 128.0).transpose(2, 0, 1))
