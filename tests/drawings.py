"""Pictures drawn for tests: figures on a plain ground, compressed as a video's would be."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

from core.signals import ImageArray

Box = tuple[float, float, float, float]


def draw(background: str, *, size: tuple[int, int] = (1280, 720), **figures: tuple[Box, str]) -> ImageArray:
    """Return uint8 (h, w, 3) with figures named by their first word: ``square``, ``circle_2``, ``triangle``."""
    image = Image.new("RGB", size, background)
    pen = ImageDraw.Draw(image)
    for name, (box, colour) in figures.items():
        left, top, right, bottom = box
        match name.split("_")[0]:
            case "circle":
                pen.ellipse(box, fill=colour)
            case "triangle":
                pen.polygon([((left + right) / 2, top), (right, bottom), (left, bottom)], fill=colour)
            case "star":
                turns = np.arange(10) * np.pi / 5
                radii = np.where(np.arange(10) % 2 == 0, 0.5, 0.2)
                middle = np.array([(left + right) / 2, (top + bottom) / 2])
                tips = np.stack([np.sin(turns), -np.cos(turns)], axis=1) * radii[:, None] * (right - left)
                pen.polygon([(float(x), float(y)) for x, y in middle + tips], fill=colour)
            case _:
                pen.rectangle(box, fill=colour)
    return np.asarray(Image.open(BytesIO(to_jpeg(np.asarray(image)))).convert("RGB"))


def to_jpeg(picture: ImageArray) -> bytes:
    out = BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=80)
    return out.getvalue()
