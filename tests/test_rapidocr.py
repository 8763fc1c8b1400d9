"""RapidOCR: what counts as text, and what it reads on real frames, from small signs to screen recordings."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adapters.rapidocr_reader import RapidOcrReader, is_readable
from core.signals import ImageArray

CORPUS = Path(__file__).parents[1].parent / "shared" / "corpus" / "dev" / "videos"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the evaluation corpus is not beside the checkout")


@pytest.mark.parametrize("text", ["RUE", "01:00", "$35", "被子", "Big Buck"])
def test_words_and_numbers_count(text: str) -> None:
    assert is_readable(text, 0.97)


@pytest.mark.parametrize(
    ("text", "confidence"), [("", 1.0), ("---", 1.0), ("I", 0.99), ("4", 0.95), ("LO", 0.82), ("BLIJEK", 0.61)]
)
def test_shapes_taken_for_letters_do_not(text: str, confidence: float) -> None:
    assert not is_readable(text, confidence)


def frame(name: str, time_s: float) -> ImageArray:
    """Return the frame shown at the time, as it is displayed."""
    import av

    with av.open(str(CORPUS / name)) as container:
        for picture in container.decode(video=0):
            if picture.time is not None and picture.time >= time_s:
                return picture.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    raise AssertionError(f"{name} ends before {time_s} s")


@pytest.mark.models
@pytest.mark.corpus
@needs_corpus
class TestRealFrames:
    @pytest.fixture(scope="class")
    def reader(self) -> RapidOcrReader:
        return RapidOcrReader(threads=2)

    @pytest.mark.parametrize(
        ("name", "time_s", "expected"),
        [
            ("d01.mp4", 14.2, ["RUE", "DE LONDRES"]),
            ("d01.mp4", 30.5, ["OMAR", "Software Engineer"]),
            ("d04.mp4", 6.5, ["FOR", "BIGGER", "JOYRIDES"]),
            ("d04.mp4", 12.5, ["For $35. For everyone.", "Plus tax."]),
            ("d08.mp4", 15.0, ["01:00:15:00"]),
            ("d11.mp4", 5.2, ["JAGUAR"]),
            ("d14.webm", 21.5, ["THE PEACH OPEN MOVIE PROJECT", "PRESENTS"]),
        ],
    )
    def test_reads_what_people_read(
        self, reader: RapidOcrReader, name: str, time_s: float, expected: list[str]
    ) -> None:
        assert [box.text for box in reader.read_text(frame(name, time_s))] == expected

    def test_reads_a_title_whose_lines_touch(self, reader: RapidOcrReader) -> None:
        texts = [box.text.replace(" ", "") for box in reader.read_text(frame("d14.webm", 27.0))]
        assert texts == ["BigBuck", "BUNNY"]

    def test_reads_file_names_on_a_huge_screen(self, reader: RapidOcrReader) -> None:
        texts = [box.text for box in reader.read_text(frame("d22.mp4", 5.0))]
        assert "IMG_4821.MOV" in texts
        assert "01:30" in texts

    @pytest.mark.parametrize(
        ("name", "time_s"),
        [("d01.mp4", 10.0), ("d02.mp4", 8.0), ("d03.mp4", 60.0), ("d10.mp4", 90.0)],
    )
    def test_reads_nothing_into_pictures(self, reader: RapidOcrReader, name: str, time_s: float) -> None:
        assert reader.read_text(frame(name, time_s)) == []

    def test_size_does_not_move_boxes(self, reader: RapidOcrReader) -> None:
        picture = frame("d04.mp4", 6.5)
        large = np.asarray(Image.fromarray(picture).resize((2560, 1440)))
        for box, scaled in zip(reader.read_text(picture), reader.read_text(large), strict=True):
            assert box.box == pytest.approx(scaled.box, abs=0.02)
