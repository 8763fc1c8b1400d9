"""What every object detector promises."""

import numpy as np
import pytest

from adapters.drawn_shapes import DrawnShapeDetector
from core.protocols import ObjectDetector
from core.signals import ImageArray
from tests.drawings import draw


@pytest.fixture
def detector() -> ObjectDetector:
    return DrawnShapeDetector()


@pytest.fixture
def shown() -> ImageArray:
    return draw("white", square=((100, 200, 340, 440), "red"), circle=((700, 200, 1000, 500), "blue"))


class TestObjectDetector:
    def test_has_a_name_to_cite(self, detector: ObjectDetector) -> None:
        assert detector.name.strip()

    @pytest.mark.parametrize("size", [(720, 1280), (180, 320), (1280, 720), (8, 400), (1, 1)])
    def test_finds_nothing_where_nothing_is(self, detector: ObjectDetector, size: tuple[int, int]) -> None:
        assert detector.detect_objects(np.full((*size, 3), 90, np.uint8)) == []

    def test_boxes_are_shares_of_the_picture_most_certain_first(
        self, detector: ObjectDetector, shown: ImageArray
    ) -> None:
        found = detector.detect_objects(shown)
        assert len(found) == 2
        assert found == sorted(found, key=lambda item: -item.confidence)
        for item in found:
            left, top, right, bottom = item.box
            assert 0.0 <= left < right <= 1.0
            assert 0.0 <= top < bottom <= 1.0
            assert 0.0 <= item.confidence <= 1.0
            assert item.label.strip()

    def test_leaves_the_picture_as_it_was(self, detector: ObjectDetector, shown: ImageArray) -> None:
        before = shown.copy()
        detector.detect_objects(shown)
        assert np.array_equal(shown, before)
