"""What every screen reader promises, run over the fake and over RapidOCR with the models in its package."""

import numpy as np
import pytest

from adapters.rapidocr_reader import RapidOcrReader
from core.protocols import ScreenReader
from core.signals import ImageArray
from tests.clips import slide
from tests.fakes.screen import FakeScreenReader, line, picture_with

LINES = ["Harbour opening hours", "Monday to Friday", "from 9 to 17"]


@pytest.fixture(scope="module", params=["fake", pytest.param("rapidocr", marks=pytest.mark.models)])
def reader(request: pytest.FixtureRequest) -> ScreenReader:
    return FakeScreenReader() if request.param == "fake" else RapidOcrReader(threads=2)


@pytest.fixture
def written(reader: ScreenReader) -> ImageArray:
    if isinstance(reader, FakeScreenReader):
        return picture_with([line(text, top=0.1 + 0.2 * row) for row, text in enumerate(LINES)])
    return slide(LINES)


class TestScreenReader:
    def test_has_a_name_to_cite(self, reader: ScreenReader) -> None:
        assert reader.name.strip()

    @pytest.mark.parametrize("size", [(720, 1280), (180, 320), (8, 400), (1, 1)])
    def test_reads_nothing_where_nothing_stands(self, reader: ScreenReader, size: tuple[int, int]) -> None:
        assert reader.read_text(np.full((*size, 3), 90, np.uint8)) == []

    def test_reads_lines_from_top_to_bottom(self, reader: ScreenReader, written: ImageArray) -> None:
        assert [box.text for box in reader.read_text(written)] == LINES

    def test_boxes_are_shares_of_the_picture(self, reader: ScreenReader, written: ImageArray) -> None:
        for box in reader.read_text(written):
            left, top, right, bottom = box.box
            assert 0.0 <= left < right <= 1.0
            assert 0.0 <= top < bottom <= 1.0
            assert 0.0 <= box.confidence <= 1.0

    def test_leaves_the_picture_as_it_was(self, reader: ScreenReader, written: ImageArray) -> None:
        before = written.copy()
        reader.read_text(written)
        assert np.array_equal(written, before)
