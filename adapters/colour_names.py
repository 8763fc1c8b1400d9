"""Names of colours: the eleven basic terms of English, by place in a perceptual space.

The terms are those of Berlin and Kay (1969); the space is Oklab (Ottosson, 2020), whose hues stay the same as colours
get lighter, where those of CIELAB turn from blue to purple. It does not know what has the colour.
"""

from __future__ import annotations

import numpy as np

from core.signals import FloatArray, ImageArray

GREY_CHROMA, TINTED_CHROMA = 0.03, 0.055
"""Below the first everything is a grey; nearly black and nearly white things need the second to be called coloured."""

DARK_LIGHTNESS, LIGHT_LIGHTNESS = 0.35, 0.9

_HUES = ((50, "red"), (84, "orange"), (116, "yellow"), (190, "green"), (287, "blue"), (335, "purple"))
"""Each name up to this angle in degrees, from the one before; beyond the last it is red again."""

PINK_LIGHTNESS = 0.7
BROWN_LIGHTNESS, DULL_CHROMA, FAINT_CHROMA = 0.56, 0.1, 0.075
"""Light reds are pink; brown are dark oranges, dull dark reds, and faint oranges like wood and cardboard."""

_TO_CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]], np.float32
)  # fmt: skip
_TO_OKLAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]], np.float32
)  # fmt: skip
_LINEAR = np.array(
    [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in range(256))], np.float32
)


def to_oklab(rgb: ImageArray) -> FloatArray:
    """Return float32 (…, 3) Oklab for uint8 (…, 3) sRGB: lightness in [0, 1], then two axes of colour around 0.

    >>> [round(float(value), 3) + 0.0 for value in to_oklab(np.array([255, 255, 255], np.uint8))]
    [1.0, 0.0, 0.0]
    """
    return np.asarray(np.cbrt(_LINEAR[rgb] @ _TO_CONES.T) @ _TO_OKLAB.T, np.float32)


def name_colour(oklab: FloatArray) -> str:
    """Return the basic colour term for an Oklab colour (3,).

    >>> colours = [(205, 40, 45), (40, 80, 200), (15, 15, 15), (150, 75, 0), (255, 192, 203), (128, 128, 128)]
    >>> [name_colour(to_oklab(np.array(colour, np.uint8))) for colour in colours]
    ['red', 'blue', 'black', 'brown', 'pink', 'grey']
    """
    lightness, along, across = (float(value) for value in oklab)
    chroma, hue = float(np.hypot(along, across)), float(np.degrees(np.arctan2(across, along)) % 360)
    is_extreme = not DARK_LIGHTNESS <= lightness <= LIGHT_LIGHTNESS
    if chroma < (TINTED_CHROMA if is_extreme else GREY_CHROMA):
        return "black" if lightness < DARK_LIGHTNESS else "white" if lightness > LIGHT_LIGHTNESS else "grey"
    name = next((name for end, name in _HUES if hue < end), "red")
    is_dark = lightness < BROWN_LIGHTNESS
    if name == "orange" and (is_dark or chroma < FAINT_CHROMA):
        return "brown"
    if name == "red":
        return "pink" if lightness > PINK_LIGHTNESS else "brown" if is_dark and chroma < DULL_CHROMA else "red"
    return name
