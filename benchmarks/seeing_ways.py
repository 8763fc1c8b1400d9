"""The ways to find pictures by words that ``benchmarks.seeing`` compares: the one in use, its steps, what was dropped.

It does not know segments, videos or which picture is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adapters.concepts import (
    CLASS_TEMPLATE,
    COMMON_SHARE,
    ConceptSpace,
    add_colours,
    build_space,
    class_names,
    describe_classes,
    describe_colours,
    tell_in_words,
    unit_rows,
    views_of,
)
from adapters.dominant_colours import COLOURS, colour_shares
from adapters.image_classifier import ImageClassifier
from adapters.weights import package_folder
from benchmarks.faces import CENTERFACE, FaceDetector
from benchmarks.picture_kinds import kind_shares
from core.protocols import TextEncoder
from core.signals import FloatArray, ImageArray

FORMER_TEMPLATE, FORMER_TEMPERATURE, FORMER_CLASSES = "a photo of a {}", 2.0, 50
IN_USE = "+ the names of the picture's colours: **in use**"
CROP_SHARE = 2 / 3
SMALL_PX = 32
N_VIEWS, N_CROPS = 3, 5

SMALL_WORDS = re.compile(
    r"\b(?:a|an|the|of|in|on|at|to|with|from|by|and|or|for|over|under|above|below|beside|between|behind|before|after|near|"
    r"its|his|her|their|is|are|be|it|that|then|one|who|which|out|up|down|as|into|against|only|exactly)\b",
    re.IGNORECASE,
)

Score = Callable[[str], FloatArray]
"""The scores (k,) of all pictures for a query."""


@dataclass(frozen=True)
class Looks:
    """What the classifier sees in k pictures: logits of the whole and both ends (k, 3, 1000), and of five crops.

    ``small`` is uint8 (k, SMALL_PX, SMALL_PX, 3), ``kinds`` (k, 5) as ``picture_kinds`` tells them. ``faces`` are the
    heights of each picture's faces, None where nothing finds faces. ``directions`` are the classifier's, see
    ``ImageClassifier``.
    """

    views: FloatArray
    crops: FloatArray
    small: ImageArray
    kinds: FloatArray
    faces: Sequence[FloatArray] | None
    directions: FloatArray


@dataclass
class Words:
    """Texts as vectors; each is encoded once."""

    encoder: TextEncoder
    _held: dict[str, FloatArray] = field(default_factory=dict)

    def vector(self, text: str) -> FloatArray:
        if text not in self._held:
            self._held[text] = self.encoder.embed_passages([text])[0]
        return self._held[text]

    def classes(self, template: str) -> FloatArray:
        return self._classes(tuple(template.format(name) for name in class_names()))

    @cached_property
    def described(self) -> tuple[FloatArray, FloatArray]:
        """See ``adapters.concepts.describe_classes``."""
        return describe_classes(self.encoder)

    @cached_property
    def colours(self) -> FloatArray:
        """See ``adapters.concepts.describe_colours``."""
        return describe_colours(self.encoder)

    @cached_property
    def definitions(self) -> FloatArray:
        """Class names with their WordNet definitions, which timm carries."""
        folder = package_folder("timm")
        assert folder is not None
        synsets = (folder / "data/_info/imagenet_synsets.txt").read_text().split()
        lines = (folder / "data/_info/imagenet_synset_to_definition.txt").read_text().splitlines()
        meaning = dict(line.split("\t", 1) for line in lines)
        return self._classes(tuple(f"{name}: {meaning[key]}" for name, key in zip(class_names(), synsets, strict=True)))

    def _classes(self, texts: tuple[str, ...]) -> FloatArray:
        missing = [text for text in texts if text not in self._held]
        if missing:
            self._held.update(zip(missing, self.encoder.embed_passages(missing), strict=True))
        return np.stack([self._held[text] for text in texts])


@dataclass(frozen=True)
class Way:
    """A way to score pictures; ``prepare`` returns the scores by query."""

    name: str
    prepare: Callable[[Looks, Words], Score]


def list_ways() -> list[Way]:
    """Return the former way first, then what was added step by step, then what was tried on top and dropped."""
    return [
        Way("ConSE, one view (former)", lambda looks, words: by_rows(conse(looks.views[:, :1], words), words)),
        Way("+ mean of three views", lambda looks, words: by_rows(conse(looks.views, words), words)),
        Way("+ a map from all logits to texts", lambda looks, words: by_rows(mapped(looks, words), words)),
        Way("+ “a scene with a …”, plain softmax", lambda looks, words: by_rows(without_scenes(looks, words), words)),
        Way("+ what stands beside a class", mean_of_views),
        Way(IN_USE, with_colours),
        Way("– views as rows of their own, best one", best_of_views),
        Way("– five crops more, best one", best_of_crops),
        Way("– each phrase at its best view", phrases_at_views),
        Way("– colours as a bonus of their own", bonus_for_colours),
        Way("– class definitions in the class texts", lambda looks, words: by_rows(defined(looks, words), words)),
        Way("– posteriors of query and picture", posteriors),
        Way("– less what every query finds", less_common_fit),
        Way("– relative to the best a class could fit", relative_fit),
    ]  # fmt: skip


def look_at(paths: Sequence[Path], n_chars: Sequence[int] = ()) -> Looks:
    """Classify the views and crops of pictures: eight passes a picture, about 0.4 s.

    ``n_chars`` says how much text was read on each, nothing where it was not looked for.
    """
    classifier = ImageClassifier(threads=1)
    detector = FaceDetector() if CENTERFACE.is_installed else None
    views, crops, small, kinds, faces = [], [], [], [], []
    for path, chars in zip(paths, n_chars or [0] * len(paths), strict=True):
        image = Image.open(path).convert("RGB")
        picture = np.asarray(image)
        few = views_of(picture)
        logits = classifier.classify([*few, *cut_crops(picture)])
        views.append(logits[: len(few)] if len(few) == N_VIEWS else np.repeat(logits[:1], N_VIEWS, axis=0))
        crops.append(logits[len(few) :])
        small.append(np.asarray(image.resize((SMALL_PX, SMALL_PX), Image.Resampling.BOX)))
        kinds.append(kind_shares(picture, chars))
        if detector:
            faces.append(detector.heights_of_faces(picture))
    return Looks(
        np.stack(views),
        np.stack(crops),
        np.stack(small),
        np.stack(kinds),
        faces if detector else None,
        classifier.class_directions(),
    )


def cut_crops(picture: ImageArray) -> list[ImageArray]:
    """Return the four corners and the middle, each two thirds as wide and as high."""
    height, width = (int(side * CROP_SHARE) for side in picture.shape[:2])
    down, right = picture.shape[0] - height, picture.shape[1] - width
    corners = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
    return [picture[top : top + height, left : left + width] for top, left in corners]


def by_rows(vectors: FloatArray, words: Words) -> Score:
    """Score by the mean of each picture's rows (k, v, d)."""
    mean = unit_rows(vectors.mean(axis=1))
    return lambda query: mean @ words.vector(query)


def by_best(vectors: FloatArray, words: Words) -> Score:
    """Score by the best of each picture's rows (k, v, d)."""
    return lambda query: np.asarray((vectors @ words.vector(query)).max(axis=1), np.float32)


def in_words(logits: FloatArray, space: ConceptSpace) -> FloatArray:
    """Return the vectors (k, v, d) of logits (k, v, 1000)."""
    return tell_in_words(logits.reshape(-1, logits.shape[-1]), space).reshape(*logits.shape[:2], -1)


def conse(logits: FloatArray, words: Words) -> FloatArray:
    """Return ConSE as it was: the 50 likeliest classes by a softmax at temperature 2."""
    vectors = words.classes(FORMER_TEMPLATE)
    scaled = logits / FORMER_TEMPERATURE
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    weights[weights < np.partition(weights, -FORMER_CLASSES, axis=-1)[..., -FORMER_CLASSES, None]] = 0.0
    mean = weights @ (vectors - COMMON_SHARE * vectors.mean(axis=0))
    return np.asarray(mean / np.linalg.norm(mean, axis=-1, keepdims=True), np.float32)


def mapped(looks: Looks, words: Words) -> FloatArray:
    vectors = words.classes(FORMER_TEMPLATE)
    space = build_space(vectors, vectors, looks.directions)
    centred = looks.views - looks.views.mean(axis=-1, keepdims=True)
    smooth = centred @ space.smooth
    return np.asarray(conse(looks.views, words) + smooth / np.linalg.norm(smooth, axis=-1, keepdims=True), np.float32)


def without_scenes(looks: Looks, words: Words) -> FloatArray:
    vectors = words.classes(CLASS_TEMPLATE)
    return in_words(looks.views, build_space(vectors, vectors, looks.directions))


def space_in_use(looks: Looks, words: Words) -> ConceptSpace:
    return build_space(*words.described, looks.directions)


def views_in_words(looks: Looks, words: Words) -> FloatArray:
    return in_words(looks.views, space_in_use(looks, words))


def defined(looks: Looks, words: Words) -> FloatArray:
    named, shown = words.described
    return in_words(looks.views, build_space(named, unit_rows(shown + words.definitions), looks.directions))


def mean_of_views(looks: Looks, words: Words) -> Score:
    return by_rows(views_in_words(looks, words), words)


def best_of_views(looks: Looks, words: Words) -> Score:
    return by_best(views_in_words(looks, words), words)


def best_of_crops(looks: Looks, words: Words) -> Score:
    return by_best(in_words(np.concatenate([looks.views, looks.crops], axis=1), space_in_use(looks, words)), words)


def phrases_at_views(looks: Looks, words: Words) -> Score:
    """Three quarters of the score, and for the rest each phrase where it fits best."""
    views, whole = views_in_words(looks, words), mean_of_views(looks, words)

    def score(query: str) -> FloatArray:
        phrases = np.stack([words.vector(phrase) for phrase in phrases_of(query)])
        return np.asarray(0.75 * whole(query) + 0.25 * (views @ phrases.T).max(axis=1).mean(axis=-1), np.float32)

    return score


def phrases_of(query: str) -> list[str]:
    """Return the runs of words between small words.

    >>> phrases_of("a red cup on the table")
    ['red cup', 'table']
    """
    runs = (" ".join(re.findall(r"[\w'-]+", run)) for run in SMALL_WORDS.split(query))
    return [run for run in runs if run] or [query]


def shares_of_colours(looks: Looks) -> FloatArray:
    return np.stack([colour_shares(picture) for picture in looks.small])


def coloured(looks: Looks, words: Words) -> FloatArray:
    """Return the pictures' vectors (k, d) as the product makes them."""
    vectors = unit_rows(views_in_words(looks, words).mean(axis=1))
    return add_colours(vectors, shares_of_colours(looks), words.colours)


def with_colours(looks: Looks, words: Words) -> Score:
    told = coloured(looks, words)
    return lambda query: told @ words.vector(query)


def bonus_for_colours(looks: Looks, words: Words) -> Score:
    """A tenth of the fourth root of the share of pixels that have a colour the query names, on average."""
    shares, whole, names = shares_of_colours(looks), mean_of_views(looks, words), list(COLOURS)

    def score(query: str) -> FloatArray:
        named = [names.index(word) for word in re.findall(r"\w+", query.casefold()) if word in COLOURS]
        bonus = 0.1 * (shares[:, named] ** 0.25).mean(axis=1) if named else 0.0
        return np.asarray(whole(query) + bonus, np.float32)

    return score


def posteriors(looks: Looks, words: Words) -> Score:
    """Score by the chance that query and picture mean the same class, on a scale like that of cosines."""
    classes = words.classes(CLASS_TEMPLATE)
    centred = classes - classes.mean(axis=0)
    pictures = softmax(looks.views).mean(axis=1)
    return lambda query: np.asarray(np.sqrt(pictures) @ np.sqrt(softmax(centred @ words.vector(query) / 0.05)))


def less_common_fit(looks: Looks, words: Words) -> Score:
    """Subtract half of each picture's mean fit to all classes (hubness; after Conneau et al., 2018)."""
    vectors = unit_rows(views_in_words(looks, words).mean(axis=1))
    hub = vectors @ words.classes(CLASS_TEMPLATE).mean(axis=0)
    return lambda query: np.asarray(vectors @ words.vector(query) - 0.5 * (hub - hub.mean()), np.float32)


def relative_fit(looks: Looks, words: Words) -> Score:
    """Subtract 0.3 of how well the query's ten nearest classes would fit it: so queries may be compared."""
    whole = mean_of_views(looks, words)
    space = space_in_use(looks, words)
    centred = looks.directions - looks.directions.mean(axis=0)
    pure = unit_rows(unit_rows(space.named) + unit_rows(centred @ centred.T @ space.smooth))

    def score(query: str) -> FloatArray:
        best = np.sort(pure @ words.vector(query))[-10:].mean()
        return np.asarray(whole(query) - 0.3 * (best - 0.31), np.float32)

    return score


def softmax(logits: FloatArray | NDArray[np.float64]) -> FloatArray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), np.float32)
