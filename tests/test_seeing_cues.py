"""What the benchmark of seeing tells of a picture beyond its classes: its kind, its faces, and who asks for them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.picture_kinds import KINDS, kind_shares
from benchmarks.seeing_cues import CROWD, KIND_NAMES, KIND_TEXTS, count_people, list_cue_ways, tell_faces
from benchmarks.seeing_ways import Looks
from core.signals import FloatArray, ImageArray

NOISE = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8)
GREY = np.repeat(NOISE[..., :1], 3, axis=2)
GREEN = np.full((90, 160, 3), (60, 200, 120), np.uint8)
WHITE = np.full((90, 160, 3), 255, np.uint8)


@pytest.mark.parametrize(
    ("picture", "n_chars", "kinds"),
    [
        (NOISE, 0, {"photograph"}),
        (GREY, 0, {"photograph", "black and white"}),
        (GREEN, 0, {"drawn"}),
        (NOISE, 900, {"page of text"}),
        (GREEN, 150, {"drawn", "screen"}),
        (WHITE, 150, {"black and white", "screen"}),
    ],
)
def test_a_picture_is_of_its_kinds(picture: ImageArray, n_chars: int, kinds: set[str]) -> None:
    shares = kind_shares(picture, n_chars)
    assert {kind for kind, share in zip(KINDS, shares, strict=True) if share > 0.9} == kinds


def test_every_kind_has_its_words() -> None:
    assert set(KIND_TEXTS) == set(KIND_NAMES) == set(KINDS)


@pytest.mark.parametrize(("n_faces", "told"), [(0, 0), (1, 1), (2, 3), (3, 4), (5, 4), (6, 5), (20, 5)])
def test_faces_are_told_by_their_number(n_faces: int, told: int) -> None:
    assert np.flatnonzero(tell_faces(np.full(n_faces, 0.01, np.float32)) == 1.0).tolist() == [told]


def test_a_face_that_fills_the_picture_is_a_close_up() -> None:
    assert tell_faces(np.array([0.8], np.float32))[2] == 1.0


@pytest.mark.parametrize(
    ("query", "n_people"),
    [
        ("three young women on a bench", 3),
        ("a father and his little girl", 2),
        ("close-up of a face", 1),
        ("spectators at an airfield", CROWD),
        ("a human tower of cards", 0),
        ("two bottles and a man", 1),
    ],
)
def test_people_named_are_counted(query: str, n_people: int) -> None:
    assert count_people(query) == n_people


def test_ways_by_faces_need_a_detector() -> None:
    def looks(faces: list[FloatArray] | None) -> Looks:
        empty = np.zeros((0, 3, 1), np.float32)
        return Looks(empty, empty, np.zeros((0, 32, 32, 3), np.uint8), np.zeros((0, 5), np.float32), faces, empty)

    assert len(list_cue_ways(looks(None))) < len(list_cue_ways(looks([])))
