"""Shots: cuts, dissolves and stillness found in thumbnails, and tiled over a part."""

from __future__ import annotations

import itertools
import random

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from PIL import Image

from adapters.transnet import TransNetShotDetector
from core.records import Span
from core.signals import DecodedPart, ImageArray
from indexer.shots import detect_shots


class CutsAt:
    """A detector that has been told where the cuts are."""

    name = "told"

    def __init__(self, *indices: int) -> None:
        self._indices = list(indices)

    def find_cuts(self, thumbnails: ImageArray) -> list[int]:
        return self._indices


def decoded(n: int, *, start_s: float = 0.0, frames_per_s: float = 25.0) -> DecodedPart:
    return DecodedPart(np.arange(n) / frames_per_s + start_s, np.zeros((n, 27, 48, 3), np.uint8), ())


def scene(seed: int, n: int, *, detail: int = 18) -> ImageArray:
    """Frames of a picture with ``detail`` rows of blocks that drifts slowly, as from a camera on a shoulder."""
    noise = np.random.default_rng(seed).integers(0, 255, (detail, detail * 16 // 9, 3), dtype=np.uint8)
    wide = np.asarray(Image.fromarray(noise).resize((96, 54), Image.Resampling.BICUBIC))
    shifts = [round(4 + 3 * np.sin(i / 9 + seed)) for i in range(n)]
    return np.stack([wide[10 : 10 + 27, shift : shift + 48] for shift in shifts])


def standing(seed: int, n: int) -> ImageArray:
    """Frames of one picture from a camera that stands, with a little noise."""
    noise = np.random.default_rng(seed).integers(0, 3, (n, 27, 48, 3), dtype=np.uint8)
    return scene(seed, 1)[0] // 2 + noise


def dissolve(before: ImageArray, after: ImageArray) -> ImageArray:
    weight = np.linspace(0, 1, len(before))[:, None, None, None]
    return (before * (1 - weight) + after * weight).astype(np.uint8)


class TestTiling:
    def test_shots_tile_the_part(self) -> None:
        shots = detect_shots(decoded(250, start_s=10.0), Span(10.0, 20.0), CutsAt(50, 125))
        assert [(shot.span.start_s, shot.span.end_s) for shot in shots] == [(10.0, 12.0), (12.0, 15.0), (15.0, 20.0)]
        assert [shot.starts_at_cut for shot in shots] == [False, True, True]

    def test_the_first_shot_of_a_video_starts_at_a_cut(self) -> None:
        assert detect_shots(decoded(25), Span(0.0, 1.0), CutsAt())[0].starts_at_cut

    def test_flashes_and_cuts_at_the_edges_make_no_shots(self) -> None:
        shots = detect_shots(decoded(100), Span(0.0, 4.0), CutsAt(1, 50, 51, 99))
        assert [shot.span.start_s for shot in shots] == [0.0, 2.0]

    def test_a_part_without_frames_is_one_shot(self) -> None:
        assert [shot.span for shot in detect_shots(decoded(0), Span(3.0, 9.0), CutsAt())] == [Span(3.0, 9.0)]

    @given(st.lists(st.integers(1, 199), unique=True))
    def test_shots_always_tile(self, cuts: list[int]) -> None:
        shots = detect_shots(decoded(200), Span(0.0, 8.0), CutsAt(*sorted(cuts)))
        edges = [shot.span.start_s for shot in shots] + [shots[-1].span.end_s]
        assert (edges[0], edges[-1]) == (0.0, 8.0)
        assert all(a < b for a, b in itertools.pairwise(edges))


class TestPlainCuts:
    """What the differences between frames decide, without the network."""

    def test_finds_hard_cuts_at_the_exact_frame(self) -> None:
        frames = np.concatenate([standing(1, 40), standing(2, 12), standing(3, 60)])
        assert TransNetShotDetector().find_cuts(frames) == [40, 52]

    def test_stillness_is_no_cut(self) -> None:
        assert TransNetShotDetector().find_cuts(standing(4, 500)) == []

    def test_a_flash_is_no_cut(self) -> None:
        frames = standing(6, 80)
        frames[40:42] = 255
        assert TransNetShotDetector().find_cuts(frames) == []

    @pytest.mark.parametrize("n", [0, 1])
    def test_takes_next_to_nothing(self, n: int) -> None:
        assert TransNetShotDetector().find_cuts(np.zeros((n, 27, 48, 3), np.uint8)) == []


@pytest.mark.models
class TestNetwork:
    @pytest.mark.parametrize("n_amid", [12, 20, 40])
    def test_finds_a_dissolve_near_its_middle(self, n_amid: int) -> None:
        n = 60
        before, after = scene(7, n + n_amid, detail=6), scene(8, n_amid + n, detail=6)
        frames = np.concatenate([before[:n], dissolve(before[n:], after[:n_amid]), after[n_amid:]])
        (cut,) = TransNetShotDetector(threads=1).find_cuts(frames)
        assert abs(cut - (n + n_amid / 2)) <= 6

    def test_a_jerky_camera_is_no_cut(self) -> None:
        assert TransNetShotDetector(threads=1).find_cuts(scene(5, 200)) == []

    def test_leaves_random_generators_and_torch_as_they_were(self) -> None:
        import torch

        random.seed(11)
        np.random.seed(11)
        torch.manual_seed(11)
        expected = random.random(), np.random.random(), float(torch.rand(1))
        random.seed(11)
        np.random.seed(11)
        torch.manual_seed(11)
        before, after = scene(7, 80, detail=6), scene(8, 80, detail=6)
        frames = np.concatenate([before[:60], dissolve(before[60:], after[:20]), after[20:]])
        TransNetShotDetector(threads=1).find_cuts(frames)
        assert (random.random(), np.random.random(), float(torch.rand(1))) == expected
        assert not torch.are_deterministic_algorithms_enabled()
