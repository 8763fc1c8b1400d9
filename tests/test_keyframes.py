"""Keyframes: one for each thing a shot comes to show, sharp, and never blank where there is something to see."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from adapters.media import AvMediaReader
from core.records import Shot, Span
from core.signals import DecodedPart, Picture
from indexer.keyframes import KeyframePicture, choose_keyframes
from indexer.shots import detect_shots
from tests.clips import Pixels, plain, slide, textured, write_video
from tests.test_shots import CutsAt


def part_of(pictures: dict[float, Pixels], *, duration_s: float, moving: bool = False) -> DecodedPart:
    """A part at 10 frames a second that shows each picture from its time on, with a candidate at that time."""
    times_s = np.arange(round(duration_s * 10)) / 10
    starts_s = np.array(sorted(pictures))
    shown = [pictures[starts_s[max(0, np.searchsorted(starts_s, t, side="right") - 1)]] for t in times_s]
    thumbnails = np.stack([np.asarray(Image.fromarray(p).resize((48, 27), Image.Resampling.BOX)) for p in shown])
    if moving:
        thumbnails = thumbnails // 2 + np.random.default_rng(0).integers(0, 60, thumbnails.shape, dtype=np.uint8)
    return DecodedPart(times_s, thumbnails, tuple(Picture(time_s, jpeg(p)) for time_s, p in pictures.items()))


def jpeg(picture: Pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=90)
    return out.getvalue()


def times_of(keyframes: list[KeyframePicture]) -> list[float]:
    return [keyframe.time_s for keyframe in keyframes]


def test_a_slide_that_stands_is_one_keyframe_for_all_of_it() -> None:
    part = part_of({0.5: slide(["Agenda"]), 12.0: slide(["Agenda"])}, duration_s=30)
    (keyframe,) = choose_keyframes(part, [Shot(Span(0, 30))])
    assert keyframe.span == Span(0, 30)
    assert keyframe.rgb.shape == (720, 1280, 3)
    assert keyframe.sharpness > 0


def test_each_line_that_appears_gets_a_keyframe_whose_span_begins_with_it() -> None:
    lines = ["Plan", "Measure first", "Then cut", "Then measure again"]
    builds = {5.0 * n: slide(lines[: n + 1]) for n in range(4)}
    keyframes = choose_keyframes(part_of(builds, duration_s=20), [Shot(Span(0, 20))])
    assert times_of(keyframes) == [0.0, 5.0, 10.0, 15.0]
    assert [keyframe.span.start_s for keyframe in keyframes] == pytest.approx([0, 5, 10, 15], abs=0.11)


def test_a_long_moving_shot_gets_one_every_few_seconds() -> None:
    pictures = {float(second): textured(second) for second in range(20)}
    keyframes = choose_keyframes(part_of(pictures, duration_s=20, moving=True), [Shot(Span(0, 20))])
    assert 5 <= len(keyframes) <= 10
    assert all(1.0 <= keyframe.span.duration_s <= 5.0 for keyframe in keyframes)


def test_prefers_sharp_to_blurred_and_anything_to_black() -> None:
    sharp = textured(1)
    blurred = np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(6)))
    part = part_of({0.1: plain((0, 0, 0)), 0.5: blurred, 1.0: sharp}, duration_s=2, moving=True)
    assert times_of(choose_keyframes(part, [Shot(Span(0, 2))])) == [1.0]


def test_a_black_shot_still_has_a_keyframe() -> None:
    part = part_of({0.1: plain((0, 0, 0)), 3.0: textured(1)}, duration_s=5)
    keyframes = choose_keyframes(part, [Shot(Span(0, 2.5)), Shot(Span(2.5, 5))])
    assert times_of(keyframes) == [0.1, 3.0]


def test_a_shot_without_a_candidate_falls_back_to_its_thumbnail() -> None:
    part = part_of({0.0: textured(1)}, duration_s=4)
    keyframes = choose_keyframes(part, [Shot(Span(0, 2)), Shot(Span(2, 4))])
    assert [keyframe.rgb.shape for keyframe in keyframes] == [(180, 320, 3), (27, 48, 3)]
    assert keyframes[1].span.contains(keyframes[1].time_s)


def test_a_part_without_frames_has_none() -> None:
    nothing = DecodedPart(np.zeros(0), np.zeros((0, 27, 48, 3), np.uint8), ())
    assert choose_keyframes(nothing, [Shot(Span(0, 2))]) == []


def test_spans_tile_every_shot() -> None:
    part = part_of({0.7 * n: textured(n) for n in range(20)}, duration_s=14)
    shots = detect_shots(part, Span(0, 14), CutsAt(14, 63, 70))
    keyframes = choose_keyframes(part, shots)
    edges = [keyframe.span.start_s for keyframe in keyframes] + [keyframes[-1].span.end_s]
    assert (edges[0], edges[-1]) == (0, 14)
    assert all(a.span.end_s == b.span.start_s for a, b in itertools.pairwise(keyframes))
    assert {shot.span.start_s for shot in shots} <= set(edges)
    assert all(keyframe.span.contains(keyframe.time_s) for keyframe in keyframes)


def test_decoded_builds_become_keyframes(tmp_path: Path) -> None:
    lines = ["Why bridges fall", "Wind", "Water", "Weight"]
    path = write_video(tmp_path / "a.mp4", [slide(lines[: 1 + i // 40]) for i in range(160)], frames_per_s=10)
    part = AvMediaReader(n_threads=1).decode_part(path, Span(0, 16))
    keyframes = choose_keyframes(part, [Shot(Span(0, 16))])
    assert [keyframe.span.start_s for keyframe in keyframes] == pytest.approx([0, 4, 8, 12], abs=0.11)


def test_a_fading_in_slide_is_one_keyframe_but_a_brief_title_is_kept() -> None:
    title, slide_after = slide(["Part one", "A story of sand"]), slide(["The dunes of the north", "Wind", "Water"])
    faint = (slide_after * 0.2 + 204).astype(np.uint8)
    part = part_of({0.5: title, 2.0: faint, 2.6: slide_after}, duration_s=8)
    assert times_of(choose_keyframes(part, [Shot(Span(0, 8))]))[0] == 0.5
    assert times_of(choose_keyframes(part, [Shot(Span(0, 8))]))[-1] == 2.6


def test_a_moved_cursor_is_nothing_new() -> None:
    before = slide(["The cursor wanders", "over a slide"])
    after = before.copy()
    after[400:424, 600:614] = 0
    assert len(choose_keyframes(part_of({0.0: before, 4.0: after}, duration_s=8), [Shot(Span(0, 8))])) == 1
