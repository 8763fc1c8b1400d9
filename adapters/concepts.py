"""Pictures in the space of texts without CLIP: the classes a small classifier sees, told as the words for them.

It knows the thousand classes of ImageNet and colours, and nothing else; what has no class (a person, a count) it finds
only by what usually stands beside it. It does not know which frames it is given, nor how scores are cut off.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from adapters.class_scenes import class_scenes
from adapters.dominant_colours import COLOURS, colour_shares
from adapters.image_classifier import CLASSIFIER, ImageClassifier
from adapters.weights import package_folder
from core.errors import BadInput
from core.protocols import TextEncoder
from core.signals import FloatArray, ImageArray

LONGEST_SQUARE = 1.1
"""A picture longer than this is seen three times: as a whole, squeezed square, and as the square at either end, where
things keep their shape. The mean of the three is kept, so no vector is added to the index."""

COMMON_SHARE = 0.8
"""Share of the mean class vector that is subtracted: all pictures have it and no query asks for it."""

RIDGE = 4.0
"""How much the map from logits to texts is smoothed, in mean eigenvalues; from 1 to 15 it makes no difference."""

CLASS_TEMPLATE = "a scene with a {}"
"""Against "a photo of a {}" it ranks scenes of videos and photographs a little better."""


COLOUR_WEIGHT, COLOUR_POWER = 0.4, 0.25
"""A picture's vector is moved this far towards the names of its colours, each by this power of its share: a red cup is
a hundredth of its picture, and still what is asked for. From .3 to .6 and .15 to .35 it makes little difference."""

COLOUR_TEMPLATE = "{} colour"


@dataclass(frozen=True, slots=True)
class ConceptSteps:
    """Which steps make a picture's vector from its classes; a service takes all, ``benchmarks.indexing`` leaves out.

    ``views``: see a long picture three times, not once. ``scenes``: what usually stands beside a class is part of what
    its pictures show. ``colours``: mix the names of the picture's colours in.
    """

    views: bool = True
    scenes: bool = True
    colours: bool = True

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))


class ConceptSpace(NamedTuple):
    """Two ways from the classes of a picture to a text vector.

    ``named`` (1000, d) is averaged by the probabilities of the classes; ``smooth`` (1000, d) is applied to all logits.
    """

    named: FloatArray
    smooth: FloatArray


class ConceptVisualEncoder:
    """EfficientNet-lite0 told in the words of a text encoder, whose dimension and space it shares.

    A picture is the sum of two unit vectors. One is ConSE, the mean of the class vectors by probability (Norouzi et
    al., 2013): it is sure of what has a class. The other is a closed-form map from the classifier's last layer to
    texts, learned from the thousand classes alone (after Romera-Paredes and Torr, 2015): it hears the weak voices of
    many classes, and what usually stands beside them. Then the colours of the picture are mixed in, by their names.
    No captions and no training pictures are needed.
    ``docs/decisions/0008`` has the measurements.

    Queries go through the text encoder as they are. Models load at first use, under a lock.
    """

    def __init__(self, text_encoder: TextEncoder, *, threads: int = 0) -> None:
        self.name = f"concepts-3-{CLASSIFIER}-{text_encoder.name}"
        self._text_encoder = text_encoder
        self._classifier = ImageClassifier(threads=threads)
        self._steps = ConceptSteps()
        self._lock = threading.Lock()
        self._held: tuple[ConceptSpace, FloatArray] | None = None

    def without(self, step: str) -> Self:
        """Return an encoder that leaves out a step more of ``ConceptSteps``; both share the models."""
        other = copy(self)
        other.name = f"{self.name} without {step}"
        other._steps = replace(self._steps, **{step: False})
        other._lock, other._held = threading.Lock(), None
        return other

    def on_text_scale(self, fits: FloatArray) -> FloatArray:
        """Return the cosines as they are: pictures are mixtures of texts here."""
        return fits

    @cached_property
    def dimension(self) -> int:
        return self._text_encoder.dimension

    def embed_pictures(self, pictures: Sequence[ImageArray]) -> list[FloatArray]:
        """Return one L2-normalised float32 row (1, dimension) a picture, which is uint8 (h, w, 3) RGB of any size."""
        if not pictures:
            return []
        space, colours = self._concepts()
        views = [views_of(picture) if self._steps.views else [picture] for picture in pictures]
        vectors = tell_in_words(self._classifier.classify([view for few in views for view in few]), space)
        starts = np.cumsum([0, *(len(few) for few in views[:-1])])
        told = unit_rows(np.add.reduceat(vectors, starts, axis=0))
        if self._steps.colours:
            told = add_colours(told, np.stack([colour_shares(picture) for picture in pictures]), colours)
        return [row[np.newaxis] for row in told]

    def embed_query(self, text: str) -> FloatArray:
        """Return one L2-normalised float32 row (1, dimension): the text encoder's vector."""
        return self._text_encoder.embed_query(text)[np.newaxis]

    def _concepts(self) -> tuple[ConceptSpace, FloatArray]:
        """Return the space of concepts and the vectors of colours, computed once (4 s)."""
        with self._lock:
            if self._held is None:
                named, shown = describe_classes(self._text_encoder)
                shown = shown if self._steps.scenes else named
                space = build_space(named, shown, self._classifier.class_directions())
                self._held = space, describe_colours(self._text_encoder)
            return self._held


def views_of(picture: ImageArray) -> list[ImageArray]:
    """Return the whole picture and, unless it is nearly square, the squares at both ends of its longer side.

    >>> [view.shape[:2] for view in views_of(np.zeros((90, 160, 3), np.uint8))]
    [(90, 160), (90, 90), (90, 90)]
    """
    height, width = picture.shape[:2]
    side = min(height, width)
    if max(height, width) <= LONGEST_SQUARE * side:
        return [picture]
    return [picture, picture[:side, :side], picture[-side:, -side:]]


def describe_classes(encoder: TextEncoder) -> tuple[FloatArray, FloatArray]:
    """Return the vectors (1000, d) of the classes' names, and of what their pictures usually show."""
    names, scenes = class_names(), class_scenes()
    named = encoder.embed_passages([CLASS_TEMPLATE.format(name) for name in names])
    beside = dict(zip(scenes, encoder.embed_passages(list(scenes.values())), strict=True))
    shown = [vector + beside[name] if name in beside else vector for name, vector in zip(names, named, strict=True)]
    return named, unit_rows(np.stack(shown))


def describe_colours(encoder: TextEncoder) -> FloatArray:
    """Return the vectors (13, d) of the COLOURS, less what all have: only what tells them apart."""
    vectors = encoder.embed_passages([COLOUR_TEMPLATE.format(name) for name in COLOURS])
    return np.asarray(vectors - vectors.mean(axis=0), np.float32)


def build_space(named: FloatArray, shown: FloatArray, directions: FloatArray) -> ConceptSpace:
    """Return the two maps for classes with text vectors (c, d) and directions in the classifier's features (c, f).

    ``smooth`` is ridge regression from directions to ``shown``, in its dual form: features are then known by their
    logits alone, ``(K + λ)⁻¹ V`` with ``K`` the products of the directions. Both sides are centred over the classes.
    """
    centred = directions - directions.mean(axis=0)
    products = centred @ centred.T
    ridge = RIDGE * float(np.trace(products)) / len(products) * np.eye(len(products), dtype=np.float32)
    smooth = np.linalg.solve(products + ridge, shown - shown.mean(axis=0))
    return ConceptSpace(named - COMMON_SHARE * named.mean(axis=0), smooth.astype(np.float32))


def tell_in_words(logits: FloatArray, space: ConceptSpace) -> FloatArray:
    """Return L2-normalised float32 (n, d) in the space of texts for logits (n, c).

    >>> classes = np.eye(3, dtype=np.float32)
    >>> space = build_space(classes, classes, classes)
    >>> tell_in_words(np.array([[9.0, 1.0, 0.0]], np.float32), space).argmax()
    np.int64(0)
    """
    centred = logits - logits.mean(axis=1, keepdims=True)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return unit_rows(unit_rows(shares @ space.named) + unit_rows(centred @ space.smooth))


def add_colours(vectors: FloatArray, shares: FloatArray, colours: FloatArray) -> FloatArray:
    """Return L2-normalised vectors (n, d) moved towards the colours (c, d) by their shares (n, c) of each picture."""
    mixed = COLOUR_WEIGHT * shares**COLOUR_POWER @ colours
    return unit_rows(np.asarray(vectors + mixed, np.float32))


def unit_rows(matrix: FloatArray) -> FloatArray:
    """Return the rows divided by their norms."""
    return np.asarray(matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12), np.float32)


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
