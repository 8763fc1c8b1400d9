"""Drawn figures are named with their colour and ground, and nothing else is."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from adapters.drawn_shapes import DrawnShapeDetector
from core.signals import ImageArray
from tests.clips import slide
from tests.drawings import draw


def told(picture: ImageArray) -> list[str]:
    return sorted(f"{item.label} {item.setting}" for item in DrawnShapeDetector().detect_objects(picture))


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (720, 1280)])
@pytest.mark.parametrize(
    ("figure", "colour", "background", "expected"),
    [
        ("square", "#cd282d", "#2850c8", "red square on a blue background"),
        ("circle", "#ebcd32", "#0f0f0f", "yellow circle on a black background"),
        ("triangle", "#28964a", "#f0f0f0", "green triangle on a white background"),
        ("star", "purple", "orange", "purple star on an orange background"),
    ],
)
def test_names_a_figure_by_colour_form_and_ground(
    figure: str, colour: str, background: str, expected: str, size: tuple[int, int]
) -> None:
    assert told(draw(background, size=size, **{figure: ((120, 60, 330, 270), colour)})) == [expected]


def test_names_the_boxes_of_a_diagram_although_text_stands_in_them() -> None:
    picture = Image.fromarray(draw("white", box_1=((80, 80, 480, 240), "navy"), box_2=((700, 80, 1100, 240), "navy")))
    pen = ImageDraw.Draw(picture)
    for left in (130, 750):
        pen.text((left, 130), "Upload it", font=ImageFont.load_default(48), fill="white")
    assert told(np.asarray(picture)) == ["blue rectangle on a white background"] * 2


def test_a_figure_on_a_figure_stands_on_that_one() -> None:
    picture = draw("navy", circle=((400, 100, 900, 600), "white"), square=((550, 250, 750, 450), "red"))
    assert told(picture) == ["red square on a white background", "white circle on a blue background"]


def test_a_figure_that_is_half_outside_is_not_named() -> None:
    assert told(draw("white", circle=((-150, 200, 150, 500), "red"))) == []


def test_slides_of_text_show_no_figures() -> None:
    assert told(slide(["Office opening hours: 0 to 9", "O I o . - Monday", "l i 8 0 O"])) == []


def test_noise_and_soft_light_show_no_figures() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:360, :640]
    lamp = 255 * np.exp(-(((x - 320) / 90) ** 2 + ((y - 180) / 90) ** 2))
    assert told(np.repeat(lamp[..., None], 3, axis=2).astype(np.uint8)) == []
    assert told(rng.integers(0, 255, (360, 640, 3), dtype=np.uint8)) == []
