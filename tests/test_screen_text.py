"""Screen text over time: lines told once while they stand, together with what stands beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.records import Evidence, Modality, Part, Region, Span
from core.signals import ImageArray, TextBox
from indexer.screen_text import read_screen
from tests.fakes.screen import FakeScreenReader, line, picture_with

PART = Part("v", 3, Span(0, 60))


@dataclass
class Frame:
    span: Span
    lines: Sequence[TextBox]

    @property
    def time_s(self) -> float:
        return self.span.middle_s

    @property
    def rgb(self) -> ImageArray:
        return picture_with(self.lines) if self.lines else np.zeros((90, 160, 3), np.uint8)


def read(*frames: tuple[float, float, Sequence[TextBox]]) -> tuple[Evidence, ...]:
    keyframes = [Frame(Span(start_s, end_s), lines) for start_s, end_s, lines in frames]
    return read_screen(keyframes, FakeScreenReader(), PART, "offline")


def told(evidence: Sequence[Evidence]) -> list[tuple[float, float, str]]:
    return [(item.span.start_s, item.span.end_s, item.text) for item in evidence]


def test_pictures_without_text_give_nothing() -> None:
    assert read((0, 5, []), (5, 9, [])) == ()
    assert read() == ()


def test_a_slide_is_one_piece_of_evidence() -> None:
    slide = [line("Tides", top=0.1), line("Spring tide", top=0.3), line("Neap tide", top=0.5)]
    (item,) = read((0, 4, slide), (4, 10, slide), (10, 12, []))
    assert told([item]) == [(0, 10, "Tides\nSpring tide\nNeap tide")]
    assert item.modality is Modality.SCREEN
    assert item.part == 3
    assert item.produced_by == "fake reader 1"
    assert item.confidence == 0.95


def test_the_best_reading_of_a_line_wins() -> None:
    blurred, sharp = line("METROTOLITFIN", confidence=0.8), line("METROPOLITAIN", confidence=0.97)
    assert told(read((0, 2, [blurred]), (2, 4, [sharp]), (4, 6, [blurred]))) == [(0, 6, "METROPOLITAIN")]


def test_what_stays_and_what_changes_are_told_apart() -> None:
    title = line("Tides", top=0.05)
    first, second = line("Spring tide", top=0.5), line("Neap water", top=0.5)
    assert told(read((0, 4, [title, first]), (4, 9, [title, second]))) == [
        (0, 4, "Spring tide"),
        (0, 9, "Tides"),
        (4, 9, "Neap water"),
    ]


def test_clocks_do_not_glue() -> None:
    frames = [(n, n + 1, [line(f"01:00:{n:02}:00")]) for n in range(4)]
    assert [item.text for item in read(*frames)] == ["01:00:00:00", "01:00:01:00", "01:00:02:00", "01:00:03:00"]


def test_subtitles_follow_one_another() -> None:
    frames = [(0, 2, [line("We want to be free", top=0.85)]), (2, 4, [line("said the old keeper", top=0.85)])]
    assert told(read(*frames)) == [(0, 2, "We want to be free"), (2, 4, "said the old keeper")]


def test_a_line_hidden_for_a_moment_is_still_one_line() -> None:
    sign = [line("RUE DE LONDRES")]
    assert told(read((0, 4, sign), (4, 5, []), (5, 9, sign))) == [(0, 9, "RUE DE LONDRES")]
    assert told(read((0, 4, sign), (4, 14, []), (14, 19, sign))) == [(0, 4, sign[0].text), (14, 19, sign[0].text)]


def test_the_same_words_elsewhere_are_another_line() -> None:
    assert len(read((0, 2, [line("EXIT", left=0.05)]), (2, 4, [line("EXIT", left=0.4)]))) == 2


def test_a_dense_page_comes_in_pieces_that_can_be_embedded() -> None:
    page = [line(f"{n} " + "word " * 15, top=n / 40) for n in range(30)]
    pieces = read((0, 5, page))
    assert len(pieces) == 3
    assert max(len(item.text) for item in pieces) <= 900
    assert "\n".join(item.text for item in pieces) == "\n".join(box.text for box in page)
    assert {item.span for item in pieces} == {Span(0, 5)}


def test_reading_again_gives_the_same_ids() -> None:
    frames = [(0.0, 4.0, [line("Tides")]), (4.0, 9.0, [line("Winds")])]
    assert read(*frames) == read(*frames)
    assert len({item.id for item in read(*frames)}) == 2


def test_a_line_stands_where_it_was_read_best() -> None:
    blurred, sharp = line("METROTOLITFIN", left=0.1, confidence=0.8), line("METROPOLITAIN", left=0.2, confidence=0.97)
    (item,) = read((0, 2, [blurred]), (2, 4, [sharp]), (4, 6, [blurred]))
    assert item.region == Region(3, (sharp.box,))


def test_lines_stand_where_most_of_them_were_read_one_box_each() -> None:
    blurred, title, sharp = (
        line("Tides", top=top, confidence=sure) for top, sure in ((0.1, 0.8), (0.12, 0.9), (0.15, 1))
    )
    hidden = line("Neap tide", top=0.5)
    (item,) = read((0, 2, [blurred, hidden]), (2, 4, [sharp]), (4, 6, [title, hidden]))
    assert item.text == "Tides\nNeap tide"
    assert item.region == Region(5, (title.box, hidden.box))


def test_a_box_that_is_none_costs_the_region_not_the_text() -> None:
    (item,) = read((0, 4, [TextBox("Tides", 0.9, (0.4, 0.1, 0.4, 0.2))]))
    assert (item.text, item.region) == ("Tides", None)
