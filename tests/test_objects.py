"""Things seen become evidence for as long as they show, with their number and where they move."""

import numpy as np
import pytest
from PIL import Image

from adapters.drawn_shapes import DrawnShapeDetector
from core.records import Evidence, Modality, Part, Shot, Span
from core.signals import DecodedPart, ImageArray
from indexer.keyframes import KeyframePicture
from indexer.objects import name_objects
from tests.drawings import draw, to_jpeg

PART = Part("5e492bc6-7568-4bf4-b49e-b7550fc288df", 0, Span(0, 12))
EMPTY = draw("white")


def look(pictures: list[ImageArray], every_s: float = 2.0, n_keyframes: int | None = None) -> tuple[Evidence, ...]:
    """Return what is told of pictures that follow each other in one shot; the first ``n_keyframes`` are keyframes."""
    times_s = [index * every_s for index in range(len(pictures) + 1)]
    chosen = list(zip(times_s, pictures, strict=False))[:n_keyframes]
    ends_s = [*(time_s for time_s, _ in chosen[1:]), times_s[-1]]
    keyframes = [
        KeyframePicture(time_s, Span(time_s, end_s), to_jpeg(picture), 1.0)
        for (time_s, picture), end_s in zip(chosen, ends_s, strict=True)
    ]
    thumbnails = [np.asarray(Image.fromarray(picture).resize((48, 27), Image.Resampling.BOX)) for picture in pictures]
    shown_s = np.array(times_s[:-1]) + every_s / 2
    decoded = DecodedPart(shown_s, np.stack(thumbnails), ())
    return name_objects(decoded, [Shot(Span(0, times_s[-1]))], keyframes, DrawnShapeDetector(), PART, "offline")


def square_at(left: float, top: float) -> ImageArray:
    return draw("blue", square=((left, top, left + 180, top + 180), "red"))


def test_what_stays_is_told_once_for_as_long_as_it_shows() -> None:
    shown = draw("white", circle=((100, 100, 300, 300), "green"))
    (evidence,) = look([EMPTY, shown, shown, shown, EMPTY, EMPTY])
    assert (evidence.text, evidence.span) == ("a green circle on a white background", Span(2, 8))
    assert (evidence.modality, evidence.produced_by) == (Modality.OBJECT, "drawn-shapes-1")


def test_things_of_a_kind_are_counted() -> None:
    figures = {f"square_{i}": ((100 + 300 * i, 100, 280 + 300 * i, 280), "black") for i in range(3)}
    (evidence,) = look([draw("yellow", star=((500, 400, 800, 700), "red"), **figures)])
    assert evidence.text == "three black squares and a red star on a yellow background"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ([(100, 270), (500, 270), (900, 270)], "moving from left to right"),
        ([(900, 270), (500, 270), (100, 270)], "moving from right to left"),
        ([(550, 40), (550, 270), (550, 480)], "moving from top to bottom"),
        ([(550, 480), (550, 270), (550, 40)], "moving from bottom to top"),
        ([(100, 40), (500, 270), (800, 480)], "moving from top left to bottom right"),
    ],
)
def test_the_direction_of_a_thing_that_moves_is_told(path: list[tuple[float, float]], expected: str) -> None:
    (evidence,) = look([square_at(*place) for place in path], every_s=0.5, n_keyframes=1)
    assert evidence.text == f"a red square {expected} on a blue background"


def test_a_thing_that_moves_is_there_while_it_comes_in_and_leaves() -> None:
    (evidence,) = look([square_at(x, 270) for x in (-90, 200, 600, 900, 1200)], every_s=1.0)
    assert evidence.span == Span(0, 5)


def test_a_thing_that_comes_and_goes_in_its_place_does_not_move() -> None:
    (evidence,) = look([square_at(500, 270), draw("blue"), square_at(500, 270), draw("blue")], n_keyframes=1)
    assert evidence.text == "a red square on a blue background"


def test_nothing_is_told_of_pictures_without_things() -> None:
    assert look([EMPTY, EMPTY]) == ()
    decoded = DecodedPart(np.zeros(0), np.zeros((0, 27, 48, 3), np.uint8), ())
    assert name_objects(decoded, [], [], DrawnShapeDetector(), PART, "offline") == ()


def test_a_thing_that_moves_stands_where_it_does_on_its_keyframe() -> None:
    (evidence,) = look([square_at(x, 270) for x in (100, 500, 900)], every_s=0.5, n_keyframes=2)
    assert evidence.region is not None
    left = {0.0: 100, 0.5: 500}[evidence.region.time_s] / 1280
    assert evidence.region.outline == pytest.approx((left, 270 / 720, left + 180 / 1280, 450 / 720), abs=0.01)


def test_each_of_several_things_has_its_box() -> None:
    figures = {f"square_{i}": ((100 + 300 * i, 100, 280 + 300 * i, 280), "black") for i in range(3)}
    (evidence,) = look([draw("yellow", star=((500, 400, 800, 700), "red"), **figures)])
    assert evidence.region is not None
    assert [round(box[0] * 1280, -2) for box in evidence.region.boxes[:3]] == [100, 400, 700]
    assert len(evidence.region.boxes) == 4
